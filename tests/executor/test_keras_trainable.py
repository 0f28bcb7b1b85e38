"""The Keras trainable of a sweep, in this process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reports.ledger import PackedLedger, unpack, unpack_images
from sweeps.executor.attempt import AttemptReporter, run_attempt
from sweeps.executor.protocol import Cause, EpochEnded, Noticed, TrialTask
from sweeps.keras_trainable import TRAINABLE
from sweeps.storage_path import FolderMark
from trainer.config import DataConfig, ModelConfig, SplitConfig, TrainConfig, TrainingConfig

if TYPE_CHECKING:
    from conftest import S3

    from sweeps.executor.protocol import Ended, Event

CONFIG = TrainConfig(
    data=DataConfig(source="digits", split=SplitConfig(train=100, validation=100, test=0)),
    model=ModelConfig(backbone="plain_cnn", options={"filters": [8], "kernel": 3, "dropout": 0.0}),
    training=TrainingConfig(epochs=4, batch_size=50, checkpoint_every=1),
)


@pytest.fixture
def given(tmp_path: Path) -> TrialTask:
    return TrialTask(5, 0, TRAINABLE, CONFIG.model_dump(mode="json"), str(tmp_path / "trial"))


def run(task: TrialTask, *, stop_after: int | None = None) -> tuple[list[EpochEnded], Ended]:
    told: list[EpochEnded] = []

    def send(event: Event) -> None:
        assert isinstance(event, EpochEnded)
        told.append(event)
        if event.epoch == stop_after:
            reporter.stop()

    reporter = AttemptReporter(task, send)
    return told, run_attempt(task, reporter)


def test_a_training_tells_its_epochs_and_what_it_exported(given: TrialTask) -> None:
    told, end = run(given)
    assert end.cause is Cause.COMPLETED, end.error
    assert [event.epoch for event in told] == [1, 2, 3, 4]
    assert {"loss", "val_accuracy", "val_loss", "seconds"} <= set(told[0].figures)
    assert end.outcome is not None
    assert end.outcome.figures["num_val"] == 100
    assert end.outcome.facts["model_path"].endswith(".keras")
    assert end.outcome.facts["frozen_boundary"] == "none"


def test_a_training_tells_which_validation_images_it_got_right(given: TrialTask) -> None:
    told, end = run(given)
    assert end.outcome is not None
    assert end.outcome.ledger is not None
    packed = end.outcome.ledger
    ledger = unpack(unpack_images(packed.images or b""), packed.data)
    assert ledger.epochs.tolist() == [1, 2, 3, 4]
    assert ledger.right.mean(axis=1) == pytest.approx([event.figures["val_accuracy"] for event in told])
    assert ledger.exported_right is not None
    assert ledger.exported_right.mean() == pytest.approx(end.outcome.figures["exported_val_accuracy"])
    assert ledger.validation.data == end.outcome.facts["data_fingerprint"]
    assert ledger.validation.class_names == tuple("0123456789")
    again = run(replace(given, attempt=1, recorded_epochs=4, known_images=(packed.key,)))[
        1
    ].outcome  # a driver died before the trial's end was written
    assert again is not None
    assert again.ledger == PackedLedger(packed.key, packed.data, None)


def test_a_stopped_training_goes_on_where_its_checkpoint_is_and_tells_what_the_record_lacks(given: TrialTask) -> None:
    whole, _ = run(replace(given, checkpoint_dir=given.checkpoint_dir + "-whole"))
    first, end = run(given, stop_after=2)
    assert (end.cause, [event.epoch for event in first]) == (Cause.STOPPED, [1, 2])
    # the driver died before epoch 2 was on record: the checkpoint has it, the trainable must tell it again
    rest, end = run(replace(given, attempt=1, recorded_epochs=1))
    assert (end.cause, [event.epoch for event in rest]) == (Cause.COMPLETED, [2, 3, 4])
    assert [event.figures["val_accuracy"] for event in [first[0], *rest]] == [event.figures["val_accuracy"] for event in whole]


def test_a_training_whose_trial_was_taken_over_ends_before_it_writes_again(given: TrialTask) -> None:
    told: list[Event] = []

    def send(event: Event) -> None:
        told.append(event)
        if len(told) == 2:  # a worker of another driver begins
            FolderMark(replace(given, attempt=1)).put()

    end = run_attempt(given, AttemptReporter(given, send))
    assert end.cause is Cause.EXCEPTION
    assert "superseded by attempt 1" in (end.error or "")
    assert len(told) == 2
    folder = Path(given.checkpoint_dir)
    assert not (folder / "epoch-00004").exists()
    assert not (folder / "model.keras").exists()


def test_impossible_settings_are_the_trials_own_failure(given: TrialTask) -> None:
    config = {**given.config, "model": {**given.config["model"], "backbone": "resnet51"}}
    _, end = run(replace(given, config=config))
    assert end.cause is Cause.EXCEPTION
    assert "resnet51" in (end.error or "")


@pytest.mark.parametrize(("gpu", "devices"), [(0.0, 1), (0.5, 1), (1.0, 1), (2.0, 2)])
def test_whole_gpus_are_the_devices_of_one_training(given: TrialTask, gpu: float, devices: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def train(*_: object, devices: int, **__: object) -> None:
        asked.append(devices)
        raise RuntimeError("far enough")

    monkeypatch.setattr("trainer.train", train)
    monkeypatch.setattr("sweeps.keras_trainable.use_share", lambda **_: None)
    run(replace(given, gpu=gpu))
    assert asked == [devices]


def test_checkpoints_on_an_object_store_are_continued_from(given: TrialTask, s3: S3) -> None:
    there = replace(given, checkpoint_dir=f"{s3.url}/00005")
    _, end = run(there, stop_after=2)
    assert end.cause is Cause.STOPPED, end.error
    rest, end = run(replace(there, attempt=1, recorded_epochs=2))
    assert (end.cause, [event.epoch for event in rest]) == (Cause.COMPLETED, [3, 4])
    assert rest[0].checkpoint == f"{s3.url}/00005/epoch-00003"
    assert end.outcome is not None
    assert end.outcome.facts["model_path"] == f"{s3.url}/00005/model.keras"
    assert "00005/trained.npz" in s3.names()  # the whole model is made of it when it is wanted


def test_a_trial_whose_checkpoints_were_deleted_starts_over_and_says_so(given: TrialTask) -> None:
    told: list[Event] = []
    end = run_attempt(replace(given, recorded_epochs=3), AttemptReporter(replace(given, recorded_epochs=3), told.append))
    assert end.cause is Cause.COMPLETED, end.error
    text = f"no checkpoint is left in {given.checkpoint_dir}: the training starts over; its epochs on record (3) stand"
    assert told[0] == Noticed(given.trial, given.attempt, text)
    assert [event.epoch for event in told[1:]] == [4]
