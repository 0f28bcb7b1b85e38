"""A disk that is full while a checkpoint is written: a real one, of a few hundred kilobytes."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from tiny_trainings import settings

from trainer import EpochRecord, train
from trainer.checkpoints import Checkpoints, CheckpointWarning, open_checkpoints

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOM = 2 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)], check=False, capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a file system can only be mounted as root, with the right to: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave some kilobytes: a checkpoint begins and cannot end."""
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    filler = disk / "filler"
    filler.write_bytes(bytes(free - 12_288))
    return filler


def test_a_full_disk_costs_checkpoints_and_no_epoch(small_disk: Path) -> None:
    said: list[str] = []
    told: list[EpochRecord] = []
    folder = small_disk / "trial"

    def on_epoch_end(record: EpochRecord) -> None:
        told.append(record)
        if record.epoch == 2:
            fill(small_disk)
        if record.epoch == 4:
            (small_disk / "filler").unlink()

    config = settings(5, training={"checkpoint_every": 1})
    with open_checkpoints(folder, say=said.append) as checkpoints:
        result = train(config, on_epoch_end, checkpoint_dir=checkpoints)
    assert [record.checkpoint and record.checkpoint.name for record in told] == ["epoch-00001", "epoch-00002", None, None, "epoch-00005"]
    assert said == [
        (
            f"epoch 3: its checkpoint could not be written to {folder} (No space left on device); the one of epoch 2 is kept. "
            "The training goes on and tries again after each epoch; an interruption before that costs the epochs since."
        ),
        "epoch 5: checkpoints are written again",
    ]
    assert len(result.curves["val_accuracy"]) == 5
    assert result.model_path is not None


def test_the_last_good_checkpoint_survives_a_full_disk_and_is_continued_from(small_disk: Path) -> None:
    folder = small_disk / "trial"

    def on_epoch_end(record: EpochRecord) -> bool:
        if record.epoch == 2:
            fill(small_disk)
        return record.epoch == 3

    with pytest.warns(CheckpointWarning, match=r"epoch 3: .* \(No space left on device\); the one of epoch 2 is kept"):
        train(settings(4, training={"checkpoint_every": 1}), on_epoch_end, checkpoint_dir=folder)
    (small_disk / "filler").unlink()
    newest = Checkpoints(folder).newest()
    assert newest is not None
    assert newest.epoch == 2
    assert not list(folder.glob(".partial*"))
    told: list[tuple[int, bool]] = []
    train(settings(4, training={"checkpoint_every": 1}), lambda record: told.append((record.epoch, record.replayed)), checkpoint_dir=folder)
    assert told == [(1, True), (2, True), (3, False), (4, False)]


def test_a_model_that_finds_no_room_leaves_the_figures_of_its_training(small_disk: Path) -> None:
    folder = small_disk / "trial"
    with pytest.warns(CheckpointWarning) as warned:
        result = train(settings(1), lambda _: fill(small_disk) and None, checkpoint_dir=folder)
    assert [str(each.message).partition(" (")[0] for each in warned] == [f"the model of epoch 1 could not be written to {folder}"]
    assert result.model_path is None
    assert "exported_val_accuracy" in result.figures
    assert not list(folder.glob("*.keras*"))
