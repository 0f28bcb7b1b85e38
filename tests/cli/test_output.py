"""Where the output goes, and what a run says and returns when its trials fail."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reports.records import StudyRecord, TrialRecord
from sweeps.cli.run import failure_text
from tests.cli.conftest import SWEEP

if TYPE_CHECKING:
    from tests.cli.conftest import Shell

COMMAND = (sys.executable, "-m", "sweeps.cli", "spaces", "--format", "json")
needs_full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")


@needs_full_device
def test_a_full_device_is_named_and_ends_with_code_1() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(COMMAND, check=False, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1, done.stderr
    assert "error: cannot write to standard output" in done.stderr
    assert "No space left on device" in done.stderr
    assert "unexpected" not in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_closed_output_is_quiet() -> None:
    done = subprocess.run(["bash", "-c", 'exec "$@" >&-', "bash", *COMMAND], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_closed_pipe_is_quiet() -> None:
    done = subprocess.run(["bash", "-c", 'set -o pipefail; "$@" | true', "bash", *COMMAND], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def _record(*trials: TrialRecord) -> StudyRecord:
    return StudyRecord(name="s", kind="study", metric="val_accuracy", maximize=True, trials=trials)


def _trial(number: int, state: str, error: str | None = None) -> TrialRecord:
    return TrialRecord(
        number=number,
        configuration=f"c{number}",
        role="search",
        state=state,  # type: ignore[arg-type]
        seed=number,
        params={},
        planned_epochs=2,
        curves={"val_accuracy": np.array([0.5])} if state != "FAIL" else {},
        error=error,
        cause=None if state != "FAIL" else "exception",
    )


def test_failures_among_successes_are_counted_with_the_most_frequent_error() -> None:
    trials = [_trial(0, "COMPLETE"), *(_trial(number, "FAIL", f"Traceback\nValueError: bad {number % 2}") for number in (1, 3, 4))]
    text, useless = failure_text(_record(*trials))
    assert text == "3 of 4 trials failed; most often (2): ValueError: bad 1"
    assert not useless


def test_a_study_without_a_usable_trial_tells_its_most_frequent_error_whole() -> None:
    trials = [_trial(number, "FAIL", f"Traceback of {number % 2}\nValueError: bad {number % 2}") for number in (1, 3, 4)]
    text, useless = failure_text(_record(*trials))
    assert useless
    assert "all 3 failed, most often (2) with:\nTraceback of 1\nValueError: bad 1" in text


def test_a_study_without_failures_says_nothing() -> None:
    assert failure_text(_record(_trial(0, "COMPLETE"), _trial(1, "RUNNING"))) == ("", False)


def test_a_sweep_whose_trainings_all_become_non_finite_ends_with_code_1(shell: Shell) -> None:
    text = SWEEP.replace("learning_rate: {float: [1.0e-3, 1.0e-1], log: true}", "learning_rate: {choice: [1.0e+30, 1.0e+31]}")
    (shell.folder / "sweep.yaml").write_text(
        text.replace("trials: 3", "trials: 2").replace("epochs: 6", "epochs: 2") + "allow: [bn_updates]\n"
    )
    done = shell.ask("run", "sweep.yaml", "--executor", "inline", "--no-sharing")
    assert done.returncode == 1, done.stderr
    assert "no trial of this study can be used: all 2 failed" in done.stderr
    assert "unexpected" not in done.stderr
    assert Path(done.stdout.strip().splitlines()[-1]).is_file(), "the report is written all the same"
    (study,) = json.loads(shell.ask("status", "tiny-digits", "--storage", "sqlite:///tiny-digits.db", "--format", "json").stdout)["studies"]
    assert study["states"]["FAIL"] == 2
