"""Moving statistics of BatchNorm layers, apart from the weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainer.batchnorm.layers import batchnorm_layers

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray


@dataclass(frozen=True)
class BatchNormStatistics:
    """What every BatchNorm layer of a model normalises by at inference, in building order.

    Attributes:
        means: one array ``(channels,)`` a layer.
        variances: one array ``(channels,)`` a layer, population variance, ≥ 0.
    """

    means: tuple[NDArray[np.float64], ...]
    variances: tuple[NDArray[np.float64], ...]


def read_statistics(model: keras.layers.Layer) -> BatchNormStatistics:
    """Copy the moving statistics of every BatchNorm layer of a model."""
    layers = batchnorm_layers(model)
    return BatchNormStatistics(
        tuple(layer.moving_mean.numpy().astype(np.float64) for layer in layers),
        tuple(layer.moving_variance.numpy().astype(np.float64) for layer in layers),
    )


def write_statistics(model: keras.layers.Layer, statistics: BatchNormStatistics) -> None:
    """Give every BatchNorm layer of a model these statistics; the weights are untouched.

    Raises:
        ValueError: they are of a model with another number of BatchNorm layers.
    """
    layers = batchnorm_layers(model)
    if len(layers) != len(statistics.means):
        raise ValueError(f"statistics of {len(statistics.means)} BatchNorm layers do not fit a model with {len(layers)}")
    for layer, mean, variance in zip(layers, statistics.means, statistics.variances, strict=True):
        layer.moving_mean.assign(mean)
        layer.moving_variance.assign(variance)
