"""Exact BatchNorm statistics over a set of images, weights untouched ("precise BN")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from trainer.batchnorm.layers import batchnorm_layers, make_switchable
from trainer.batchnorm.statistics import BatchNormStatistics, read_statistics, write_statistics
from trainer.batchnorm.switched import SwitchedBatchNorm, by_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import keras

Moments = list[tuple[Any, Any]]


def precise(model: keras.Model, batches: Iterable[Any], layers: Sequence[keras.layers.Layer] | None = None) -> BatchNormStatistics:
    """Recompute the moving statistics of a model's BatchNorm layers over images and write them into it.

    Args:
        model: any functional model, ours or loaded from a file.
        batches: arrays ``(images, height, width, channels)``, each image once; two images or more a batch, mixed in class.
        layers: only these BatchNorm layers; default: all. The others normalise as they stand.

    Returns:
        The statistics of all layers, as written.
    """
    every = list(batchnorm_layers(model) if layers is None else layers)
    for layer in every:
        make_switchable(layer)
    chosen = [layer for layer in every if isinstance(layer, SwitchedBatchNorm)]
    return pool_moments(model, chosen, moments_function(model, chosen), batches)


def moments_function(model: Callable[..., Any], layers: Sequence[keras.layers.Layer]) -> Callable[[Any], Moments]:
    """A compiled forward pass in which `layers` normalise by their batch; it returns each one's mean and variance in the order of `layers`."""

    def moments_of(images: Any) -> Moments:  # noqa: ANN401 - a tensor
        found: dict[int, tuple[Any, Any]] = {}
        with by_batch(layers, found):
            model(images, training=False)
        return [found[id(layer)] for layer in layers]

    return tf.function(moments_of, autograph=False, reduce_retracing=True)  # type: ignore[no-any-return]


def pool_moments(
    model: keras.Model, layers: Sequence[keras.layers.Layer], moments_of: Callable[[Any], Moments], batches: Iterable[Any]
) -> BatchNormStatistics:
    """Pool E[x] and E[x²] over batches by their size, in float64, and write mean and variance into `layers`.

    Averaging the batches' variances, or a cumulative momentum of i/(i+1), would miss the variance of their means.
    """
    if not layers:
        return read_statistics(model)
    first = [np.zeros(layer.moving_mean.shape) for layer in layers]
    second = [np.zeros(layer.moving_mean.shape) for layer in layers]
    images_seen = 0
    for images in batches:
        size = int(images.shape[0])
        images_seen += size
        for index, (mean, variance) in enumerate(moments_of(images)):
            batch_mean = np.asarray(mean, dtype=np.float64)
            first[index] += size * batch_mean
            second[index] += size * (np.asarray(variance, dtype=np.float64) + batch_mean**2)
    if not images_seen:
        raise ValueError("precise BatchNorm statistics need at least one batch of images, got none")
    means = {id(layer): total / images_seen for layer, total in zip(layers, first, strict=True)}
    squares = {id(layer): total / images_seen for layer, total in zip(layers, second, strict=True)}
    now = read_statistics(model)
    every = batchnorm_layers(model)
    statistics = BatchNormStatistics(
        tuple(means.get(id(layer), mean) for layer, mean in zip(every, now.means, strict=True)),
        tuple(
            np.maximum(squares[id(layer)] - means[id(layer)] ** 2, 0.0) if id(layer) in means else variance
            for layer, variance in zip(every, now.variances, strict=True)
        ),
    )
    write_statistics(model, statistics)
    return statistics
