"""Signals on a run whose trial does not look whether it should stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.cli import main

STUDY_TESTS = Path(__file__).parents[1] / "study"
PROGRAM = """
import signal, sys
from pathlib import Path
from killable import sweep_in
from sweeps.cli.main import exit_code
from sweeps.executor.inline import InlineExecutor
from sweeps.stop_signals import StopSignals
from sweeps.study.running import run_study
from sweeps.sweep_file import sweep_from_text

for number in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)  # the tests themselves may run in the background, where both are ignored, and then a run ignores them too

def say(text):
    print(text, flush=True)

try:
    with StopSignals(lambda name: say(f"first {name}")) as signals:
        run_study(sweep_from_text(sweep_in(Path("."))), InlineExecutor(), trainable="faulty_training:deaf", stop_requested=signals.requested)
except KeyboardInterrupt as error:
    sys.exit(exit_code(error))
"""


@pytest.mark.parametrize(("first", "second"), [(signal.SIGINT, signal.SIGTERM), (signal.SIGQUIT, signal.SIGHUP)])
def test_the_second_signal_stops_at_once_what_the_first_could_not(
    first: signal.Signals, second: signal.Signals, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(STUDY_TESTS), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "deaf\n"
    assert (
        main(["status", "fast", "--storage", f"sqlite:///{tmp_path}/fast.db", "--format", "json"]) == 0
    )  # from another process, at any time
    (study,) = json.loads(capsys.readouterr().out)["studies"]
    assert (study["states"]["RUNNING"], study["best"]) == (1, None)
    process.send_signal(first)
    assert process.stdout.readline() == f"first {first.name}\n"
    process.send_signal(second)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert err.strip() == "interrupted"
