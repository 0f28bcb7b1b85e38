"""What a training step needs in memory, estimated from shapes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainer.config import TrainConfig
    from trainer.models.built import BuiltModel
    from trainer.records import FrozenBoundary

FLOAT = 4
SLOTS = {"adam": 2, "adamw": 2, "sgd": 1, "rmsprop": 2, "lion": 1}
KEPT_ACTIVATIONS = 1.0
"""Outputs of trained layers are kept once for the backward pass; their gradients replace them as it goes."""
TRANSIENT_LAYERS = 2
"""Of frozen layers only the input and output of the one at work are held."""


def estimated_memory_bytes(built: BuiltModel, boundary: FrozenBoundary, config: TrainConfig) -> int:
    """Weights, gradients, optimiser slots, weight average and activations of one training step; without TensorFlow's own and the images' cache.

    Args:
        built: with its layers' trainable flags set.
        boundary: where freezing ends.
        config: batch size, optimiser, precision.
    """
    weights = built.model.count_params()
    trained = sum(_size(variable.shape) for variable in built.model.trainable_variables)
    copies = 1 + SLOTS[config.training.optimizer] + (config.training.ema is not None)
    before = [_outputs(layer) for layer in built.backbone.layers[: boundary.index + 1]]
    after = [_outputs(layer) for layer in [*built.backbone.layers[boundary.index + 1 :], *built.head.layers]]
    value = FLOAT / 2 if config.training.mixed_precision else FLOAT
    activations = KEPT_ACTIVATIONS * sum(after) + TRANSIENT_LAYERS * max(before, default=0)
    return int(FLOAT * (weights + copies * trained) + value * config.training.batch_size * activations)


def device_memory_bytes() -> int | None:
    """Memory of the first GPU where TensorFlow knows it, else this machine's."""
    import psutil
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return None
    return int(psutil.virtual_memory().total)


def _outputs(layer: Any) -> int:  # noqa: ANN401 - a Keras layer
    """Values that a layer puts out for one image."""
    output = getattr(layer, "output", None)
    shapes = [tensor.shape for tensor in output] if isinstance(output, list | tuple) else [getattr(output, "shape", (0,))]
    return sum(_size(shape[1:]) for shape in shapes)


def _size(shape: Any) -> int:  # noqa: ANN401 - Keras and TensorFlow shapes
    return math.prod(side or 1 for side in tuple(shape))
