"""Cross-entropy on logits, one loss for each kind of output."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

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

    Args:
        logits: ``(n, classes)``.
        targets: ``(n, classes)``, each row sums to 1.
        smoothing: share of the target given to both sides alike, in [0, 1).

    Returns:
        ``(n,)``, in nats.

    Source: what ``loss="binary_crossentropy"`` computes on a softmax in Keras, its clipping at 1e-7 included. On two outputs it equals the
    categorical cross-entropy; on more, each wrong class's share is pushed down as if the outputs did not add up to 1.
    """
    smoothed = targets * (1.0 - smoothing) + smoothing / 2.0
    share = tf.clip_by_value(tf.nn.softmax(logits), CLIPPED, 1.0 - CLIPPED)
    return tf.reduce_mean(-smoothed * tf.math.log(share) - (1.0 - smoothed) * tf.math.log(1.0 - share), axis=-1)


def correct_images(logits: Any, targets: Any) -> Any:  # noqa: ANN401 - tensors
    """How many images' likeliest class is their target's largest, a scalar."""
    told = tf.cast(logits[:, 0] > 0, tf.int64) if logits.shape[-1] == 1 else tf.argmax(logits, axis=-1)
    return tf.reduce_sum(tf.cast(tf.equal(told, tf.argmax(targets, axis=-1)), tf.float32))
