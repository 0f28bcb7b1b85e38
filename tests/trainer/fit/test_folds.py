"""Trainings of folds: means of models that are to the last bit what each fold gives alone, also after a kill, with the frozen part computed once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tiny_trainings import pretrained, settings

from trainer import EpochRecord, TrainConfig, TrainResult, train
from trainer.checkpoints.local import Checkpoints
from trainer.data import load_data
from trainer.errors import ConfigError, NonFiniteLossError
from trainer.fit.folds import mean_figures
from trainer.fit.kept import forget_compiled
from trainer.fit.siblings import Sibling
from trainer.network import frozen_plan
from trainer.network.features import forget_networks

if TYPE_CHECKING:
    from pathlib import Path

MEASURED = {"seconds", "images_per_second", "peak_memory_mb"}
FOLDS = 3


def folds(epochs: int = 4, **changes: Any) -> TrainConfig:  # noqa: ANN401 - settings
    """Adam, dropout, mixup, BatchNorm, weight averages, a plateau schedule and thawing, all of which have state or draw."""
    split = {"folds": FOLDS, "test": 860, **changes.pop("split", {})}
    training = {
        "ema": 0.9,
        "schedule": "plateau",
        "schedule_patience": 1,
        "unfreeze_every": 2,
        "deterministic": True,
        "checkpoint_every": 1,
    }
    model = {"dropout": 0.3, "dense": [8], "frozen_layers": "all"}
    data = {"augmentation": "mixup", "split": split, **changes.pop("data", {})}
    return settings(
        epochs, {**model, **changes.pop("model", {})}, {**training, **changes.pop("training", {})}, data=data, seed=3, **changes
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainResult, list[EpochRecord], Path]:
    folder = tmp_path_factory.mktemp("folds")
    records: list[EpochRecord] = []
    return train(folds(), records.append, checkpoint_dir=folder, evaluate_test=True), records, folder


def unmeasured(curves: dict[str, Any]) -> dict[str, Any]:
    return {name: curve for name, curve in curves.items() if name not in MEASURED}


def test_each_fold_is_what_a_training_of_it_alone_gives(whole: tuple[TrainResult, list[EpochRecord], Path]) -> None:
    result = whole[0]
    for fold in (1, 3):
        alone = train(folds(split={"only_fold": fold}))
        assert unmeasured(alone.curves) == unmeasured(result.folds[fold - 1].curves)
        assert alone.data_fingerprint == result.folds[fold - 1].data_fingerprint
        assert (alone.ledger.right == result.folds[fold - 1].ledger.right).all()


def test_figures_are_means_over_images_and_the_ledger_has_each_image_once(whole: tuple[TrainResult, list[EpochRecord], Path]) -> None:
    result, records, folder = whole
    data = load_data(folds().data)
    sizes = [one.num_val for one in result.folds]
    assert result.num_val == sum(sizes) == len(data.pool.images)
    for name in ("val_accuracy", "val_loss"):
        assert result.curves[name] == pytest.approx(np.average([one.curves[name] for one in result.folds], axis=0, weights=sizes))
    assert result.ledger.places.tolist() == sorted(data.pool.images.places)
    assert result.ledger.right.mean(axis=1) == pytest.approx(result.curves["val_accuracy"])
    for fold, one in enumerate(result.folds, 1):
        own = data.of_fold(fold).validation.places
        assert (result.ledger.right[:, np.isin(result.ledger.places, own)] == one.ledger.right).all()
    assert [len(record.folds) for record in records] == [FOLDS] * 4
    assert records[1].figures["seconds"] == pytest.approx(sum(each["seconds"] for each in records[1].folds))
    assert {one.exported_epoch for one in result.folds} == {result.exported_epoch}, "the epoch is chosen by the means"
    assert result.figures["exported_val_accuracy"] == pytest.approx(result.curves["val_accuracy"][result.exported_epoch - 1])
    assert 0 <= result.figures["test_accuracy"] == result.folds[0].figures["test_accuracy"]
    assert sorted(path.name for path in folder.glob("*.keras")) == ["model.keras"]


def test_the_model_is_the_first_fold_s(whole: tuple[TrainResult, list[EpochRecord], Path]) -> None:
    import keras

    result, _, folder = whole
    model = keras.saving.load_model(folder / "model.keras")
    own = load_data(folds().data).of_fold(1).validation
    right = model.predict(np.asarray(own.images, np.float32), verbose=0).argmax(axis=1) == own.labels
    assert right.mean() == pytest.approx(result.folds[0].figures["exported_val_accuracy"])


class Killed(BaseException):
    """Ends a training as a kill does: nothing is written after it."""


def test_a_training_killed_within_an_epoch_goes_on_to_the_same_bits(
    whole: tuple[TrainResult, list[EpochRecord], Path], tmp_path: Path
) -> None:
    config, asked = folds(), 0

    def killed() -> bool:
        nonlocal asked
        asked += 1
        if asked == steps * (2 * FOLDS + 1) + 2:  # in the second fold's third epoch
            raise Killed
        return False

    steps = -(-len(load_data(config.data).of_fold(1).train) // config.training.batch_size)
    with pytest.raises(Killed):
        train(config, checkpoint_dir=tmp_path, should_stop=killed)
    assert Checkpoints(tmp_path).newest().epoch == 2
    forget_compiled()
    records: list[EpochRecord] = []
    again = train(config, records.append, checkpoint_dir=tmp_path)
    assert [(record.epoch, record.replayed, len(record.folds)) for record in records] == [
        (1, True, 3),
        (2, True, 3),
        (3, False, 3),
        (4, False, 3),
    ]
    assert unmeasured(again.curves) == unmeasured(whole[0].curves)
    one, other = (Checkpoints(folder).newest() for folder in (tmp_path, whole[2]))
    assert len(one.weights) == len(other.weights) > FOLDS
    for mine, theirs in zip(one.weights + one.state, other.weights + other.state, strict=True):
        assert mine.tobytes() == theirs.tobytes()
    assert (again.ledger.right == whole[0].ledger.right).all()
    with pytest.raises(ConfigError, match=r"another training \(data\.split"):
        train(folds(split={"folds": 4}), checkpoint_dir=tmp_path)


def test_the_frozen_part_is_computed_once_for_all_folds_and_for_folds_drawn_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen_plan, "PAYS_FROM", 0.0)  # the tiny network's activations are as quick to compute as to read
    forget_networks()
    fixed = {
        "model": {"weights": pretrained(tmp_path / "tiny.weights.h5")},
        "training": {"unfreeze_every": None, "ema": None},
        "data": {"augmentation": "none", "cache_path": str(tmp_path / "cache")},
    }
    first, second, redrawn = (
        train(folds(2, split=split, **{key: dict(value) for key, value in fixed.items()})) for split in ({}, {}, {"validation_seed": 9})
    )
    assert [each.figures["features_computed"] for each in (first, second, redrawn)] == [1, 0, 0]
    assert [each.figures["features_read"] for each in (first, second, redrawn)] == [FOLDS - 1, FOLDS, FOLDS]
    assert len(list((tmp_path / "cache").glob("features-*.features"))) == 1
    assert unmeasured(first.curves) == unmeasured(second.curves)
    assert first.curves["val_accuracy"] != redrawn.curves["val_accuracy"]
    alone = train(folds(2, split={"only_fold": 2}, **{key: dict(value) for key, value in fixed.items()}), trainings=0)
    assert alone.curves["val_accuracy"] == first.folds[1].curves["val_accuracy"], "as with images in place of activations"
    assert alone.curves["val_loss"] == pytest.approx(first.folds[1].curves["val_loss"], rel=1e-5)


def test_early_stopping_goes_by_the_mean(tmp_path: Path) -> None:
    config = folds(30, training={"early_stopping": 2, "learning_rate": 1e-9, "ema": None, "checkpoint_every": 50})
    result = train(config, checkpoint_dir=tmp_path)
    assert result.stopped == "early_stopping"
    assert {len(one.curves["loss"]) for one in result.folds} == {len(result.curves["loss"])} != {30}
    assert Checkpoints(tmp_path).newest().epoch == len(result.curves["loss"])


def test_a_training_that_is_stopped_keeps_its_checkpoint_and_exports_nothing(tmp_path: Path) -> None:
    config = folds(training={"checkpoint_every": 50})
    stopped = train(config, lambda _: True, checkpoint_dir=tmp_path)
    assert (stopped.stopped, stopped.model_path, stopped.ledger) == ("requested", None, None)
    assert Checkpoints(tmp_path).newest().epoch == 1
    assert train(config, should_stop=lambda: True).curves == {}


def test_a_loss_that_is_no_number_is_told_with_its_fold() -> None:
    config = folds(2, training={"learning_rate": 1e30, "optimizer": "sgd", "ema": None})
    with pytest.raises(NonFiniteLossError, match=r"in epoch 1, batch \d+ of the model of fold 1"):
        train(config)


def test_a_training_of_folds_carries_no_siblings() -> None:
    with pytest.raises(ConfigError, match="cannot carry others: it has a model for each fold"):
        train(folds(), siblings=[Sibling(0.5)])


def test_images_that_are_not_divided_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"data\.split\.folds needs images that are divided"):
        train(folds(), data=load_data(settings().data))


def test_sums_stay_sums_and_what_one_fold_lacks_is_left_out() -> None:
    of_folds = [
        {"val_accuracy": 0.5, "val_lost": 2.0, "peak_memory_mb": 5.0, "learning_rate": 0.1, "odd": 1.0},
        {"val_accuracy": 0.8, "val_lost": 3.0, "peak_memory_mb": 7.0, "learning_rate": 0.3},
    ]
    assert mean_figures(of_folds, [10, 20]) == pytest.approx(
        {"val_accuracy": 0.7, "val_lost": 5.0, "peak_memory_mb": 7.0, "learning_rate": 0.2}
    )
