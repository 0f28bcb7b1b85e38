"""Processes that share activations are killed: files are whole or absent, nothing finished is trained again, and the results are those of training alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sharing_training import SECOND_EPOCH, sharing_config
from tiny_trainings import pretrained

from trainer import EpochRecord, TrainResult, train
from trainer.network import frozen_plan
from trainer.network.activations import _checksum
from trainer.network.features import forget_networks

ROOT = Path(__file__).parents[3]
COMPARED = ("loss", "accuracy", "val_loss", "val_accuracy")
MOMENT = 0.5
"""Seconds from a process's word that it looks for a file until it waits for it."""


@pytest.fixture(autouse=True)
def _it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny network's activations are as quick to compute as to read."""
    monkeypatch.setattr(frozen_plan, "PAYS_FROM", 0.0)
    forget_networks()


@pytest.fixture
def weights(tmp_path: Path) -> str:
    return pretrained(tmp_path / "tiny.weights.h5")


def begin(tmp_path: Path, weights: str, seed: int, act: str = "trains") -> subprocess.Popen[str]:
    words = [str(tmp_path / "cache"), str(tmp_path / f"trial-{seed}"), weights, str(seed), act]
    (tmp_path / f"trial-{seed}").mkdir(exist_ok=True)
    command = [sys.executable, str(Path(__file__).with_name("sharing_training.py")), *words]
    with (tmp_path / f"trial-{seed}.log").open("w") as log:
        return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=log, text=True)


def wait_for(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == words:
            return
    pytest.fail(f"the process ended before it said {words!r}")


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def resume(tmp_path: Path, weights: str, seed: int) -> tuple[TrainResult, list[int]]:
    """Go on with a killed training; its result, and the epochs that were trained now."""
    trained: list[int] = []

    def note(record: EpochRecord) -> None:
        if not record.replayed:
            trained.append(record.epoch)

    config = sharing_config(tmp_path / "cache", weights, seed)
    return train(config, note, checkpoint_dir=tmp_path / f"trial-{seed}", trainings=9), trained


def alone(tmp_path: Path, weights: str, seed: int) -> TrainResult:
    return train(sharing_config(tmp_path / "none", weights, seed), trainings=0)


def assert_whole(cache: Path, sets: int) -> None:
    """So many files of activations, each as its checksum says, and nothing half made beside them."""
    notes = sorted(cache.glob("features-*/complete.json"))
    assert len(notes) == sets
    for note in notes:
        assert _checksum(np.load(note.with_name("values.npy"))) == json.loads(note.read_text())["sum"]
    assert not list(cache.glob("*.part"))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_process_killed_while_it_writes_activations_leaves_none_of_them(tmp_path: Path, weights: str) -> None:
    killed = begin(tmp_path, weights, 0, "dies")
    wait_for(killed, "writes")
    assert killed.wait() == -signal.SIGKILL
    assert len(list((tmp_path / "cache").glob("*.part"))) == 1
    assert len(list((tmp_path / "cache").glob("features-*.features"))) == SECOND_EPOCH - 1
    result, trained = resume(tmp_path, weights, 0)
    assert trained == [2, 3]
    assert (result.figures["features_read"], result.figures["features_computed"]) == (1, 2)
    assert_whole(tmp_path / "cache", 4)
    expected = alone(tmp_path, weights, 0)
    assert all(result.curves[name] == expected.curves[name] for name in COMPARED)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_who_waits_may_be_killed_and_goes_on_when_the_one_that_computes_is_killed(tmp_path: Path, weights: str) -> None:
    computing = begin(tmp_path, weights, 0, "stops")
    wait_for(computing, "writes")
    waiting, surviving = begin(tmp_path, weights, 1), begin(tmp_path, weights, 2)
    for process in (waiting, surviving):
        wait_for(process, f"wants {SECOND_EPOCH}")
    time.sleep(MOMENT)
    end(waiting)
    assert surviving.poll() is None
    assert not (tmp_path / "trial-2" / "curves.json").exists(), "it waits"
    end(computing)
    surviving.communicate()
    assert surviving.returncode == 0, (tmp_path / "trial-2.log").read_text()
    assert_whole(tmp_path / "cache", 4)
    curves = json.loads((tmp_path / "trial-2" / "curves.json").read_text())
    expected = alone(tmp_path, weights, 2)
    assert all(tuple(curves[name]) == expected.curves[name] for name in COMPARED)
    for seed in (0, 1):
        result, trained = resume(tmp_path, weights, seed)
        assert trained == [2, 3]
        assert result.figures["features_computed"] == 0
        expected = alone(tmp_path, weights, seed)
        assert all(result.curves[name] == expected.curves[name] for name in COMPARED)
