"""What stands on the backbone: pooling, dense layers, dropout, BatchNorm and the output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from trainer.errors import ConfigError

if TYPE_CHECKING:
    from trainer.config import ModelConfig


SPATIAL_RANK = 4  # (images, height, width, channels)


def output_units(model: ModelConfig, num_classes: int) -> int:
    """Units of the output layer: one for ``sigmoid``, else one per class.

    Raises:
        ConfigError: ``sigmoid`` with more or fewer than two classes.
    """
    if model.output != "sigmoid":
        return num_classes
    if num_classes != 2:  # noqa: PLR2004 - a single unit tells two classes apart
        raise ConfigError(f"model.output: sigmoid is one unit for two classes, but the data has {num_classes}; use softmax.")
    return 1


def dropout_rates(model: ModelConfig) -> tuple[float, ...]:
    """Dropout before each dense layer and before the output, shape ``(len(dense) + 1,)``.

    Raises:
        ConfigError: a list of another length.
    """
    expected = len(model.dense) + 1
    if isinstance(model.dropout, float | int):
        return (float(model.dropout),) * expected
    if len(model.dropout) != expected:
        raise ConfigError(
            f"model.dropout: expected one rate or {expected} (before each of {len(model.dense)} dense layers and before the output), "
            f"got {len(model.dropout)}."
        )
    return tuple(model.dropout)


class VariableDropout(keras.layers.Dropout):  # type: ignore[misc]
    """`keras.layers.Dropout` with its rate in a variable of the compiled step.

    A stock ``Dropout(0)`` has no seed generator and refuses a tensor as rate; this one draws a mask at every rate, and at rate 0 the mask keeps everything,
    so the output equals the input exactly. The variable is no weight of the layer: files hold a stock layer (`trainer.network.weights`).
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


def build_head(model: ModelConfig, features_shape: tuple[int | None, ...], num_classes: int) -> keras.Model:
    """Features to logits.

    The loss is computed on the logits; `trainer.network.build` puts the softmax or sigmoid behind them, so the loss fits the output by construction.

    `features_shape` is that of one image: (height, width, channels) or (features,).
    """
    features = keras.Input(features_shape, name="features")
    x: Any = features
    if len(features_shape) == SPATIAL_RANK - 1:
        pool = {
            "avg": keras.layers.GlobalAveragePooling2D,
            "max": keras.layers.GlobalMaxPooling2D,
            "flatten": keras.layers.Flatten,
        }[model.pooling]
        x = pool(name="pool")(x)
    if model.head_bn and not model.dense:
        x = keras.layers.BatchNormalization(name="features_bn")(x)
    rates = dropout_rates(model)
    for number, (width, rate) in enumerate(zip(model.dense, rates, strict=False), start=1):
        x = VariableDropout(rate, name=f"dropout{number}")(x)
        x = keras.layers.Dense(width, name=f"dense{number}")(x)
        if model.head_bn:
            x = keras.layers.BatchNormalization(name=f"dense{number}_bn")(x)
        x = keras.layers.Activation(model.activation, name=f"dense{number}_{model.activation}")(x)
    x = VariableDropout(rates[-1], name=f"dropout{len(model.dense) + 1}")(x)
    x = keras.layers.Dense(output_units(model, num_classes), name="logits")(x)
    return keras.Model(features, x, name="head")
