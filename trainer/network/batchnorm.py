"""BatchNorm: layers that normalise by what they are asked to, their momentum, and their moving statistics.

Statistics can be read, written and recomputed exactly over a set of images ("precise BN"); the weights stay as they are. `MovingSets` holds those of further
momenta for one training.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from trainer.errors import ConfigError
from trainer.network.parts import all_layers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class BatchPass:
    """How a forward pass, while it is traced, treats some BatchNorm layers.

    Attributes:
        layers: ids of the layers that normalise by their batch, whatever `training` and `trainable` say, and leave their moving statistics alone.
        moments: where these layers put their batch's mean and variance, by id, when asked to.
    """

    layers: frozenset[int]
    moments: dict[int, tuple[Any, Any]] | None = None


_CURRENT: ContextVar[BatchPass | None] = ContextVar("batchnorm_pass", default=None)


@contextlib.contextmanager
def by_batch(layers: Iterable[keras.layers.Layer], moments: dict[int, tuple[Any, Any]] | None = None) -> Iterator[None]:
    """Trace calls in which `layers` normalise by their batch; their moments are collected into `moments` if given."""
    token = _CURRENT.set(BatchPass(frozenset(id(layer) for layer in layers), moments))
    try:
        yield
    finally:
        _CURRENT.reset(token)


class SwitchedBatchNorm(keras.layers.BatchNormalization):  # type: ignore[misc]
    """`keras.layers.BatchNormalization` that obeys `by_batch`.

    Existing layers become one by changing their class, which finds layers that no cloning would reach; `trainer.network.weights` changes it back.
    ``momentum`` is then a variable (Keras bakes a float into the trace), which is no weight of the layer.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:  # noqa: ANN401, FBT001 - Keras's signature
        """Normalise by the batch inside `by_batch`, else as Keras does."""
        current = _CURRENT.get()
        if current is None or id(self) not in current.layers:
            return super().call(inputs, training=training, mask=mask)
        x = keras.ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        on_one_of_several = tf.distribute.has_strategy() and tf.distribute.get_replica_context() is not None  # devices that share a batch
        mean, variance = keras.ops.moments(x, axes=self._reduction_axes, synchronized=self.synchronized and on_one_of_several)
        if current.moments is not None:
            current.moments[id(self)] = (mean, variance)
        outputs = keras.ops.batch_normalization(x, mean, variance, self.axis, self.beta, self.gamma, self.epsilon)
        return keras.ops.cast(outputs, self.compute_dtype)

    def _moments(self, inputs: Any, mask: Any) -> tuple[Any, Any]:  # noqa: ANN401 - tensors
        """The batch's mean and variance, which Keras asks for only where it updates the moving statistics; inside `carrying` the further sets learn them too."""
        mean, variance = super()._moments(inputs, mask)
        sets = _CARRIED.get()
        if sets is not None:
            sets.update(self, mean, variance)
        return mean, variance


class MovingSets:
    """State: moving statistics of further momenta for the same layers, updated in the step that updates the layers' own.

    Momentum shapes the moving statistics and nothing else: trainings that differ in it alone have the same weights, and one training can hold a set for each.

    Attributes:
        layers: the layers that are ever trained; those of all others are the same for every momentum.
        count: sets besides the layers' own.
    """

    def __init__(self, layers: Sequence[keras.layers.BatchNormalization], count: int) -> None:
        self.layers = tuple(layers) if count else ()
        self.count = count
        self._place = {id(layer): index for index, layer in enumerate(self.layers)}
        shapes = [(count, *layer.moving_mean.shape) for layer in self.layers]
        self._means = [tf.Variable(tf.zeros(shape), trainable=False) for shape in shapes]
        self._variances = [tf.Variable(tf.zeros(shape), trainable=False) for shape in shapes]
        self._momenta = [tf.Variable(tf.zeros((count, 1)), trainable=False) for _ in shapes]
        self._exchange: Any = None

    def start(self, momenta: Sequence[Mapping[int, float]]) -> None:
        """Begin with the layers' own statistics in every set; `momenta` gives each set's, by the layer's id."""
        for layer, mean, variance, factors in zip(self.layers, self._means, self._variances, self._momenta, strict=True):
            factors.assign([[each[id(layer)]] for each in momenta])
            mean.assign(tf.repeat(layer.moving_mean.value[None], self.count, axis=0))
            variance.assign(tf.repeat(layer.moving_variance.value[None], self.count, axis=0))

    def update(self, layer: keras.layers.BatchNormalization, mean: Any, variance: Any) -> None:  # noqa: ANN401 - tensors
        """Move a layer's sets towards a batch's moments, each by its momentum, with Keras's arithmetic; part of the traced step."""
        index = self._place.get(id(layer))
        if index is None:
            return
        momentum = self._momenta[index]
        for stack, moment in ((self._means[index], mean), (self._variances[index], variance)):
            stack.assign(stack * momentum + tf.cast(moment, tf.float32) * (1.0 - momentum))

    def exchange(self, index: int) -> None:
        """Exchange a set with the layers' own statistics; calling it again restores both."""
        if not self.layers:
            return
        if self._exchange is None:
            self._exchange = tf.function(self._exchanged, input_signature=[tf.TensorSpec((), tf.int32)], autograph=False)
        self._exchange(tf.constant(index))

    def _exchanged(self, index: Any) -> None:  # noqa: ANN401 - a tensor
        for layer, means, variances in zip(self.layers, self._means, self._variances, strict=True):
            for own, stack in ((layer.moving_mean, means), (layer.moving_variance, variances)):
                kept, rows = tf.identity(own.value), tf.identity(stack)
                own.assign(rows[index])
                stack.assign(tf.tensor_scatter_nd_update(rows, [[index]], kept[None]))

    def values(self) -> NDArray[np.float32]:
        """Every set, a row each: means and variances of the layers in order, shape ``(count, 2 x channels of all layers)``."""
        parts = [part.numpy() for pair in zip(self._means, self._variances, strict=True) for part in pair]
        return np.concatenate([np.zeros((self.count, 0), np.float32), *parts], axis=1)

    def assign(self, rows: NDArray[np.floating]) -> None:
        """Take back what `values` gave."""
        start = 0
        for pair in zip(self._means, self._variances, strict=True):
            for stack in pair:
                channels = int(stack.shape[1])
                stack.assign(rows[:, start : start + channels].astype(np.float32))
                start += channels


_CARRIED: ContextVar[MovingSets | None] = ContextVar("batchnorm_sets", default=None)


@contextlib.contextmanager
def carrying(sets: MovingSets) -> Iterator[None]:
    """Trace calls in which `sets` learn what the layers' own moving statistics do."""
    token = _CARRIED.set(sets if sets.layers else None)
    try:
        yield
    finally:
        _CARRIED.reset(token)


def can_carry(layer: keras.layers.BatchNormalization) -> bool:
    """Whether `MovingSets` can hold further moving statistics of a layer: it updates them as Keras's plain one does."""
    return type(layer) is SwitchedBatchNorm and not getattr(layer, "renorm", False)


def batchnorm_layers(model: keras.layers.Layer) -> list[keras.layers.BatchNormalization]:
    """Every BatchNorm layer at any depth, in building order."""
    return [layer for layer in all_layers(model) if isinstance(layer, keras.layers.BatchNormalization)]


NAMED_LAYERS = 3
"""That a message names."""


def looking_at_batches(layers: Iterable[keras.layers.Layer], by_batch: Iterable[keras.layers.Layer]) -> list[str]:
    """Layers that make of micro-batches another training, as their trainable flags stand, each as ``NAME (Class)``.

    Args:
        layers: all of a network.
        by_batch: frozen BatchNorm layers that normalise by the batch all the same.
    """
    frozen = {id(layer) for layer in by_batch}
    looking = {keras.layers.BatchNormalization: "BatchNormalization", keras.layers.SpectralNormalization: "SpectralNormalization"}
    return [
        f"{layer.name} ({name})"
        for layer in layers
        for kind, name in looking.items()
        if isinstance(layer, kind) and (layer.trainable or id(layer) in frozen)
    ]


def why_not_in_parts(names: Sequence[str]) -> str:
    """What is wrong with micro-batches where these layers look at their batch."""
    shown = ", ".join(names[:NAMED_LAYERS]) + (f" and {len(names) - NAMED_LAYERS} more" if len(names) > NAMED_LAYERS else "")
    layers, take = ("layers", "take") if len(names) > 1 else ("layer", "takes")
    return f"{layers} {shown} {take} statistics from each batch while training; those of smaller batches are others, and so is the training"


ANOTHER_TRAINING_REMEDY = (
    "Leave accumulate out and give a smaller training.batch_size, with a learning rate to match; or freeze these layers (model.frozen_layers), "
    "or take a backbone and a head without BatchNorm"
)


def refuse_parts(accumulate: int, names: Sequence[str]) -> None:
    """Refuse micro-batches that would be another training.

    Raises:
        ConfigError: `names` are layers that look at their batch.
    """
    if accumulate > 1 and names:
        raise ConfigError(f"training.accumulate: {accumulate}: {why_not_in_parts(names)}. {ANOTHER_TRAINING_REMEDY}.")


def make_switchable(layer: keras.layers.BatchNormalization) -> float:
    """Turn a layer, in place, into a `SwitchedBatchNorm` with its momentum in a variable; do so before it is traced.

    A subclass with its own ``call`` keeps its class: its momentum becomes a variable all the same, but it always normalises as its author wrote.

    Returns:
        Its momentum as built, a fraction in [0, 1).
    """
    if isinstance(layer.momentum, tf.Variable):
        return float(layer.momentum)
    momentum = float(layer.momentum)
    if type(layer) is keras.layers.BatchNormalization:
        object.__setattr__(layer, "__class__", SwitchedBatchNorm)
    # Past Keras's tracking: the momentum is no weight of the layer.
    object.__setattr__(layer, "momentum", tf.Variable(momentum, dtype=tf.float32, trainable=False, name="momentum"))
    return momentum


def set_momentum(layers: Sequence[keras.layers.BatchNormalization], momenta: Sequence[float]) -> None:
    """Use these momenta from the next step on; layers made switchable are not traced again, others must not have been traced yet."""
    for layer, momentum in zip(layers, momenta, strict=True):
        if isinstance(layer.momentum, tf.Variable):
            layer.momentum.assign(momentum)
        else:
            layer.momentum = float(momentum)


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
        moments: dict[int, tuple[Any, Any]] = {}
        with by_batch(layers, moments):
            model(images, training=False)
        return [moments[id(layer)] for layer in layers]

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
    for layer, total, squares in zip(layers, first, second, strict=True):
        layer.moving_mean.assign(total / images_seen)
        layer.moving_variance.assign(np.maximum(squares / images_seen - (total / images_seen) ** 2, 0.0))
    return read_statistics(model)
