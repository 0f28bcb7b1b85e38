"""Questions about a model that need it built but not trained."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from trainer.models.build import backbone_input_shape, build_backbone, build_model
from trainer.models.registry import backbone_info

if TYPE_CHECKING:
    from collections.abc import Mapping

    import keras

    from trainer.config import ModelConfig, TrainConfig
    from trainer.freezing.table import LayerRow
    from trainer.preflight.facts import ModelFacts
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
    from trainer.freezing.table import table_of

    return table_of(_backbone(name, json.dumps(dict(options or {}), sort_keys=True), image_shape or (DEFAULT_SIZE, DEFAULT_SIZE, 3)))


def resolve_boundary(model_config: ModelConfig, image_shape: tuple[int, int, int], num_classes: int) -> FrozenBoundary:
    """Where ``frozen_layers`` ends freezing on this backbone; weights are not loaded. Backbones built for this are kept.

    Raises:
        ConfigError: beyond the backbone, or no such layer.
    """
    from trainer.freezing.boundary import NOTHING, find_boundary

    del num_classes  # of no influence on the backbone; part of the call so that a user's function may one day need it
    if model_config.frozen_layers.strip() == "none":
        return NOTHING
    shape = backbone_input_shape(model_config, image_shape)
    return find_boundary(
        _backbone(model_config.backbone, json.dumps(model_config.options, sort_keys=True), shape), model_config.frozen_layers
    )


@functools.lru_cache(maxsize=4)
def _backbone(name: str, options: str, shape: tuple[int, int, int]) -> keras.Model:
    from trainer.config import ModelConfig

    return build_backbone(ModelConfig(backbone=name, options=json.loads(options)), shape)


def model_facts(config: TrainConfig, image_shape: tuple[int, int, int], num_classes: int) -> ModelFacts:
    """What the pre-flight checks need to know of a training's model; builds it without loading weights.

    Args:
        config: the training.
        image_shape: height, width, channels of the data.
        num_classes: classes of the data.
    """
    from trainer.errors import ConfigError
    from trainer.freezing.blocks import blocks_of
    from trainer.freezing.boundary import NOTHING, find_boundary
    from trainer.freezing.freeze import freeze
    from trainer.models.memory import device_memory_bytes, estimated_memory_bytes
    from trainer.preflight.facts import ModelFacts

    bare = config.model_copy(
        update={
            "model": config.model.model_copy(update={"weights": None}),
            "data": config.data.model_copy(update={"preprocessing": "none"}),
        }
    )
    built = build_model(bare, backbone_input_shape(config.model, image_shape), num_classes)
    problem = None
    boundary = NOTHING
    try:
        boundary = find_boundary(built.backbone, config.model.frozen_layers)
    except ConfigError as error:
        problem = str(error)
    freeze(built, boundary)
    info = backbone_info(config.model.backbone)
    sigmoid = built.units == 1
    from trainer.batchnorm.layers import batchnorm_layers

    norms = batchnorm_layers(built.model)
    trained = [momentum for layer, momentum in zip(norms, built.momenta, strict=True) if layer.trainable]
    if trained and config.model.bn_momentum is not None:
        trained = [config.model.bn_momentum]
    return ModelFacts(
        has_batchnorm=bool(norms),
        output_units=built.units,
        output_activation="sigmoid" if sigmoid else "softmax",
        loss=config.training.loss if config.training.loss != "auto" else "binary_crossentropy" if sigmoid else "categorical_crossentropy",
        parameters=built.model.count_params(),
        trainable_parameters=sum(int(variable.value.shape.num_elements()) for variable in built.model.trainable_variables),
        max_bn_momentum=max(trained, default=None),
        min_image_size=None if info is None or config.model.options else info.min_size,  # with other options another; this one was built
        backbone_blocks=len(blocks_of(built.backbone)),
        loss_from_logits=False,
        estimated_memory_bytes=estimated_memory_bytes(built, boundary, config),
        device_memory_bytes=device_memory_bytes(),
        frozen_problem=problem,
    )
