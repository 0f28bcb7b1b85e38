"""Finding BatchNorm layers and their momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from trainer.batchnorm.switched import SwitchedBatchNorm
from trainer.models.leaves import all_layers

if TYPE_CHECKING:
    from collections.abc import Sequence


def batchnorm_layers(model: keras.layers.Layer) -> list[keras.layers.BatchNormalization]:
    """Every BatchNorm layer at any depth, in building order."""
    return [layer for layer in all_layers(model) if isinstance(layer, keras.layers.BatchNormalization)]


def make_switchable(layer: keras.layers.BatchNormalization) -> float:
    """Turn a layer, in place, into a `SwitchedBatchNorm` with its momentum in a variable; do so before it is traced.

    A subclass with its own ``call`` keeps its class: its momentum becomes a variable all the same, but it always normalises as its author wrote.

    Returns:
        Its momentum as built, a fraction in [0, 1).
    """
    if isinstance(layer.momentum, tf.Variable):
        return float(layer.momentum)
    momentum = float(layer.momentum)
    if type(layer) is keras.layers.BatchNormalization:
        object.__setattr__(layer, "__class__", SwitchedBatchNorm)
    # Past Keras's tracking: the momentum is no weight of the layer.
    object.__setattr__(layer, "momentum", tf.Variable(momentum, dtype=tf.float32, trainable=False, name="momentum"))
    return momentum


def set_momentum(layers: Sequence[keras.layers.BatchNormalization], momenta: Sequence[float]) -> None:
    """Use these momenta from the next step on; layers made switchable are not traced again, others must not have been traced yet."""
    for layer, momentum in zip(layers, momenta, strict=True):
        if isinstance(layer.momentum, tf.Variable):
            layer.momentum.assign(momentum)
        else:
            layer.momentum = float(momentum)
