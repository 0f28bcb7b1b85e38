"""Backbones as a user would write them."""

from __future__ import annotations

from typing import Any

import keras


def sequential(input_shape: tuple[int, int, int], width: int = 4) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Conv2D(width, 3, name="first"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Conv2D(2 * width, 3, name="second"),
        ]
    )


def nested(input_shape: tuple[int, int, int]) -> keras.Model:
    """BatchNorm two models down."""
    inner = keras.Sequential([keras.Input((None, None, 4)), keras.layers.BatchNormalization(momentum=0.97, name="deep")], name="inner")
    inputs = keras.Input(input_shape)
    x = keras.layers.Conv2D(4, 3, name="conv")(inputs)
    return keras.Model(inputs, inner(x))


class Subclassed(keras.Model):
    """Has no graph to cut."""

    def call(self, inputs: Any) -> Any:  # noqa: ANN401 - Keras tensors
        return inputs


def subclassed(input_shape: tuple[int, int, int]) -> keras.Model:
    del input_shape
    return Subclassed()


def with_own_weights(input_shape: tuple[int, int, int]) -> keras.Model:
    """Comes with weights of its own."""
    model = sequential(input_shape)
    for weight in model.trainable_weights:
        weight.assign(keras.ops.full(weight.shape, 0.125))
    return model


def classifier(input_shape: tuple[int, int, int], units: int = 10, activation: str = "softmax") -> keras.Model:
    """A whole network, as tutorials write it."""
    features = [keras.Input(input_shape), keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D()]
    return keras.Sequential([*features, keras.layers.Dense(units, activation=activation)])


def pooled(input_shape: tuple[int, int, int]) -> keras.Model:
    """Ends in a vector of features."""
    return keras.Sequential([keras.Input(input_shape), keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D()])
