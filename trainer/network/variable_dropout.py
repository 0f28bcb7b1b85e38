"""Dropout whose rate can change without tracing again."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class VariableDropout(keras.layers.Dropout):  # type: ignore[misc]
    """`keras.layers.Dropout` with its rate in a variable of the compiled step.

    A stock ``Dropout(0)`` has no seed generator and refuses a tensor as rate; this one draws a mask at every rate, and at rate 0 the mask keeps everything,
    so the output equals the input exactly. The variable is no weight of the layer: files hold a stock layer (`trainer.network.export`).
    """

    def __init__(self, rate: float = 0.0, **kwargs: Any) -> None:  # noqa: ANN401 - Keras's own arguments
        super().__init__(rate=0.5, **kwargs)  # any rate above 0 makes Keras create the seed generator
        variable = tf.Variable(rate, dtype=tf.float32, trainable=False, name="rate")
        object.__setattr__(self, "rate_variable", variable)  # past Keras's tracking: not a weight

    def set_rate(self, rate: float) -> None:
        """Use this rate, a fraction in [0, 1), from the next step on."""
        self.rate_variable.assign(rate)

    def call(self, inputs: Any, training: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - Keras's signature
        """Drop a share of the inputs while training and scale the rest by 1 / (1 - rate)."""
        if not training:
            return inputs
        keep = 1.0 - self.rate_variable
        draws = keras.random.uniform(keras.ops.shape(inputs), dtype="float32", seed=self.seed_generator)
        mask = tf.cast(draws < keep, inputs.dtype)  # draws lie in [0, 1), so keep = 1 keeps all
        return inputs * mask / tf.cast(keep, inputs.dtype)
