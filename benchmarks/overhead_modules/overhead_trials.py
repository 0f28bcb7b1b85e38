"""The trials of `overhead.py`: one that does nothing, and one small Keras training, for our engine and for the others."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from sweeps.executor.protocol import Reporter, TrialTask

EPOCHS, BATCH, IMAGES = 5, 32, 500
RATES = (1e-4, 1e-2)
DROPOUTS = (0.0, 0.6)


def no_op(task: TrialTask, reporter: Reporter) -> Any:  # noqa: ANN401 - an Outcome
    """One epoch that costs nothing."""
    from sweeps.executor.protocol import Outcome

    reporter.epoch(1, {"val_accuracy": value_of(task.config["training"]["learning_rate"], task.config["model"]["dropout"])})
    return Outcome({"num_val": float(IMAGES)})


def curve(task: TrialTask, reporter: Reporter) -> Any:  # noqa: ANN401 - an Outcome
    """All epochs of a training at once."""
    from sweeps.executor.protocol import Outcome

    value = value_of(task.config["training"]["learning_rate"], task.config["model"]["dropout"])
    for epoch in range(1, task.config["training"]["epochs"] + 1):
        reporter.epoch(epoch, {"val_accuracy": value * (1 - 1 / (1 + epoch)), "loss": 1 / epoch})
    return Outcome({"num_val": float(IMAGES)})


def sleeping(task: TrialTask, reporter: Reporter) -> Any:  # noqa: ANN401 - an Outcome
    """One epoch that takes its time and nothing of the processor."""
    time.sleep(float(os.environ.get("OVERHEAD_SECONDS", "1")))
    return no_op(task, reporter)


def value_of(rate: float, dropout: float) -> float:
    """A made-up accuracy."""
    return 1.0 - abs(rate - 3e-3) - dropout / 10


def two_convolutions(input_shape: tuple[int, int, int]) -> keras.Model:
    """Two convolutions with BatchNorm on 8x8 images."""
    import keras
    from keras import layers

    inputs = keras.Input(input_shape)
    x = inputs
    for filters in (16, 32):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
    return keras.Model(inputs, x)


def digits() -> tuple[Any, Any, Any, Any]:
    """500 training and 500 validation images with their labels."""
    from sklearn.datasets import load_digits

    data = load_digits()
    images = (data.images / 16.0).astype("float32")[..., None]
    return images[:IMAGES], data.target[:IMAGES], images[IMAGES : 2 * IMAGES], data.target[IMAGES : 2 * IMAGES]


def keras_training(rate: float, dropout: float) -> list[float]:
    """The same training as people write it for Ray Tune or KerasTuner: built, compiled and fitted anew; validation accuracy by epoch."""
    import keras
    from keras import layers

    keras.backend.clear_session()
    backbone = two_convolutions((8, 8, 1))
    x = layers.Dropout(dropout)(layers.GlobalAveragePooling2D()(backbone.output))
    model = keras.Model(backbone.input, layers.Dense(10, activation="softmax")(x))
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    x_train, y_train, x_val, y_val = digits()
    history = model.fit(x_train, y_train, batch_size=BATCH, epochs=EPOCHS, validation_data=(x_val, y_val), verbose=0)
    return [float(value) for value in history.history["val_accuracy"]]
