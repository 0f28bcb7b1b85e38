"""A network that needs more memory than any machine has when it trains on more than four images at a time."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

FITS = 4


@keras.saving.register_keras_serializable("hungry_network")
class Hungry(keras.layers.Layer):  # type: ignore[misc]
    """Hands its input on; while training it asks for a pebibyte where there are more images than fit."""

    def call(self, inputs: Any, training: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - Keras's signature
        if not training:
            return inputs
        images = tf.shape(inputs, out_type=tf.int64)[0]
        waste = tf.random.uniform([tf.where(images > FITS, tf.constant(2**48, tf.int64), tf.constant(1, tf.int64))])
        return inputs + 0.0 * tf.reduce_sum(waste)


def net(input_shape: tuple[int, int, int]) -> keras.Model:
    inputs = keras.Input(input_shape)
    return keras.Model(inputs, Hungry()(keras.layers.Conv2D(2, 3, strides=2, activation="relu")(inputs)))
