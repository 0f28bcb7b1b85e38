"""Training on precomputed activations of the frozen part is the training on images."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tiny_trainings import settings

from trainer import TrainConfig, TrainResult, train
from trainer.data import load_data
from trainer.data.batches import evaluation_batches, training_epoch
from trainer.errors import ConfigError
from trainer.fit.kept import engine_for, forget_compiled
from trainer.network.activations import _checksum

if TYPE_CHECKING:
    from pathlib import Path

FROZEN = {"frozen_layers": "stage1_block1", "dense": [8], "dropout": [0.1, 0.2]}


def both(tmp_path: Path, model: dict[str, Any], preprocessing: str = "auto", **training: Any) -> tuple[TrainResult, TrainResult]:  # noqa: ANN401 - settings
    """The same training on images and on precomputed activations."""
    data = {"cache_path": str(tmp_path), "preprocessing": preprocessing}
    each = settings(3, {**FROZEN, **model}, training, data=data)
    once = settings(3, {**FROZEN, **model}, {**training, "frozen_features": "precomputed"}, data=data)
    each = each.model_copy(update={"training": each.training.model_copy(update={"frozen_features": "each_step"})})
    return train(each), train(once)


def precomputed(tmp_path: Path, **changes: Any) -> TrainConfig:  # noqa: ANN401 - settings
    model = {**FROZEN, **changes.pop("model", {})}
    training = {"frozen_features": "precomputed", **changes.pop("training", {})}
    return settings(1, model, training, data={"cache_path": str(tmp_path), **changes.pop("data", {})}, **changes)


def test_activations_are_bitwise_those_of_the_images_of_every_batch(tmp_path: Path) -> None:
    config = precomputed(tmp_path)
    data = load_data(config.data)
    engine, _ = engine_for(config, data, keep=True)
    engine.start(config)
    features = engine.features(data, config)
    assert engine.after is not None
    assert len(features.data.train) == len(data.train)
    assert features.data.test is data.test
    shown = zip(training_epoch(features.data, features.config, 2), training_epoch(data, config, 2), strict=True)
    for (activations, targets, _), (images, wanted, _) in shown:
        assert np.array_equal(activations, engine._prefix(images))
        assert np.array_equal(targets, wanted)
    for (activations, *_), (images, *_) in zip(
        evaluation_batches(features.data.validation, features.config), evaluation_batches(data.validation, config), strict=True
    ):
        assert np.array_equal(activations, engine._prefix(images))


@pytest.mark.parametrize(
    ("model", "training"),
    [
        ({}, {"preprocessing": "per_image_max"}),  # done while batches are made, and not again to activations
        ({"frozen_layers": "all"}, {"ema": 0.9}),
        ({"frozen_bn": "reestimate"}, {"precise_bn": "epoch"}),
        ({"frozen_layers": "stage2_block1_1_relu"}, {}),  # inside a block: the part before the block is precomputed
    ],
)
def test_curves_equal_those_of_the_images(tmp_path: Path, model: dict[str, Any], training: dict[str, Any]) -> None:
    images, features = both(tmp_path, model, **training)
    assert features.curves["loss"][0] == pytest.approx(images.curves["loss"][0], rel=1e-6)
    for name in ("loss", "accuracy", "val_loss", "val_accuracy", "val_batch_accuracy"):
        assert features.curves[name] == pytest.approx(images.curves[name], rel=1e-5), name
    assert features.figures["precomputed_share"] > 0
    assert "precomputed_share" not in images.figures


def test_a_resumed_training_equals_an_uninterrupted_one_and_exports_a_whole_model(tmp_path: Path) -> None:
    import keras

    config = precomputed(tmp_path / "cache", model={"frozen_bn": "reestimate"})
    three = config.model_copy(update={"training": config.training.model_copy(update={"epochs": 3})})
    whole = train(three, checkpoint_dir=tmp_path / "whole", evaluate_test=True)
    train(three, lambda record: record.epoch == 2, checkpoint_dir=tmp_path / "cut")
    resumed = train(three, checkpoint_dir=tmp_path / "cut")
    assert resumed.curves["val_loss"] == whole.curves["val_loss"]
    test = load_data(config.data).test
    assert test is not None
    assert whole.model_path is not None
    told = keras.models.load_model(whole.model_path).predict(test.images.astype(np.float32), verbose=0).argmax(axis=1)
    assert float(np.mean(told == test.labels)) == pytest.approx(whole.figures["test_accuracy"])


def test_the_next_training_takes_them_from_the_cache_and_other_weights_have_their_own(tmp_path: Path) -> None:
    train(precomputed(tmp_path))
    files = {path.parent.name: path.stat().st_ino for path in tmp_path.glob("features-*/values.npy")}
    assert len(files) == 2
    train(precomputed(tmp_path, training={"learning_rate": 0.1}))
    assert {path.parent.name: path.stat().st_ino for path in tmp_path.glob("features-*/values.npy")} == files
    train(precomputed(tmp_path, seed=1))  # random frozen weights come from the seed
    assert len(list(tmp_path.glob("features-*/values.npy"))) == 4


def test_activations_of_another_network_in_the_cache_are_found_out(tmp_path: Path) -> None:
    first = train(precomputed(tmp_path))
    for path in tmp_path.glob("features-*/values.npy"):
        array = np.load(path, mmap_mode="r+")
        array[:] += 1.0
        array.flush()
        note = path.with_name("complete.json")
        note.write_text(json.dumps({**json.loads(note.read_text()), "sum": _checksum(array)}))
    forget_compiled()
    again = train(precomputed(tmp_path))
    assert again.curves["loss"] == first.curves["loss"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": {"frozen_layers": "none"}}, "nothing is frozen"),
        ({"model": {"frozen_bn": "batch"}}, "frozen_bn: inference"),
        ({"data": {"augmentation": "flip"}}, "augmentation: none"),
        ({"training": {"unfreeze_every": 1}}, "unfreeze_every"),
    ],
)
def test_what_would_not_be_exact_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        train(precomputed(tmp_path, **changes))
