"""Questions about a model that need it built but not trained: its layers, where freezing ends, the memory of a step."""

from __future__ import annotations

import functools
import json
import math
from typing import TYPE_CHECKING, Any

from trainer.backbones import backbone_info
from trainer.config import ModelConfig
from trainer.config.settings import loss_name
from trainer.errors import ConfigError
from trainer.network.batchnorm import batchnorm_layers, can_carry, looking_at_batches, refuse_parts
from trainer.network.boundary import NOTHING, blocks_of, find_boundary, table_of
from trainer.network.build import backbone_input_shape, build_backbone, build_model
from trainer.network.memory import predict_memory
from trainer.network.parts import all_layers, freeze
from trainer.records import ModelFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    import keras

    from trainer.config import TrainConfig
    from trainer.network.boundary import LayerRow
    from trainer.network.memory import Memory
    from trainer.network.parts import BuiltModel
    from trainer.records import FrozenBoundary


DEFAULT_SIZE = 224


def layer_table(
    name: str, image_shape: tuple[int, int, int] | None = None, options: Mapping[str, Any] | None = None
) -> tuple[LayerRow, ...]:
    """The layers of a backbone, for ``steadysweep models --layers NAME``.

    Args:
        name: of the backbone, or ``package.module:function``.
        image_shape: height, width, channels; default 224x224x3.
        options: ``model.options``.
    """
    return table_of(_backbone(name, json.dumps(dict(options or {}), sort_keys=True), image_shape or (DEFAULT_SIZE, DEFAULT_SIZE, 3)))


def resolve_boundary(model_config: ModelConfig, image_shape: tuple[int, int, int], num_classes: int) -> FrozenBoundary:
    """Where ``frozen_layers`` ends freezing on this backbone; weights are not loaded. Backbones built for this are kept.

    Raises:
        ConfigError: beyond the backbone, or no such layer.
    """
    del num_classes  # of no influence on the backbone; part of the call so that a user's function may one day need it
    if model_config.frozen_layers.strip() == "none":
        return NOTHING
    shape = backbone_input_shape(model_config, image_shape)
    return find_boundary(
        _backbone(model_config.backbone, json.dumps(model_config.options, sort_keys=True), shape), model_config.frozen_layers
    )


@functools.lru_cache(maxsize=4)
def _backbone(name: str, options: str, shape: tuple[int, int, int]) -> keras.Model:
    return build_backbone(ModelConfig(backbone=name, options=json.loads(options)), shape)


def model_facts(config: TrainConfig, image_shape: tuple[int, int, int], num_classes: int) -> ModelFacts:
    """What the pre-flight checks need to know of a training's model for images of a shape; builds it without loading weights.

    Raises:
        ConfigError: the model cannot be built, or not be trained in micro-batches as ``training.accumulate`` asks.
    """
    built = _bare(config, image_shape, num_classes)
    boundary, problem = NOTHING, None
    try:
        boundary = find_boundary(built.backbone, config.model.frozen_layers)
    except ConfigError as error:
        problem = str(error)
    freeze(built, boundary)
    info = backbone_info(config.model.backbone)
    sigmoid = built.units == 1
    norms = batchnorm_layers(built.model)
    refuse_parts(
        config.training.accumulate,
        looking_at_batches(all_layers(built.model), norms if config.model.frozen_bn == "batch" else ()),
    )
    trained = [momentum for layer, momentum in zip(norms, built.momenta, strict=True) if layer.trainable]
    if trained and config.model.bn_momentum is not None:
        trained = [config.model.bn_momentum]
    return ModelFacts(
        has_batchnorm=bool(norms),
        output_units=built.units,
        output_activation="sigmoid" if sigmoid else "softmax",
        loss=loss_name(config.training.loss, built.units),
        parameters=built.model.count_params(),
        trainable_parameters=sum(int(variable.value.shape.num_elements()) for variable in built.model.trainable_variables),
        max_bn_momentum=max(trained, default=None),
        min_image_size=None if info is None or config.model.options else info.min_side,  # with other options another; this one was built
        backbone_blocks=len(blocks_of(built.backbone)),
        estimated_memory_bytes=estimated_memory_bytes(built, boundary, config),
        device_memory_bytes=device_memory_bytes(),
        frozen_problem=problem,
        own_batchnorm=next((layer.name for layer in norms if not can_carry(layer)), None),
    )


def memory_of(config: TrainConfig, image_shape: tuple[int, int, int], num_classes: int) -> Memory:
    """How much memory a training takes, for images of a shape; builds its model without loading weights.

    Raises:
        ConfigError: the model cannot be built.
    """
    built = _bare(config, image_shape, num_classes)
    boundary = find_boundary(built.backbone, config.model.frozen_layers)
    freeze(built, boundary)
    return predict_memory(built, boundary, config)


def _bare(config: TrainConfig, image_shape: tuple[int, int, int], num_classes: int) -> BuiltModel:
    """A training's model without weights from elsewhere, and without preprocessing that needs the images."""
    unscaled = config.data.model_copy(update={"preprocessing": "none"})
    bare = config.model_copy(update={"model": config.model.model_copy(update={"weights": None}), "data": unscaled})
    return build_model(bare, backbone_input_shape(config.model, image_shape), num_classes)


FLOAT = 4
SLOTS = {"adam": 2, "adamw": 2, "sgd": 1, "rmsprop": 2, "lion": 1}
KEPT_ACTIVATIONS = 1.0
"""Outputs of trained layers are kept once for the backward pass; their gradients replace them as it goes."""
TRANSIENT_LAYERS = 2
"""Of frozen layers only the input and output of the one at work are held."""


def estimated_memory_bytes(built: BuiltModel, boundary: FrozenBoundary, config: TrainConfig) -> int:
    """Weights, gradients, optimiser slots, weight average and activations of one training step; without TensorFlow's own and the images' cache.

    The layers' trainable flags must be set.
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

    return None if tf.config.list_physical_devices("GPU") else int(psutil.virtual_memory().total)


def _outputs(layer: Any) -> int:  # noqa: ANN401 - a Keras layer
    """Values that a layer puts out for one image."""
    output = getattr(layer, "output", None)
    shapes = [tensor.shape for tensor in output] if isinstance(output, list | tuple) else [getattr(output, "shape", (0,))]
    return sum(_size(shape[1:]) for shape in shapes)


def _size(shape: Any) -> int:  # noqa: ANN401 - Keras and TensorFlow shapes
    return math.prod(side or 1 for side in tuple(shape))
