"""The scaling of pixels: which one a configuration means, and the stock Keras layers that do it first in the model, so that an exported model takes raw images.

A weights file can say which scaling its weights were trained with. TensorFlow is imported when layers are made.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from trainer.backbones import BACKBONES, FILE, PRESET
from trainer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from trainer.config import TrainConfig
    from trainer.data.pixels import ChannelStatistics


Recordable = Literal["caffe", "torch", "tf", "rescale", "none"]
"""Scalings that are the same for all images."""
ATTRIBUTE = "steadysweep_preprocessing"
SUFFIX = ".weights.h5"


def record_scaling(path: Path, scaling: Recordable) -> None:
    """Write into a ``.weights.h5`` file what its weights were trained with.

    Raises:
        ValueError: another scaling, such as one by the statistics of some images.
    """
    import h5py  # type: ignore[import-untyped]

    if scaling not in get_args(Recordable):
        raise ValueError(f"preprocessing must be one of {', '.join(get_args(Recordable))}, but got {scaling!r}")
    with h5py.File(path, "r+") as file:
        file.attrs[ATTRIBUTE] = scaling


def recorded_scaling(weights: str | None) -> Recordable | None:
    """What `record_scaling` wrote into the file of ``model.weights``; None for other files, and where there is none."""
    path = Path(weights).expanduser() if weights else None
    if path is None or not path.name.endswith(SUFFIX) or not path.is_file():
        return None
    import h5py

    try:
        with h5py.File(path) as file:
            recorded = file.attrs.get(ATTRIBUTE)
    except OSError:  # no HDF5 file; loading it says so
        return None
    return next((scaling for scaling in get_args(Recordable) if scaling == recorded), None)


Kind = Literal["caffe", "torch", "tf", "rescale", "standardize", "none"]


def preprocessing_kind(config: TrainConfig) -> Kind:
    """The scaling that the model's first layers do to raw pixels in [0, 255].

    ``auto`` is what the backbone was trained with, ``none`` where it scales inside, and ``rescale`` for all other backbones.
    ``per_image_max`` is done while batches are made, so that nothing is left for the model.
    """
    setting = config.data.preprocessing
    if setting == "auto":
        return expected_kind(config)
    return "none" if setting == "per_image_max" else setting


def expected_kind(config: TrainConfig) -> Kind:
    """The scaling that suits the backbone: what its weights file says, what its ImageNet weights were trained with, else ``rescale``."""
    recorded = recorded_scaling(config.model.weights)
    if recorded is not None:
        return recorded
    if config.model.backbone.startswith(PRESET):
        return "none"  # KerasHub says which: see `preprocessing_layers`
    if config.model.backbone.endswith(FILE):
        from trainer.network.loaded_backbones import scaling_in_file

        return scaling_in_file(config.model.backbone) or "rescale"
    backbone = BACKBONES.get(config.model.backbone)
    if backbone is None or backbone.scaling is None:
        return "rescale"
    if backbone.scaling != "inside":
        return backbone.scaling
    return "none" if config.model.options.get("include_preprocessing", True) else backbone.left_out or "none"


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
    scaling: tuple[Any, Any] | None = {"rescale": (1 / WHITE, 0.0), "tf": (2 / WHITE, -1.0)}.get(kind)
    if config.model.backbone.startswith(PRESET) and config.data.preprocessing == "auto":
        from trainer.network.loaded_backbones import preset_scaling

        scaling = preset_scaling(config.model.backbone)
    if scaling is not None:
        return [keras.layers.Rescaling(*scaling, dtype="float32", name="rescale")]
    if kind == "torch":
        mean = [WHITE * value for value in _fit(IMAGENET_MEAN, channels)]
        deviation = [WHITE * value for value in _fit(IMAGENET_DEVIATION, channels)]
        return [_normalization(mean, [value**2 for value in deviation])]
    if kind == "caffe":
        layers = [_normalization(_fit(IMAGENET_MEAN_BGR, channels), [1.0] * channels)]
        if channels == RGB:  # the channels are reversed exactly; a 1x1 convolution would round where a GPU multiplies in TF32
            rgb = keras.Input((None, None, RGB), dtype="float32", name="rgb")
            layers.insert(0, keras.Model(rgb, keras.ops.flip(rgb, axis=-1), name="rgb_to_bgr"))
        return layers
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


def _fit(values: Sequence[float], channels: int) -> list[float]:
    """Three channels' figures, or their mean for each channel of other images."""
    return list(values) if channels == RGB else [sum(values) / len(values)] * channels
