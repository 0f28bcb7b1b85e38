"""Mean and spread of pixels, for ``preprocessing: standardize``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from trainer.data.images import ImageSet

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
