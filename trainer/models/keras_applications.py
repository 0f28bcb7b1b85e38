"""Every backbone of ``keras.applications`` that has a no-top form."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from trainer.errors import ConfigError
from trainer.models.weights import with_imagenet_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    import keras

    from trainer.models.registry import Backbone


def application_backbone(
    backbone: Backbone, input_shape: tuple[int, int, int], options: Mapping[str, Any], *, imagenet: bool
) -> keras.Model:
    """Build one without its top.

    Args:
        backbone: which one.
        input_shape: height, width, channels; ImageNet weights need three channels.
        options: further arguments of the builder, e.g. ``alpha`` of MobileNet, or ``include_preprocessing: false`` where scaling is inside.
        imagenet: load the ImageNet weights (downloaded once by Keras).

    Raises:
        ConfigError: the images are too small, or an option is unknown to the builder.
        WeightsUnavailableError: ImageNet weights cannot be had.
    """
    if min(input_shape[:2]) < backbone.min_size:
        raise ConfigError(
            f"data.image_size: {backbone.name} needs images of at least {backbone.min_size}x{backbone.min_size} pixels, "
            f"got {input_shape[0]}x{input_shape[1]}."
        )
    builder = getattr(importlib.import_module("keras.applications"), backbone.builder)
    arguments: dict[str, Any] = {"include_top": False, "weights": "imagenet" if imagenet else None, "input_shape": input_shape, **options}
    try:
        if imagenet:
            return with_imagenet_weights(lambda: builder(**arguments), backbone.name)
        return builder(**arguments)
    except TypeError as error:
        raise ConfigError(f"model.options: {backbone.builder} does not accept {dict(options)}: {error}") from error
