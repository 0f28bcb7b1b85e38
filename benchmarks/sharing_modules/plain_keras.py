"""The trials of `sharing.py` as people write them with Keras alone: each builds its network, loads the weights, compiles and fits; frozen layers run in each step."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

APPLICATIONS = {"resnet50": ("ResNet50", "resnet50"), "mobilenet": ("MobileNet", "mobilenet")}
"""Class and module of each backbone in ``keras.applications``."""


@dataclass(frozen=True)
class Images:
    """What is trained on.

    Attributes:
        x_train: ``(n, height, width, 3)``, uint8.
        y_train: ``(n,)``, classes.
        x_val: as `x_train`.
        y_val: as `y_train`.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray


def read_images(path: Path) -> Images:
    """The images of a benchmark from its ``.npz`` file."""
    with np.load(path) as file:
        return Images(file["x_train"], file["y_train"], file["x_val"], file["y_val"])


def backbone_of(name: str, size: int) -> keras.Model:
    """The network of ``keras.applications`` without its top, weights random."""
    return getattr(keras.applications, APPLICATIONS[name][0])(include_top=False, weights=None, input_shape=(size, size, 3))


def write_weights(name: str, size: int, images: np.ndarray, path: Path) -> None:
    """Save random weights with the moving statistics of some images, so that activations keep their size, as those of pretrained networks do."""
    keras.utils.set_random_seed(0)
    base = backbone_of(name, size)
    norms = [layer for layer in base.layers if isinstance(layer, layers.BatchNormalization)]
    for norm in norms:
        norm.momentum = 0.0
    base(preprocessed(name, images[:64].astype("float32")), training=True)
    base.save_weights(path)


def preprocessed(name: str, images: Any) -> Any:  # noqa: ANN401 - an array or a tensor
    """Images as the backbone's authors scaled them."""
    return getattr(keras.applications, APPLICATIONS[name][1]).preprocess_input(images)


def augmentation() -> keras.Sequential:
    """What our policy ``light`` does, in Keras's layers: mirror images, ten degrees, shifts of a twentieth, zooms of a tenth."""
    return keras.Sequential(
        [
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(10 / 360),
            layers.RandomTranslation(0.05, 0.05),
            layers.RandomZoom(0.1),
        ]
    )


def train_all(
    backbone: str, weights: Path, images: Images, trials: Sequence[Mapping[str, Any]], epochs: int, done: Callable[[], object]
) -> float:
    """Train each configuration; seconds of all epochs, each trial's taken as its median epoch, so without the first one's compiling.

    Args:
        backbone: key of `APPLICATIONS`.
        weights: its ``.weights.h5`` file.
        images: to train on and to validate.
        trials: `frozen_layers` (a layer's name or ``all``), `learning_rate`, `batch_size`, `dropout`, `bn_momentum`, `weight_decay`, `dense`, `augmentation`.
        epochs: of each.
        done: called after each trial.
    """
    seconds = 0.0
    for trial in trials:
        keras.backend.clear_session()
        model = built(backbone, weights, images.x_train.shape[1], trial)
        clock = EpochClock()
        model.fit(
            images.x_train,
            images.y_train,
            batch_size=trial["batch_size"],
            epochs=epochs,
            validation_data=(images.x_val, images.y_val),
            callbacks=[clock],
            verbose=0,
        )
        seconds += epochs * statistics.median(clock.seconds)
        done()
    return seconds


def built(backbone: str, weights: Path, size: int, trial: Mapping[str, Any]) -> keras.Model:
    """The compiled network of a configuration."""
    base = backbone_of(backbone, size)
    base.load_weights(weights)
    frozen = trial["frozen_layers"]
    last = len(base.layers) - 1 if frozen == "all" else [layer.name for layer in base.layers].index(frozen)
    for place, layer in enumerate(base.layers):
        layer.trainable = place > last
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = trial["bn_momentum"]
    inputs = keras.Input((size, size, 3))
    x = augmentation()(inputs) if trial["augmentation"] == "light" else inputs
    x = layers.GlobalAveragePooling2D()(base(preprocessed(backbone, x)))
    for units in trial["dense"]:
        x = layers.Dense(units, activation="relu")(layers.Dropout(trial["dropout"])(x))
    outputs = layers.Dense(10, activation="softmax")(layers.Dropout(trial["dropout"])(x))
    model = keras.Model(inputs, outputs)
    optimizer = keras.optimizers.Adam(trial["learning_rate"], weight_decay=trial["weight_decay"] or None)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class EpochClock(keras.callbacks.Callback):  # type: ignore[misc]
    """Seconds of each epoch with its validation."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        """Note the time."""
        del epoch, logs
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        """Note how long it took."""
        del epoch, logs
        self.seconds.append(time.perf_counter() - self._began)
