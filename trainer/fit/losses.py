"""Which loss a training minimises: the cross-entropy of its output, Keras' focal one, or a person's own function."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from trainer.errors import UserCodeError
from trainer.fit.step import binary_on_softmax, loss_per_image
from trainer.user_code import call_function, import_function

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trainer.config import TrainConfig

Loss = "Callable[[Any, Any, Any], Any]"
"""``(logits, targets, smoothing)`` to the loss of each image, as `trainer.fit.step.loss_per_image`."""
KEY = "training.loss"


def loss_of(config: TrainConfig, units: int) -> Callable[[Any, Any, Any], Any]:
    """The loss of a training whose network has so many output units."""
    name, options = config.training.loss, config.training.loss_options
    if name == "auto":
        return loss_per_image
    if name == "binary_crossentropy":
        return binary_on_softmax if units > 1 else loss_per_image
    if name == "focal":
        return focal(options)
    return own(name, options)


def focal(options: Mapping[str, float]) -> Callable[[Any, Any, Any], Any]:
    """Focal cross-entropy: images that are almost right count less.

    Args:
        options: ``gamma`` and ``alpha`` of Keras' function; ``alpha`` weighs the second class of a sigmoid's single unit only where it is given.

    Source: Lin et al. 2017, "Focal Loss for Dense Object Detection", equations 4 and 5; ``keras.losses.categorical_focal_crossentropy``.
    """
    import keras

    def losses(logits: Any, targets: Any, smoothing: Any) -> Any:  # noqa: ANN401 - tensors
        smoothed = _smoothed(targets, smoothing)
        if logits.shape[-1] == 1:
            balanced = {"apply_class_balancing": "alpha" in options}
            return keras.losses.binary_focal_crossentropy(smoothed[:, 1:], logits, from_logits=True, **balanced, **options)
        return keras.losses.categorical_focal_crossentropy(smoothed, logits, from_logits=True, **options)

    return losses


def own(reference: str, options: Mapping[str, Any]) -> Callable[[Any, Any, Any], Any]:
    """A person's own function of targets and probabilities, both ``(n, classes)``, which returns ``(n,)``.

    Args:
        reference: ``package.module:function``.
        options: further arguments of it, by name.
    """

    def losses(logits: Any, targets: Any, smoothing: Any) -> Any:  # noqa: ANN401 - tensors
        if logits.shape[-1] == 1:
            logits = tf.concat([tf.zeros_like(logits), logits], axis=-1)
        targets = tf.ensure_shape(targets, (None, logits.shape[-1]))  # so that the function can read how many classes there are
        found = call_function(reference, KEY, _smoothed(targets, smoothing), tf.nn.softmax(logits), **options)
        if not tf.is_tensor(found):
            raise UserCodeError(
                f"{KEY}: {reference!r} returned {type(found).__name__}, not a tensor: nothing can be learnt from it. Compute with keras.ops or TensorFlow, not NumPy"
            )
        if found.shape.rank is not None and found.shape.rank != 1:
            raise UserCodeError(
                f"{KEY}: {reference!r} returned a tensor of shape {tuple(found.shape)}; expected one loss for each image, shape (n,): class weights and the last, "
                "partial batch need them. Take the mean over the classes alone (axis=-1)"
            )
        return tf.cast(found, tf.float32)

    return losses


def check_own_loss(config: TrainConfig, num_classes: int) -> None:
    """Try a person's own loss on a few targets and logits.

    Args:
        config: of the training; nothing is checked where the loss is built in.
        num_classes: of the data.

    Raises:
        UserCodeError: it cannot be found or called, does not return one finite loss for each image, or no gradient comes through it.
    """
    reference = config.training.loss
    if ":" not in reference:
        return
    function = import_function(reference, KEY)
    count = 4
    draw = np.random.default_rng(0)
    logits = tf.constant(draw.normal(size=(count, num_classes)), tf.float32)
    targets = tf.constant(np.eye(num_classes)[np.arange(count) % num_classes], tf.float32)
    try:
        inspect.signature(function).bind(targets, logits, **config.training.loss_options)
    except TypeError as error:
        named = ", ".join(["targets", "probabilities", *config.training.loss_options])
        raise UserCodeError(
            f"{KEY}: {reference!r} cannot be called with ({named}): {error}. Expected def {reference.rpartition(':')[2]}({named})"
        ) from None
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = own(reference, config.training.loss_options)(logits, targets, 0.0)
    if tuple(losses.shape) != (count,):
        raise UserCodeError(
            f"{KEY}: {reference!r} returned shape {tuple(losses.shape)} for {count} images; expected one loss for each, shape ({count},)"
        )
    if not np.isfinite(losses.numpy()).all():
        raise UserCodeError(
            f"{KEY}: {reference!r} returned {losses.numpy()[~np.isfinite(losses.numpy())][0]} for ordinary probabilities; expected finite losses"
        )
    _trace(config, num_classes)
    gradient = tape.gradient(losses, logits)
    if gradient is None:
        raise UserCodeError(
            f"{KEY}: no gradient comes through {reference!r}: nothing can be learnt from it. Compute with keras.ops or TensorFlow, not NumPy"
        )


def _trace(config: TrainConfig, num_classes: int) -> None:
    """Compile a person's loss as a training does, for batches of any size."""
    signature = [tf.TensorSpec((None, num_classes), tf.float32), tf.TensorSpec((None, None), tf.float32)]
    losses = own(config.training.loss, config.training.loss_options)
    tf.function(lambda logits, targets: losses(logits, targets, 0.0), input_signature=signature, autograph=False).get_concrete_function()


def _smoothed(targets: Any, smoothing: Any) -> Any:  # noqa: ANN401 - tensors
    """Targets ``(n, classes)`` with the smoothed share given to all classes alike."""
    return targets * (1.0 - smoothing) + smoothing / tf.cast(tf.shape(targets)[-1], tf.float32)
