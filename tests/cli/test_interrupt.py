"""Ctrl-C, SIGTERM and a closed terminal on a sweep of real trainings at every phase, and the run that continues it."""

from __future__ import annotations

import json
import os
import pty
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from sweeps.executor.ray_session import FOLDER_PREFIX
from sweeps.record import read_study
from sweeps.record.errors import SchemaError, StudyNotFoundError
from tests.cli.conftest import SWEEP

if TYPE_CHECKING:
    from tests.cli.conftest import Shell

BREAKS_IN_TRIALS = """\
import sys
import keras

def backbone(input_shape):
    if "model_probe" not in (sys.modules["__main__"].__file__ or ""):  # the check before the run builds it too
        raise RuntimeError("no such layer: conv9")
    return keras.Sequential([keras.Input(input_shape), keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization()])
"""
STORAGE = ("--storage", "sqlite:///tiny-digits.db")


def test_first_signal_saves_and_the_next_run_finishes_everything_once(shell: Shell) -> None:
    (shell.folder / "sweep.yaml").write_text(SWEEP.replace("epochs: 6", "epochs: 30").replace("trials: 3", "trials: 2"))
    process = shell.start("run", "sweep.yaml", "--no-sharing")
    _wait_for_epochs(shell)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=200)
    assert process.returncode == 130, err
    assert "steadysweep resume tiny-digits" in err
    done = shell.run("resume", "tiny-digits", *STORAGE, "--executor", "inline", "--no-sharing")
    assert done.returncode == 0, done.stderr
    document = json.loads(shell.ask("report", "tiny-digits", *STORAGE, "--format", "json").stdout)
    trials = sorted((trial for entry in document["ranking"] for trial in entry["trials"]), key=lambda trial: trial["number"])
    assert [(trial["number"], trial["state"], trial["epochs"]) for trial in trials] == [(0, "COMPLETE", 30), (1, "COMPLETE", 30)]


@pytest.mark.parametrize("phase", ["Ray starts", "training"])
def test_a_closed_terminal_saves_and_leaves_no_process(shell: Shell, phase: str) -> None:
    (shell.folder / "sweep.yaml").write_text(SWEEP.replace("epochs: 6", "epochs: 20000").replace("trials: 3", "trials: 2"))
    number, terminal = pty.fork()
    if number == 0:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests themselves may run below nohup
        os.chdir(shell.folder)
        os.execv(sys.executable, [sys.executable, "-m", "sweeps.cli", "run", "sweep.yaml", "--no-sharing"])  # noqa: S606 - a child of our own
    threading.Thread(target=_read_all, args=(terminal,), daemon=True).start()
    driver = psutil.Process(number)
    if phase == "training":
        _wait_for_epochs(shell)
    while not any(child.name() == "gcs_server" for child in driver.children(recursive=True)):
        time.sleep(0.1)
    children = driver.children(recursive=True)
    os.close(terminal)  # the kernel sends SIGHUP to all that were started from it
    assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 130
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
    assert list(Path("/tmp").glob(f"{FOLDER_PREFIX}{number}-*")) == []  # noqa: S108 - where Ray sessions lie
    if phase == "training":
        (left,) = json.loads(shell.ask("report", "tiny-digits", *STORAGE, "--format", "json").stdout)["ranking"]
        saved = max(int(folder.name.removeprefix("epoch-")) for folder in (shell.folder / "runs").rglob("epoch-*"))
        assert saved >= left["trials"][0]["epochs"] >= 3


def _read_all(terminal: int) -> None:
    """A terminal that nobody reads would stop whoever writes to it."""
    with suppress(OSError):
        while os.read(terminal, 4096):
            pass


def test_sigterm_while_ray_starts_leaves_nothing_behind(shell: Shell) -> None:
    (shell.folder / "sweep.yaml").write_text(SWEEP)
    process = shell.start("run", "sweep.yaml", "--no-sharing")
    driver = psutil.Process(process.pid)
    while not any(child.name() == "gcs_server" for child in driver.children(recursive=True)):
        time.sleep(0.1)
    children = driver.children(recursive=True)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=200)
    assert process.returncode == 130, err
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
    assert list(Path("/tmp").glob(f"{FOLDER_PREFIX}{process.pid}-*")) == []  # noqa: S108 - where Ray sessions lie


def test_a_second_ctrl_c_leaves_no_process_and_a_study_that_can_go_on(shell: Shell) -> None:
    (shell.folder / "sweep.yaml").write_text(SWEEP.replace("epochs: 6", "epochs: 20000").replace("trials: 3", "trials: 2"))
    process = shell.start("run", "sweep.yaml", "--quiet", "--no-sharing")
    _wait_for_epochs(shell)
    (running,) = json.loads(shell.ask("status", "tiny-digits", *STORAGE, "--format", "json").stdout)["studies"]
    assert running["states"]["RUNNING"] == 1
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    said: list[str] = []
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "again to stop at once" not in (said[-1] if said else ""):
        said.append(process.stderr.readline())
        assert said[-1], "".join(said)
    assert said[-1].startswith("SIGINT: saving checkpoints and stopping")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=200)
    assert process.returncode == 130
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []
    (left,) = json.loads(shell.ask("status", "tiny-digits", *STORAGE, "--format", "json").stdout)["studies"]
    assert left["states"] == {"COMPLETE": 0, "PRUNED": 0, "FAIL": 0, "RUNNING": 1, "WAITING": 0}


def test_the_same_exception_in_the_first_trials_ends_with_it_and_code_1(shell: Shell) -> None:
    (shell.folder / "own.py").write_text(BREAKS_IN_TRIALS)
    model = "model: {backbone: own:backbone}"
    text = SWEEP.replace("model: {backbone: small_resnet, options: {filters: [4, 8]}}", model).replace("trials: 3", "trials: 9")
    (shell.folder / "sweep.yaml").write_text(text + "allow: [bn_updates]\n")
    done = shell.run(
        "run",
        "sweep.yaml",
        "--executor",
        "inline",
        "--no-sharing",
        PYTHONPATH=os.pathsep.join([str(shell.folder), os.environ.get("PYTHONPATH", "")]),
    )
    assert done.returncode == 1, done.stderr
    assert (
        "error: the first 3 trials of this run failed alike, the last one being trial 2; the sweep stops rather than repeat it:"
        in done.stderr
    )
    assert "RuntimeError: no such layer: conv9" in done.stderr
    assert "Fix the cause and run the sweep again" in done.stderr
    assert "unexpected error" not in done.stderr
    (study,) = json.loads(shell.ask("status", "tiny-digits", *STORAGE, "--format", "json").stdout)["studies"]
    assert study["states"]["FAIL"] == 3


def _wait_for_epochs(shell: Shell) -> None:
    """Until the first trial has epochs on record."""
    for _ in range(2000):
        time.sleep(0.1)
        with suppress(StudyNotFoundError, SchemaError):  # not there yet
            if any(trial.num_epochs >= 3 for trial in read_study(f"sqlite:///{shell.folder}/tiny-digits.db", "tiny-digits").trials):
                return
    raise AssertionError("no epoch was recorded in time")
