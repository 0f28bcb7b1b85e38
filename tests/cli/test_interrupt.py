"""Ctrl-C and SIGTERM on a running sweep of real trainings, and the run that continues it."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING

from tests.cli.conftest import SWEEP

if TYPE_CHECKING:
    from tests.cli.conftest import Shell

STORAGE = ("--storage", "sqlite:///tiny-digits.db")


def test_first_signal_saves_and_the_next_run_finishes_everything_once(shell: Shell) -> None:
    (shell.folder / "sweep.yaml").write_text(SWEEP.replace("epochs: 6", "epochs: 60").replace("trials: 3", "trials: 2"))
    process = shell.start("run", "sweep.yaml")
    _wait_for_epochs(shell)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=200)
    assert process.returncode == 130, err
    assert "steadysweep resume tiny-digits" in err
    done = shell.run("resume", "tiny-digits", *STORAGE, "--executor", "inline")
    assert done.returncode == 0, done.stderr
    document = json.loads(shell.run("report", "tiny-digits", *STORAGE, "--format", "json").stdout)
    trials = sorted((trial for entry in document["ranking"] for trial in entry["trials"]), key=lambda trial: trial["number"])
    assert [(trial["number"], trial["state"], trial["epochs"]) for trial in trials] == [(0, "COMPLETE", 60), (1, "COMPLETE", 60)]


def _wait_for_epochs(shell: Shell) -> None:
    """Until the first trial has epochs on record."""
    for _ in range(400):
        time.sleep(0.5)
        done = shell.run("report", "tiny-digits", *STORAGE, "--format", "json")
        if done.returncode == 0 and any(trial["epochs"] >= 3 for entry in json.loads(done.stdout)["ranking"] for trial in entry["trials"]):
            return
    raise AssertionError("no epoch was recorded in time")
