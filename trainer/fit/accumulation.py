"""A batch in parts: gradients of its micro-batches are added up and make one step, the step of the whole batch (``training.accumulate``).

Keras' own `gradient_accumulation_steps` averages the gradients of so many batches alike, a short last one included, goes on over the end of an epoch and hands
each batch to the optimiser, whose count of calls then differs from the steps of the schedule. Here the parts are inside the step: loss, gradients and hits are
sums over the batch's images, divided by their number, before anything is clipped, decayed, applied, averaged or counted. What differs is the order of additions,
and the masks of dropout, which each part draws for itself.

Where images of a batch are looked at together (BatchNorm while it trains), parts are another training, and `trainer.network.batchnorm.refuse_parts` says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from trainer.errors import TrainingMemoryError
from trainer.network.batchnorm import ANOTHER_TRAINING_REMEDY, why_not_in_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Part = "Callable[[Any, Any, Any, Any, Callable[[Any], Any], Any], tuple[list[Any], Any, Any]]"
"""``(images, targets, weights, counted, mean, share)`` to gradients, loss and hits; `counted` is 0 for rows that only fill up, `share` the part's of what is
added once a step."""


def total_of_parts(
    part: Any,  # noqa: ANN401 - a `Part`
    images: Any,  # noqa: ANN401 - tensors
    targets: Any,  # noqa: ANN401
    weights: Any,  # noqa: ANN401
    mean: Callable[[Any], Any],
    size: int,
    like: Sequence[Any],
) -> tuple[list[Any], Any, Any]:
    """Gradients, loss and hits of a batch, computed so many images at a time, one part after the other.

    All parts have one shape, as XLA needs it: the last one is filled up with copies of the last image, whose weight is 0.

    Args:
        part: computes one; see `Part`.
        images: shape ``(n, ...)``, n ≥ 1.
        targets: shape ``(n, classes)``.
        weights: shape ``(n,)``.
        mean: of values of some of the batch's images over all of them: their sum, divided by the size of the whole batch.
        size: images of a part, ≥ 1.
        like: variables that the gradients belong to.
    """
    there = tf.shape(images)[0]
    count = (there + size - 1) // size
    rows = tf.range(count * size)
    counted = tf.cast(rows < there, weights.dtype)
    rows = tf.minimum(rows, there - 1)

    def cut(values: Any) -> Any:  # noqa: ANN401 - a tensor
        return tf.reshape(values, tf.concat([[count, size], tf.shape(values)[1:]], 0))

    stacks = [cut(tf.gather(each, rows)) for each in (images, targets)]
    stacks += [cut(tf.gather(weights, rows) * counted), cut(counted)]
    shapes = [each.shape[1:] for each in (images, targets, weights, counted)]

    def add(index: Any, gradients: list[Any], loss: Any, hits: Any) -> tuple[Any, ...]:  # noqa: ANN401 - tensors
        rows_of = [tf.ensure_shape(stack[index], (size, *shape)) for stack, shape in zip(stacks, shapes, strict=True)]
        own, own_loss, own_hits = part(*rows_of, mean, 1.0 / tf.cast(count, tf.float32))
        added = [total + tf.convert_to_tensor(gradient) for total, gradient in zip(gradients, own, strict=True)]
        return index + 1, added, loss + own_loss, hits + own_hits

    zeros = [tf.zeros(variable.shape, variable.dtype) for variable in like]
    start = (tf.constant(0), zeros, tf.constant(0.0), tf.constant(0.0))
    # one at a time: parts that run beside each other need the memory of the whole batch
    _, gradients, loss, hits = tf.while_loop(lambda index, *_: index < count, add, start, parallel_iterations=1)
    return list(gradients), loss, hits


def part_size(batch_size: int, accumulate: int, devices: int) -> int | None:
    """Images that a device computes at a time; None: all of its share at once."""
    return None if accumulate == 1 else -(-batch_size // (accumulate * devices))


def next_accumulate(batch_size: int, accumulate: int) -> int | None:
    """How many micro-batches to try after so many ran out of memory: the smallest number that divides the batch and at least doubles; None: they hold one image."""
    return next((parts for parts in range(2 * accumulate, batch_size + 1) if batch_size % parts == 0), None)


def out_of_memory(error: Exception, batch_size: int, accumulate: int, looking: Sequence[str]) -> TrainingMemoryError:
    """What to say, and to try, after a training ran out of memory.

    Args:
        error: TensorFlow's.
        batch_size: of the training.
        accumulate: micro-batches of the training that ran out of memory.
        looking: layers that make of micro-batches another training (`trainer.network.batchnorm.looking_at_batches`).
    """
    size, following = batch_size // accumulate, next_accumulate(batch_size, accumulate)
    what = f"out of memory with {size} images at a time" if size > 1 else "out of memory with one image at a time"
    if following is None:
        remedy = "use a smaller backbone or data.image_size, more frozen layers (model.frozen_layers), or training.mixed_precision"
        return TrainingMemoryError(f"{what}: {remedy} ({_first_line(error)})")
    if looking:
        remedy = f"micro-batches would be another training: {why_not_in_parts(looking)}. {ANOTHER_TRAINING_REMEDY}"
        return TrainingMemoryError(f"{what}, and {remedy} ({_first_line(error)})")
    return TrainingMemoryError(
        f"{what}; the same training fits in less memory with training.accumulate: {following} ({_first_line(error)})", following
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
