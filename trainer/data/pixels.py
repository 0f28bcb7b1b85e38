"""Arrays of any usual kind to raw pixels: ``(n, height, width, channels)``, uint8 or float32 in [0, 255].

Mean and spread of pixels, for ``preprocessing: standardize``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from trainer.data.decode import resize
from trainer.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

    from trainer.data.images import ImageSet, Pixels


BRIGHTEST = 255.0
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in grey. Source: ITU-R BT.601, as Pillow's convert("L")."""

_WITHOUT_CHANNELS, _WITH_CHANNELS = 3, 4
_GREY, _GREY_ALPHA, _RGB, _RGBA = 1, 2, 3, 4


def to_pixels(array: npt.NDArray[Any], color: Literal["auto", "grey", "rgb"], size: tuple[int, int] | None) -> Pixels:
    """Scale, convert and resize an array of images.

    uint8 is kept; other whole numbers up to 255 become uint8; 16-bit is scaled to 0..255. Fractions in [0, 1] are scaled to [0, 255];
    fractions in [0, 255] are kept; both stay float32. Transparency is dropped.

    Args:
        array: ``(n, height, width)`` or ``(n, height, width, 1..4)``.
        color: channels wanted; ``auto`` keeps one or three.
        size: height and width wanted; None keeps the size.

    Raises:
        DataError: another shape, or values that are no pixels.
    """
    if array.ndim == _WITHOUT_CHANNELS:
        array = array[..., None]
    if array.ndim != _WITH_CHANNELS or not _GREY <= array.shape[3] <= _RGBA:
        raise DataError(f"images: expected shape (n, height, width) or (n, height, width, 1 or 3), got {array.shape}")
    pixels = _channels(_scaled(array), color)
    if size is not None and pixels.shape[1:3] != size:
        pixels = resize(pixels, size)
    return cast("Pixels", np.ascontiguousarray(pixels))


def _scaled(array: npt.NDArray[Any]) -> Pixels:
    if array.dtype == np.uint8:
        same: npt.NDArray[np.uint8] = array
        return same
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    low, high = float(array.min()), float(array.max())
    if not np.isfinite([low, high]).all() or low < 0:
        raise DataError(
            f"images: values run from {low:g} to {high:g}; expected raw pixels in [0, 255] or [0, 1]. "
            "Standardising is data.preprocessing's work: give the images as they were before it"
        )
    if array.dtype.kind in "iu":
        if high <= BRIGHTEST:
            return array.astype(np.uint8)
        if high <= np.iinfo(np.uint16).max:
            return np.rint(array / (np.iinfo(np.uint16).max / BRIGHTEST)).astype(np.uint8)
    elif high <= BRIGHTEST:
        return array.astype(np.float32) * np.float32(BRIGHTEST if high <= 1 else 1)
    raise DataError(
        f"images: values run from {low:g} to {high:g} ({array.dtype}); expected raw pixels in [0, 255], [0, 1] or 16-bit whole numbers"
    )


def _channels(pixels: Pixels, color: Literal["auto", "grey", "rgb"]) -> Pixels:
    count = int(pixels.shape[3])
    if count in (_GREY_ALPHA, _RGBA):
        pixels = pixels[..., : count - 1]
        count -= 1
    if color == "rgb" and count == _GREY:
        return cast("Pixels", np.repeat(pixels, _RGB, axis=3))
    if color == "grey" and count == _RGB:
        grey = pixels.astype(np.float32) @ LUMINANCE[:, None]
        return np.rint(grey).astype(np.uint8) if pixels.dtype == np.uint8 else grey
    return pixels


_IMAGES_AT_ONCE = 256
SMALLEST_VARIANCE = 1e-6
"""A channel that never varies is divided by this spread's root instead of zero."""


@dataclass(frozen=True)
class ChannelStatistics:
    """Of the training images, each pixel counting once.

    Attributes:
        mean: per channel, in [0, 255].
        variance: per channel, in squared pixel units, above zero.
    """

    mean: tuple[float, ...]
    variance: tuple[float, ...]


def channel_statistics(images: ImageSet) -> ChannelStatistics:
    """Exact mean and variance of every channel, summed in float64 a few images at a time, so that mapped files are read once."""
    channels = images.images.shape[3]
    total, squares, count = np.zeros(channels), np.zeros(channels), 0
    for start in range(0, len(images), _IMAGES_AT_ONCE):
        pixels = images.images[start : start + _IMAGES_AT_ONCE].reshape(-1, channels).astype(np.float64)
        total += pixels.sum(axis=0)
        squares += (pixels**2).sum(axis=0)
        count += len(pixels)
    mean = total / count
    variance = np.maximum(squares / count - mean**2, SMALLEST_VARIANCE)
    return ChannelStatistics(tuple(mean.tolist()), tuple(variance.tolist()))
