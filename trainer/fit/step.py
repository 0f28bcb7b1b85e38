"""One optimiser step, as TensorFlow traces it, with its losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from trainer.fit.accumulation import total_of_parts
from trainer.fit.optimizers import DECAYS_FIRST
from trainer.network.batchnorm import by_batch, carrying

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import keras

    from trainer.fit.optimizers import Group
    from trainer.fit.replicas import Replicas
    from trainer.network.batchnorm import MovingSets
    from trainer.network.parts import Split


CLIPPED = 1e-7


def loss_per_image(logits: Any, targets: Any, smoothing: Any) -> Any:  # noqa: ANN401 - tensors
    """Cross-entropy of each image.

    Args:
        logits: ``(n, classes)``, or ``(n, 1)`` for a sigmoid's single unit.
        targets: ``(n, classes)``, each row sums to 1.
        smoothing: share of the target given to all classes alike, in [0, 1).

    Returns:
        ``(n,)``, in nats.
    """
    classes = tf.cast(tf.shape(targets)[-1], tf.float32)
    smoothed = targets * (1.0 - smoothing) + smoothing / classes
    if logits.shape[-1] == 1:
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=smoothed[:, 1], logits=logits[:, 0])
    return tf.nn.softmax_cross_entropy_with_logits(labels=smoothed, logits=logits)


def binary_on_softmax(logits: Any, targets: Any, smoothing: Any) -> Any:  # noqa: ANN401 - tensors
    """Binary cross-entropy of each softmax output against its target, averaged over the outputs: a mistake, kept to reproduce what it does.

    Arguments and result are those of `loss_per_image`; the smoothed share goes to both sides alike.

    Source: what ``loss="binary_crossentropy"`` computes on a softmax in Keras, its clipping at 1e-7 included. On two outputs it equals the
    categorical cross-entropy; on more, each wrong class's share is pushed down as if the outputs did not add up to 1.
    """
    smoothed = targets * (1.0 - smoothing) + smoothing / 2.0
    share = tf.clip_by_value(tf.nn.softmax(logits), CLIPPED, 1.0 - CLIPPED)
    return tf.reduce_mean(-smoothed * tf.math.log(share) - (1.0 - smoothed) * tf.math.log(1.0 - share), axis=-1)


def hits(logits: Any, targets: Any) -> Any:  # noqa: ANN401 - tensors
    """1 for each image whose likeliest class is its target's largest, else 0; shape ``(n,)``."""
    predicted = tf.cast(logits[:, 0] > 0, tf.int64) if logits.shape[-1] == 1 else tf.argmax(logits, axis=-1)
    return tf.cast(tf.equal(predicted, tf.argmax(targets, axis=-1)), tf.float32)


FIRST_LOSS_SCALE = 2.0**15
SCALE_GROWS_AFTER = 2000
EMA_WARMUP = 10.0
KERNEL_RANK = 2


def _variable(value: object, dtype: Any = tf.float32) -> Any:  # noqa: ANN401 - TensorFlow has no types
    return tf.Variable(value, dtype=dtype, trainable=False)


class Knobs:
    """What may change between trainings without tracing again: new variables of the compiled step, scalars unless a shape is given.

    Attributes:
        backbone_factor: of the learning rate.
        weight_decay: per step and unit of learning rate, ≥ 0.
        clip: largest global gradient norm, infinity for none.
        smoothing: of the labels, in [0, 1).
        ema: momentum of the weight average, in (0, 1).
        loss_scale: float16's factor on the loss, and how many steps it has held.
        totals: of the epoch so far: loss x images, correct images, images, summed gradient norms, steps; shape (5,).
        first_bad: number of the first step with a non-finite loss in this epoch, counted from 1; 0 for none.
        averaged: steps that the weight average has seen.
    """

    def __init__(self) -> None:
        self.backbone_factor = _variable(1.0)
        self.weight_decay = _variable(0.0)
        self.clip = _variable(float("inf"))
        self.smoothing = _variable(0.0)
        self.ema = _variable(0.0)
        self.loss_scale = _variable([FIRST_LOSS_SCALE, 0.0])
        self.totals = _variable([0.0] * 5, tf.float64)
        self.first_bad = _variable(0, tf.int64)
        self.averaged = _variable(0.0)


@dataclass(frozen=True)
class StepParts:
    """What a step is made of.

    Attributes:
        split: the network, cut at the frozen boundary.
        precomputed: whether the step is given activations at the cut instead of images.
        groups: weights that are trained now, with their optimisers.
        averages: moving averages of all their weights in order, or empty.
        by_batch: frozen BatchNorm layers that normalise by the batch all the same.
        scaled: whether the loss is scaled (float16).
        loss: ``(logits, targets, smoothing)`` to the loss of each image.
        traced: called once per trace.
        moving: moving statistics of further momenta.
        part: images that are computed at a time (`trainer.fit.accumulation`); None: a batch is computed whole.
    """

    split: Split
    precomputed: bool
    groups: Sequence[Group]
    averages: Sequence[Any]
    by_batch: Sequence[keras.layers.Layer]
    optimizer: str
    scaled: bool
    loss: Callable[[Any, Any, Any], Any]
    traced: Callable[[], None]
    replicas: Replicas
    moving: MovingSets
    part: int | None = None


def make_step(parts: StepParts, knobs: Knobs) -> Callable[[Any, Any, Any, Any], None]:
    """The step ``(images, targets, weights, learning_rate)``: forward, backward, clip, decay, update, average, count."""
    variables = [variable for group in parts.groups for variable in group.variables]

    def compute(images: Any, targets: Any, weights: Any, mean: Callable[[Any], Any]) -> tuple[list[Any], Any, Any]:  # noqa: ANN401 - tensors
        if parts.part is None:
            return compute_part(images, targets, weights, None, mean, 1.0)
        if parts.replicas.count == 1:
            size = tf.shape(images)[0]
            return total_of_parts(
                compute_part, images, targets, weights, lambda each: tf.reduce_sum(each) / tf.cast(size, each.dtype), parts.part, variables
            )
        return total_of_parts(compute_part, images, targets, weights, mean, parts.part, variables)

    def compute_part(
        images: Any,  # noqa: ANN401 - tensors
        targets: Any,  # noqa: ANN401
        weights: Any,  # noqa: ANN401
        counted: Any,  # noqa: ANN401
        mean: Callable[[Any], Any],
        share: Any,  # noqa: ANN401
    ) -> tuple[list[Any], Any, Any]:
        values = [variable.value for variable in variables]
        with by_batch(parts.by_batch), carrying(parts.moving):
            activations = images if parts.precomputed else parts.split.prefix(images)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(values)
                logits = parts.split.rest(activations, training=True)
                loss = mean(weights * parts.loss(logits, targets, knobs.smoothing))
                for variable in variables:
                    if variable.regularizer is not None:
                        loss += tf.cast(variable.regularizer(variable), tf.float32) * share / parts.replicas.count
                target = loss * knobs.loss_scale[0] if parts.scaled else loss
        gradients = tape.gradient(target, values, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        if parts.scaled:
            gradients = [gradient / tf.cast(knobs.loss_scale[0], gradient.dtype) for gradient in gradients]
        right = hits(logits, targets)
        return gradients, loss, tf.reduce_sum(right if counted is None else right * counted)

    def step(images: Any, targets: Any, weights: Any, learning_rate: Any) -> None:  # noqa: ANN401 - tensors
        parts.traced()
        with parts.replicas.scope():
            gradients, loss, correct = parts.replicas.total(compute, images, targets, weights)
            norm = tf.linalg.global_norm(gradients)
            if parts.scaled:
                tf.cond(tf.math.is_finite(norm), lambda: _update(parts, knobs, gradients, norm, learning_rate), lambda: tf.constant(0))
                _adapt_scale(knobs, norm)
                norm = tf.where(tf.math.is_finite(norm), norm, 0.0)
            else:
                _update(parts, knobs, gradients, norm, learning_rate)
            _count(knobs, loss, correct, tf.shape(targets)[0], norm)

    return step


def _update(parts: StepParts, knobs: Knobs, gradients: list[Any], norm: Any, learning_rate: Any) -> tf.Tensor:  # noqa: ANN401 - tensors
    """Clip, decay and apply, group by group; then average."""
    gradients = tf.cond(  # only when needed: scaling every gradient by 1 costs a pass over all weights
        norm > knobs.clip,
        lambda: [gradient * tf.cast(knobs.clip / norm, gradient.dtype) for gradient in gradients],
        lambda: list(gradients),
    )
    gradients = list(gradients) if isinstance(gradients, list | tuple) else [gradients]
    start = 0
    for group in parts.groups:
        own = gradients[start : start + len(group.variables)]
        start += len(group.variables)
        rate = learning_rate * knobs.backbone_factor if group.backbone else learning_rate
        if parts.optimizer in DECAYS_FIRST:
            _decay(group, knobs, rate)
        group.optimizer.learning_rate.assign(rate)
        parts.replicas.apply(group.optimizer, own, group.variables)
        if parts.optimizer not in DECAYS_FIRST:
            _decay(group, knobs, rate)
    if parts.averages:
        _average(parts, knobs)
    return tf.constant(0)


def _decay(group: Group, knobs: Knobs, rate: Any) -> None:  # noqa: ANN401 - a tensor
    """Shrink kernels by rate x weight decay; biases and BatchNorm's scale and shift are left alone.

    Source: Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2 line 12, with the decay times the learning rate as in Keras.
    """
    kernels = [variable.value for variable in group.variables if len(variable.shape) >= KERNEL_RANK]

    def shrink() -> tf.Tensor:
        for kernel in kernels:
            kernel.assign_sub(kernel * tf.cast(rate * knobs.weight_decay, kernel.dtype))
        return tf.constant(0)

    tf.cond(knobs.weight_decay > 0, shrink, lambda: tf.constant(0))


def _average(parts: StepParts, knobs: Knobs) -> None:
    """Move the averages towards the weights; the momentum grows from .18 to its value, or short trainings would average in their initial weights.

    Source: the ``num_updates`` rule of ``tf.train.ExponentialMovingAverage``: min(momentum, (1 + t) / (10 + t)).
    """
    seen = knobs.averaged.assign_add(1.0)
    momentum = tf.minimum(knobs.ema, (1.0 + seen) / (EMA_WARMUP + seen))
    for average, variable in zip(parts.averages, (v for group in parts.groups for v in group.variables), strict=True):
        average.assign_sub((average - variable.value) * tf.cast(1.0 - momentum, average.dtype))


def _adapt_scale(knobs: Knobs, norm: Any) -> None:  # noqa: ANN401 - a tensor
    """Halve float16's loss scale when the gradients overflowed, double it after 2,000 good steps (Micikevicius et al. 2018, section 3.2)."""
    scale, held = knobs.loss_scale[0], knobs.loss_scale[1]
    good = tf.math.is_finite(norm)
    grow = tf.logical_and(good, held + 1.0 >= SCALE_GROWS_AFTER)
    new_scale = tf.where(good, tf.where(grow, scale * 2.0, scale), tf.maximum(scale / 2.0, 1.0))
    new_held = tf.where(tf.logical_and(good, tf.logical_not(grow)), held + 1.0, 0.0)
    knobs.loss_scale.assign(tf.stack([new_scale, new_held]))


def _count(knobs: Knobs, loss: Any, correct: Any, size: Any, norm: Any) -> None:  # noqa: ANN401 - tensors
    images = tf.cast(size, tf.float64)
    one = tf.ones((), tf.float64)
    step = [tf.cast(loss, tf.float64) * images, tf.cast(correct, tf.float64), images, tf.cast(norm, tf.float64), one]
    totals = knobs.totals.assign_add(tf.stack(step))
    new = tf.logical_and(tf.equal(knobs.first_bad, 0), tf.logical_not(tf.math.is_finite(loss)))
    knobs.first_bad.assign(tf.where(new, tf.cast(totals[4], tf.int64), knobs.first_bad))
