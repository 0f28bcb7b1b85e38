"""Preprocessing as stock Keras layers, put first in the model, so that an exported model takes raw images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.errors import ConfigError
from trainer.preprocessing.kind import preprocessing_kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from trainer.config import TrainConfig
    from trainer.data.statistics import ChannelStatistics

RGB = 3
WHITE = 255.0
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)
"""Source: keras.applications.imagenet_utils."""


def preprocessing_layers(config: TrainConfig, statistics: ChannelStatistics | None = None, channels: int = RGB) -> list[keras.layers.Layer]:
    """The layers from raw pixels in [0, 255] to what the backbone expects; none where it scales inside.

    They have no weights, compute in float32 whatever the model's policy, and survive `model.save`.

    Args:
        config: `data.preprocessing`, `model.backbone`.
        statistics: of the training images; needed for ``standardize`` alone.
        channels: of the images as they reach these layers. One-channel images take the mean of the three channels' figures.

    Raises:
        ConfigError: ``standardize`` without statistics, or with those of another number of channels.
    """
    import keras

    kind = preprocessing_kind(config)
    if kind == "rescale":
        return [keras.layers.Rescaling(1 / WHITE, dtype="float32", name="rescale")]
    if kind == "tf":
        return [keras.layers.Rescaling(2 / WHITE, offset=-1.0, dtype="float32", name="rescale")]
    if kind == "torch":
        mean = [WHITE * value for value in _fit(IMAGENET_MEAN, channels)]
        deviation = [WHITE * value for value in _fit(IMAGENET_DEVIATION, channels)]
        return [_normalization(mean, [value**2 for value in deviation])]
    if kind == "caffe":
        swap = [_rgb_to_bgr()] if channels == RGB else []
        return [*swap, _normalization(_fit(IMAGENET_MEAN_BGR, channels), [1.0] * channels)]
    if kind == "standardize":
        if statistics is None:
            raise ConfigError(
                "data.preprocessing: standardize needs the training images' statistics; pass trainer.data.channel_statistics(data.train)"
            )
        if len(statistics.mean) != channels:
            raise ConfigError(f"data.preprocessing: standardize: statistics of {len(statistics.mean)} channels for images of {channels}")
        return [_normalization(statistics.mean, statistics.variance)]
    return []


def _normalization(mean: Sequence[float], variance: Sequence[float]) -> keras.layers.Layer:
    import keras

    return keras.layers.Normalization(axis=-1, mean=list(mean), variance=list(variance), dtype="float32", name="normalize")


def _rgb_to_bgr() -> keras.layers.Layer:
    """Reverse the channels exactly; a 1x1 convolution would round where a GPU multiplies in TF32."""
    import keras

    rgb = keras.Input((None, None, RGB), dtype="float32", name="rgb")
    return keras.Model(rgb, keras.ops.flip(rgb, axis=-1), name="rgb_to_bgr")


def _fit(values: Sequence[float], channels: int) -> list[float]:
    """Three channels' figures, or their mean for each channel of other images."""
    return list(values) if channels == RGB else [sum(values) / len(values)] * channels
