from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from tiny_trainings import arrays, settings

from trainer import EpochRecord, train
from trainer.data import load_data
from trainer.errors import ConfigError, NonFiniteLossError
from trainer.fit.scores import measure_exported

if TYPE_CHECKING:
    from pathlib import Path

ALWAYS = {
    "loss", "accuracy", "val_loss", "val_accuracy", "val_batch_accuracy", "val_balanced_accuracy", "val_macro_f1", "val_predicted_share",
    "val_gained", "val_lost", "learning_rate", "gradient_norm", "seconds", "images_per_second", "peak_memory_mb",
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[EpochRecord], object, Path]:
    records: list[EpochRecord] = []
    folder = tmp_path_factory.mktemp("trained")
    config = settings(6, training={"checkpoint_every": 1, "precise_bn": "end"})
    return records, train(config, records.append, checkpoint_dir=folder, evaluate_test=True), folder


def test_every_epoch_has_every_figure_and_its_checkpoint_is_there_when_told(trained: tuple[list[EpochRecord], object, Path]) -> None:
    records, result, folder = trained
    assert [record.epoch for record in records] == [1, 2, 3, 4, 5, 6]
    for record in records:
        assert set(record.figures) == ALWAYS
        assert np.all(np.isfinite(list(record.figures.values())))
        assert record.checkpoint == folder / f"epoch-{record.epoch:05d}"
        assert not record.replayed
    assert result.stopped == "completed"
    assert result.curves["val_accuracy"] == tuple(record.figures["val_accuracy"] for record in records)


def test_images_gained_and_lost_add_up_to_the_change_in_accuracy(trained: tuple[list[EpochRecord], object, Path]) -> None:
    _, result, _ = trained
    right = np.asarray(result.curves["val_accuracy"]) * result.num_val
    change = np.asarray(result.curves["val_gained"]) - np.asarray(result.curves["val_lost"])
    assert np.diff(right) == pytest.approx(change[1:], abs=1e-6)
    assert change[0] == 0


def test_the_exported_model_takes_raw_images_and_scores_what_was_recorded(trained: tuple[list[EpochRecord], object, Path]) -> None:
    _, result, folder = trained
    data = load_data(settings().data)
    model = keras.models.load_model(folder / "model.keras", compile=False)
    for images, expected in ((data.validation, "precise_bn_val_accuracy"), (data.test, "test_accuracy")):
        told = model.predict(images.images.astype(np.float32), verbose=0).argmax(axis=1)
        assert np.mean(told == images.labels) == pytest.approx(result.figures[expected])
    assert result.figures["exported_val_accuracy"] == max(result.curves["val_accuracy"])
    assert result.num_test == 40


def test_the_test_images_are_measured_once_whatever_comes_back(trained: tuple[list[EpochRecord], object, Path], tmp_path: Path) -> None:
    _, result, folder = trained
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    config = settings(6, training={"checkpoint_every": 1, "precise_bn": "end"})
    assert not any(name.startswith("test_") for name in train(config, checkpoint_dir=tmp_path).figures)
    note = tmp_path / "test.json"
    note.write_text(note.read_text().replace(str(result.figures["test_accuracy"]), "0.123"))
    assert train(config, checkpoint_dir=tmp_path, evaluate_test=True).figures["test_accuracy"] == 0.123
    model = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert measure_exported(tmp_path, config, model)["test_accuracy"] == 0.123
    note.unlink()
    measured = measure_exported(tmp_path, config, model)
    assert measured == pytest.approx({name: result.figures[name] for name in measured}, abs=1e-5)
    assert json.loads(note.read_text())["figures"] == measured


def test_a_callback_that_answers_true_ends_the_training() -> None:
    seen: list[int] = []
    result = train(settings(5), lambda record: seen.append(record.epoch) or record.epoch == 2)
    assert seen == [1, 2]
    assert result.stopped == "requested"
    assert result.model_path is None


def test_a_stop_between_batches_leaves_the_unfinished_epoch_out() -> None:
    asked: list[bool] = []
    result = train(settings(5), should_stop=lambda: asked.append(True) or len(asked) > 6)  # four batches an epoch
    assert len(asked) == 7
    assert result.stopped == "requested"
    assert len(result.curves["loss"]) == 1


def test_a_loss_that_is_no_number_ends_with_its_epoch_and_batch() -> None:
    draw = np.random.default_rng(0)
    images = draw.uniform(0, 255, (48, 8, 8, 1)).astype(np.float32)
    images[17] = np.nan
    with pytest.raises(NonFiniteLossError) as caught:
        train(settings(2), data=arrays(images, np.arange(48) % 5))
    assert caught.value.epoch == 1
    assert 1 <= caught.value.batch <= 3


def test_early_stopping_waits_for_the_level_not_for_the_best_epoch() -> None:
    result = train(settings(30, training={"early_stopping": 3, "learning_rate": 1e-9}))
    assert result.stopped == "early_stopping"
    assert len(result.curves["loss"]) < 30


def test_top5_is_recorded_from_six_classes_on_and_refused_below() -> None:
    six = train(settings(1, data={"classes": ["4", "5", "6", "7", "8", "9"]}, metric="val_top5"))
    assert 0 < six.curves["val_top5"][0] <= 1
    with pytest.raises(ConfigError, match="more than 5 classes"):
        train(settings(1, metric="val_top5"))


def test_checkpoints_of_another_training_are_not_continued(tmp_path: Path) -> None:
    train(settings(1), checkpoint_dir=tmp_path)
    with pytest.raises(ConfigError, match=r"training\.learning_rate: checkpoint 0\.01, now 0\.02"):
        train(settings(1, training={"learning_rate": 0.02}), checkpoint_dir=tmp_path)


def test_more_epochs_continue_a_finished_training_and_tell_the_old_ones_again(tmp_path: Path) -> None:
    train(settings(2), checkpoint_dir=tmp_path)
    records: list[EpochRecord] = []
    train(settings(3), records.append, checkpoint_dir=tmp_path)
    assert [(record.epoch, record.replayed) for record in records] == [(1, True), (2, True), (3, False)]
    assert records[1].checkpoint == tmp_path / "epoch-00002"
