"""Checkpoints on an object store: a real S3-compatible server, real trainings, real kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from resumable import main as train_or_die
from sklearn.datasets import load_digits
from tiny_trainings import settings

from trainer import EpochRecord, train
from trainer.checkpoints import Checkpoint, Checkpoints, mirrored, open_checkpoints
from trainer.places import open_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import S3

    from trainer.checkpoints import Arrays

BATCHES = 4
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
NAMES = ["checksums.json", "run.json", "state.npz", "weights.npz"]


def arrays(value: float) -> Arrays:
    return [np.full((2, 3), value, np.float32), np.asarray(value)]


def write(checkpoints: Checkpoints, epoch: int, candidates: set[int] | None = None) -> None:
    checkpoints.write(epoch, arrays(epoch), arrays(-epoch), {"epoch": epoch})
    checkpoints.retain(candidates or set())


@pytest.fixture
def opened(s3: S3, tmp_path: Path) -> Callable[..., Checkpoints]:
    def opened(**options: object) -> Checkpoints:
        return open_checkpoints(s3.url, cache_path=str(tmp_path / "cache"), **options)  # type: ignore[arg-type]

    return opened


def test_the_store_holds_what_a_local_folder_would_and_the_next_attempt_finds_it(
    s3: S3, opened: Callable[..., Checkpoints], tmp_path: Path
) -> None:
    local = Checkpoints(tmp_path / "local")
    with opened() as checkpoints:
        for epoch in range(1, 7):
            write(checkpoints, epoch, {2, 4, epoch})
            write(local, epoch, {2, 4, epoch})
        assert list(tmp_path.glob("cache/checkpoints/*/files/epoch-00006"))
    assert s3.names() == sorted(
        path.relative_to(tmp_path / "local").as_posix() for path in (tmp_path / "local").rglob("*.*") if path.is_file()
    )
    assert {name.partition("/")[0] for name in s3.names()} == {"candidate-00002", "candidate-00004", "epoch-00005", "epoch-00006"}
    assert not any((tmp_path / "cache" / "checkpoints").iterdir())
    with opened() as again:
        newest = again.newest()
        assert newest is not None
        assert (newest.epoch, newest.run, newest.place) == (6, {"epoch": 6}, f"{s3.url}/epoch-00006")
        assert np.array_equal(again.weights(2)[0], arrays(2)[0])
        assert again.epochs() == (2, 4, 5, 6)


def test_an_upload_cut_short_is_no_checkpoint_and_a_damaged_one_is_told(s3: S3, opened: Callable[..., Checkpoints]) -> None:
    with opened() as checkpoints:
        write(checkpoints, 1)
        write(checkpoints, 2)
    store = open_folder(s3.url, "test")
    store.copy("epoch-00002/weights.npz", "epoch-00003/weights.npz")  # the process died before its checksums
    state = store.read("epoch-00002/state.npz")
    store.write("epoch-00002/state.npz", state[:-10] + bytes(10))
    said: list[str] = []
    with opened(say=said.append, recorded_epochs=3) as again:
        newest = again.newest()
        assert newest is not None
        assert newest.epoch == 1
        assert said == [f"the checkpoint of epoch 2 in {s3.url} is damaged and was removed: the training goes on after epoch 1"]
        write(again, 2)
    assert s3.names() == [f"epoch-{epoch:05d}/{name}" for epoch in (1, 2) for name in NAMES]


def test_a_failed_upload_is_made_up_for_by_the_next_one(s3: S3, opened: Callable[..., Checkpoints]) -> None:
    with opened() as checkpoints:
        write(checkpoints, 1)
        s3.gate.shut()
        with pytest.raises(OSError, match="could not be"):
            write(checkpoints, 2)
        s3.gate.reopen()
        write(checkpoints, 3)
    assert s3.names() == [f"epoch-{epoch:05d}/{name}" for epoch in (2, 3) for name in NAMES]


def test_a_store_that_is_away_at_the_start_is_waited_for(
    s3: S3, opened: Callable[..., Checkpoints], monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened() as checkpoints:
        write(checkpoints, 1)
    monkeypatch.setattr(mirrored, "WAITS", (0.0, 0.0))
    s3.gate.shut()
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        s3.gate.reopen()

    with opened(say=say) as again:
        assert isinstance(again.newest(), Checkpoint)
    assert len(said) == 1
    assert "trying again" in said[0]


def test_local_copies_of_processes_that_died_are_removed_and_those_of_others_are_not(
    s3: S3, opened: Callable[..., Checkpoints], tmp_path: Path
) -> None:
    program = f"import os; from trainer.checkpoints import open_checkpoints; open_checkpoints({s3.url!r}, cache_path={str(tmp_path / 'cache')!r}); os._exit(0)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300, env=ENVIRONMENT | s3.environment)
    root = tmp_path / "cache" / "checkpoints"
    (left,) = root.iterdir()
    with opened(), opened():
        assert not left.exists()
        assert len(list(root.iterdir())) == 2


@pytest.mark.slow
def test_a_training_killed_and_resumed_from_the_store_equals_an_uninterrupted_one(s3: S3, tmp_path: Path) -> None:
    train_or_die(tmp_path / "whole", 0)
    program = Path(__file__).with_name("resumable.py")
    command = [sys.executable, str(program), s3.url, str(2 * BATCHES + 3)]
    killed = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600, env=ENVIRONMENT | s3.environment)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert {name.partition("/")[0] for name in s3.names()} == {"epoch-00001", "epoch-00002"}
    result = train_or_die(s3.url, 0)
    assert result.model_path == f"{s3.url}/model.keras"
    with open_checkpoints(s3.url, cache_path=str(tmp_path / "cache")) as mirrored:
        one, other = Checkpoints(tmp_path / "whole").newest(), mirrored.newest()
    assert one is not None
    assert other is not None
    assert [mine.tobytes() for mine in one.weights + one.state] == [theirs.tobytes() for theirs in other.weights + other.state]
    open_folder(s3.url, "test").download("model.keras", tmp_path / "model.keras")
    images = np.random.default_rng(0).uniform(0, 255, (5, 8, 8, 1)).astype(np.float32)
    stored, local = (
        keras.models.load_model(path, compile=False) for path in (tmp_path / "model.keras", tmp_path / "whole" / "model.keras")
    )
    assert np.array_equal(stored.predict(images, verbose=0), local.predict(images, verbose=0))


def test_a_store_that_goes_away_costs_no_epoch_of_a_training(s3: S3, tmp_path: Path) -> None:
    said: list[str] = []
    with open_checkpoints(s3.url, cache_path=str(tmp_path), say=said.append) as checkpoints:
        told = []

        def on_epoch_end(record: EpochRecord) -> None:
            told.append(record.checkpoint)
            if record.epoch == 1:
                s3.gate.shut()
            if record.epoch == 2:
                s3.gate.reopen()

        result = train(settings(3, training={"checkpoint_every": 1}), on_epoch_end, checkpoint_dir=checkpoints)
    assert told == [f"{s3.url}/epoch-00001", None, f"{s3.url}/epoch-00003"]
    assert "epoch 2: its checkpoint could not be written to s3://" in said[0]
    assert "the one of epoch 1 is kept" in said[0]
    assert said[1:] == ["epoch 3: checkpoints are written again"]
    assert result.stopped == "completed"
    assert "model.keras" in s3.names()


def test_a_training_goes_on_where_its_data_moved_to_the_store(s3: S3, tmp_path: Path) -> None:
    digits = load_digits()
    np.savez(tmp_path / "arrays.npz", x=digits.images * 15, y=digits.target)
    open_folder(s3.url, "test").upload(tmp_path / "arrays.npz", "arrays.npz")
    here, there = (
        {"source": source, "cache_path": str(tmp_path / "cache")} for source in (str(tmp_path / "arrays.npz"), f"{s3.url}/arrays.npz")
    )
    train(settings(2, data=here), lambda record: record.epoch == 1, checkpoint_dir=tmp_path / "trial")
    told: list[tuple[int, bool]] = []
    train(settings(2, data=there), lambda record: told.append((record.epoch, record.replayed)), checkpoint_dir=tmp_path / "trial")
    assert told == [(1, True), (2, False)]
