from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from resumable import main as train_or_die
from tiny_trainings import settings

from trainer import EpochRecord, train
from trainer.checkpoints.local import Checkpoints

if TYPE_CHECKING:
    from trainer import TrainResult
    from trainer.checkpoints.local import Checkpoint

ROOT = Path(__file__).parents[3]
MEASURED = {"seconds", "images_per_second", "peak_memory_mb"}
BATCHES = 4


def run(folder: Path, kill_before: int) -> int:
    command = [sys.executable, str(Path(__file__).with_name("resumable.py")), str(folder), str(kill_before)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode


def newest(folder: Path) -> Checkpoint:
    checkpoint = Checkpoints(folder).newest()
    assert checkpoint is not None
    return checkpoint


def assert_same(one: Path, other: Path) -> None:
    """Weights, BatchNorm, optimisers, averages and every figure that is not a measurement, to the last bit."""
    first, second = newest(one), newest(other)
    assert first.epoch == second.epoch
    for mine, theirs in zip(first.weights + first.state, second.weights + second.state, strict=True):
        assert mine.tobytes() == theirs.tobytes()
    for mine, theirs in zip(first.run["figures"], second.run["figures"], strict=True):
        assert {name: mine[name] for name in mine if name not in MEASURED} == {
            name: theirs[name] for name in theirs if name not in MEASURED
        }
    assert first.run["correct"] == second.run["correct"]
    assert first.run["late"] == second.run["late"]


def assert_same_ledger(one: TrainResult, other: TrainResult) -> None:
    """The same epochs, the same images right after each, the same predictions of the exported file."""
    assert one.ledger is not None
    assert other.ledger is not None
    assert one.ledger.epochs == other.ledger.epochs == tuple(range(1, len(one.curves["loss"]) + 1))
    assert (one.ledger.right == other.ledger.right).all()
    assert (one.ledger.classes == other.ledger.classes).all()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_training_killed_twice_equals_an_uninterrupted_one_to_the_last_bit(tmp_path: Path) -> None:
    whole = train_or_die(tmp_path / "whole", 0)
    assert run(tmp_path / "killed", kill_before=2 * BATCHES + 3) == -signal.SIGKILL
    assert newest(tmp_path / "killed").epoch == 2
    damaged = tmp_path / "killed" / "epoch-00002" / "state.npz"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    assert run(tmp_path / "killed", kill_before=3 * BATCHES + 1) == -signal.SIGKILL  # continues after epoch 1, dies in epoch 5
    assert newest(tmp_path / "killed").epoch == 4
    killed = train_or_die(tmp_path / "killed", 0)  # a third process: this one
    assert_same(tmp_path / "whole", tmp_path / "killed")
    assert_same_ledger(whole, killed)
    told = json.loads((tmp_path / "killed" / "told.json").read_text())["told"]
    assert told == [[epoch, epoch <= 4] for epoch in range(1, 7)]


@pytest.mark.parametrize(
    "changes",
    [
        {"training": {"optimizer": "sgd", "schedule": "cosine"}},
        {"training": {"optimizer": "rmsprop", "precise_bn": "epoch"}},
        {"training": {"early_stopping": 2, "learning_rate": 1e-7}},
        {"model": {"frozen_bn": "reestimate", "frozen_layers": "all", "head_bn": True}},
    ],
    ids=["sgd-cosine", "rmsprop-precise", "early-stopping", "reestimated"],
)
def test_a_stopped_training_continues_as_if_it_had_not_stopped(tmp_path: Path, changes: dict[str, dict[str, object]]) -> None:
    config = settings(8 if "early_stopping" in changes.get("training", {}) else 4, **changes)
    whole = train(config, checkpoint_dir=tmp_path / "whole")
    train(config, lambda record: record.epoch == 2, checkpoint_dir=tmp_path / "stopped")
    records: list[EpochRecord] = []
    continued = train(config, records.append, checkpoint_dir=tmp_path / "stopped")
    assert [record.replayed for record in records[:3]] == [True, True, False]
    assert continued.stopped == whole.stopped
    assert continued.exported_epoch == whole.exported_epoch
    assert_same_ledger(whole, continued)
    assert_same(tmp_path / "whole", tmp_path / "stopped")


def test_asking_again_for_a_finished_training_trains_nothing_and_gives_its_result(tmp_path: Path) -> None:
    first = train(settings(2), checkpoint_dir=tmp_path)
    written = first.model_path.stat().st_mtime_ns
    again = train(settings(2), checkpoint_dir=tmp_path, should_stop=lambda: pytest.fail("a batch was run"))
    assert again.curves == first.curves
    assert again.exported_epoch == first.exported_epoch
    assert again.model_path.stat().st_mtime_ns == written
    assert np.isfinite(again.figures["exported_val_accuracy"])
