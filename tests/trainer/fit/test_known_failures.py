"""The reference systems' failures happen at small scale, show in the recorded figures, and are repaired by what the product offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
from tiny_trainings import TINY, arrays, settings

from trainer import TrainConfig, TrainResult, train
from trainer.data import ImageData, ImageSet, load_data
from trainer.fit.kept import engine_for
from trainer.network.parts import split_at

if TYPE_CHECKING:
    from pathlib import Path


def memorise(backbone: dict[str, Any], size: int, momentum: float, epochs: int) -> TrainResult:
    """Three grey images of three classes, trained and validated on, one batch an epoch (S1)."""
    images = np.zeros((3, size, size, 1), np.uint8)
    for number in range(3):
        images[number] = np.random.default_rng(number).integers(0, 256, (size, size, 1))
    config = TrainConfig.model_validate(
        {
            "data": {"source": "memory", "preprocessing": "rescale"},
            "model": {**backbone, "bn_momentum": momentum},
            "training": {"epochs": epochs, "batch_size": 3, "precise_bn": "end"},
        }
    )
    return train(config, data=arrays(images, np.arange(3)))


def test_s1_a_perfect_training_predicts_one_class_and_precise_statistics_repair_it() -> None:
    resnet = {"backbone": "small_resnet"}
    result = memorise(resnet, 16, 0.99, 8)
    assert result.curves["accuracy"][-1] == 1.0
    assert result.curves["val_accuracy"][-1] == pytest.approx(1 / 3)
    assert result.curves["val_predicted_share"][-1] == 1.0
    assert result.curves["val_batch_accuracy"][-1] - result.curves["val_accuracy"][-1] >= 0.6
    assert result.figures["precise_bn_val_accuracy"] == 1.0
    assert memorise(resnet, 16, 0.01, 8).curves["val_accuracy"][-1] == 1.0, "a momentum that fits the number of updates"


PRETRAINED = {**TINY, "options": {"filters": [8, 16], "blocks": 1}}


def brighter_digits() -> ImageData:
    """The digits 5 to 9, paler than what the backbone was trained on: its stored statistics are not these images'."""
    data = load_data(frozen_head("inference", "").data)

    def paler(part: ImageSet) -> ImageSet:
        return ImageSet((part.images * 0.5 + 100).astype(np.float32), part.labels, None, 5)

    return ImageData(paler(data.train), paler(data.validation), None, data.class_names, "paler digits")


def frozen_head(frozen_bn: str, weights: str) -> TrainConfig:
    """A linear head on a frozen backbone (S2)."""
    return settings(
        12,
        model={**PRETRAINED, "frozen_layers": "all", "frozen_bn": frozen_bn, "weights": weights or None},
        data={"split": {"train": 200, "validation": 300, "test": 40}},
    )


def test_s2_batch_statistics_in_frozen_layers_ruin_validation_and_stored_or_new_ones_do_not(tmp_path: Path) -> None:
    first = settings(
        5, model=PRETRAINED, data={"classes": ["0", "1", "2", "3", "4"], "split": {"train": 600, "validation": 100, "test": 0}}
    )
    train(first, checkpoint_dir=tmp_path)
    weights, data = str(tmp_path / "model.keras"), brighter_digits()
    inference, batch, new = (train(frozen_head(mode, weights), data=data) for mode in ("inference", "batch", "reestimate"))

    def held(result: TrainResult) -> float:
        return float(np.mean(result.curves["val_accuracy"][-3:]))

    assert held(batch) < held(inference) - 0.2
    assert held(batch) < features_accuracy(frozen_head("inference", weights), data) - 0.2
    assert batch.curves["accuracy"][-1] - held(batch) > 0.2, "while the training accuracy looks healthy"
    assert batch.curves["val_batch_accuracy"][-1] - batch.curves["val_accuracy"][-1] > 0.2
    assert held(new) > held(inference) - 0.05


def features_accuracy(config: TrainConfig, data: ImageData) -> float:
    """Validation accuracy of the same head trained on the frozen part's activations, computed once."""
    engine, _ = engine_for(config, data, keep=True)
    engine.start(config)
    split = split_at(engine.network.built, engine.stages[0])
    assert split.trained is None
    train_features, val_features = (np.asarray(split.prefix(part.images)) for part in (data.train, data.validation))
    keras.utils.set_random_seed(0)
    head = keras.Sequential(
        [keras.Input(train_features.shape[1:]), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(5, activation="softmax")]
    )
    head.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    head.fit(train_features, data.train.labels, batch_size=16, epochs=12, verbose=0)
    return float(head.evaluate(val_features, data.validation.labels, verbose=0)[1])


def alternation(curve: tuple[float, ...]) -> float:
    """Share of epochs whose change has the other sign than the change before; 1 for a pure period of two."""
    signs = np.sign(np.diff(curve))
    return float(np.mean(signs[1:] * signs[:-1] < 0))


def test_s3_an_epoch_of_leftover_images_alternates() -> None:
    """128 images, then one, then 128: with a fast BatchNorm momentum every other epoch validates on one image's statistics."""
    config = settings(
        14,
        model={"bn_momentum": 0.01},
        training={"learning_rate": 0.003},
        data={"split": {"train": 129, "validation": 150, "test": 40}, "sampling": "leftover_batch"},
    )
    curve = train(config).curves["val_accuracy"]
    assert alternation(curve[4:]) >= 0.8
    assert np.mean(curve[4::2]) - np.mean(curve[5::2]) > 0.1


def test_s3_validation_windows_of_sorted_classes_alternate_and_whole_validation_does_not() -> None:
    """With fewer than two batches an epoch's window is one class's batch or the other's."""
    plain = {"backbone": "plain_cnn", "options": {"filters": [8, 8], "kernel": 3, "dropout": 0.0}, "pooling": "flatten"}
    two = {"classes": ["8", "9"], "split": {"train": 48, "validation": 30, "test": 40}}
    slow = {"learning_rate": 3e-5, "batch_size": 16}
    windows = train(settings(14, model=plain, training=slow, data={**two, "validation_windows": "floor_batches"})).curves["val_accuracy"]
    whole = train(settings(14, model=plain, training=slow, data=two)).curves["val_accuracy"]
    assert alternation(windows) >= 0.8
    assert alternation(whole) < 0.6


@pytest.mark.parametrize(
    ("backbone", "frozen", "layer"),
    [("mobilenetv2", "90%", "block_15_add"), ("efficientnetb0", "all", "top_activation"), ("vgg16", "4 blocks", "block4_pool")],
)
def test_keras_families_fine_tune(backbone: str, frozen: str, layer: str) -> None:
    draw = np.random.default_rng(0)
    labels = np.arange(16) % 2
    images = draw.integers(0, 100, (16, 32, 32, 3)).astype(np.uint8)
    images[labels == 1, :, :, 0] += 120
    config = TrainConfig.model_validate(
        {
            "data": {"source": "memory"},
            "model": {"backbone": backbone, "frozen_layers": frozen},
            "training": {"epochs": 3, "batch_size": 8, "learning_rate": 0.01 if frozen == "all" else 1e-3},
        }
    )
    result = train(config, data=arrays(images, labels), keep_compiled=False)
    assert result.boundary.layer == layer
    assert 0 < result.boundary.share <= 1
    assert result.curves["loss"][-1] < result.curves["loss"][0]
