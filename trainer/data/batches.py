"""`tf.data` pipelines: one training epoch, and evaluation.

Everything random is drawn beforehand in NumPy (order, partners, augmentation parameters); the pipeline only gathers and applies, so what it
yields does not depend on threads or batches. Batches are float32 in [0, 255], NHWC (per_image_max alone: in [0, 1]); targets are always
one-hot float32 ``(b, num_classes)``, because mixing policies make them soft. Scaling for the backbone is part of the model.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.augmentation import Draws, Policy, policy_from
from trainer.data.class_weights import class_weights
from trainer.data.order import appearances, epoch_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt
    import tensorflow as tf

    from trainer.config import TrainConfig
    from trainer.data.images import ImageData, ImageSet

KEPT_PIPELINES = 16
"""Traced pipelines kept for one image set: one per policy and kind of batch."""

_PIPELINES: weakref.WeakKeyDictionary[ImageSet, OrderedDict[tuple[Any, ...], Callable[..., Any]]] = weakref.WeakKeyDictionary()
"""Weak, and the functions hold no pixels: TensorFlow never forgets a function it calls back, and images would never be freed."""
_LOCK = threading.Lock()


def training_epoch(data: ImageData, config: TrainConfig, epoch: int) -> tf.data.Dataset:
    """One epoch of training: ``(images, targets, weights)`` batches.

    Each image occurs once, in an order drawn from (seed, epoch), unless `data.sampling` or ``imbalance: resample`` say otherwise; the last
    batch holds what is left. An image's augmentation is drawn from (seed, epoch, image). Every epoch has the same element
    specification, so that a step traced for one serves all.

    Args:
        data: from `load_data`.
        config: augmentation, sampling, imbalance, preprocessing (only ``per_image_max`` is done here), batch size, seed.
        epoch: counted from 1.

    Returns:
        Batches of images ``(b, height, width, channels)`` float32, one-hot targets ``(b, num_classes)`` float32 and loss weights ``(b,)`` float32.
    """
    plan = plan_epoch(data, config, epoch)
    policy = policy_from(config.data.augmentation)
    return _batched(plan.elements, data.train, policy, config, config.training.batch_size)


def evaluation_batches(images: ImageSet, config: TrainConfig, batch_size: int | None = None) -> tf.data.Dataset:
    """Every image once, in fixed order, unvaried: batches as in `training_epoch`, all weights 1, the last one partial.

    The data set may be made once and iterated again every epoch.

    Args:
        images: the part to evaluate on, or a `validation_window` of it.
        config: ``per_image_max`` and the batch size.
        batch_size: images per batch; default the training's.
    """
    return _batched({"row": np.arange(len(images))}, images, policy_from("none"), config, batch_size or config.training.batch_size)


@dataclass(frozen=True, eq=False)
class EpochPlan:
    """All that is random in an epoch.

    Attributes:
        rows: ``(k,)``, training images in order.
        elements: what the pipeline needs, one row per image: ``row``, ``weight``, ``partner_row`` and ``partner_weight`` where images are
            mixed, and the policy's parameters.
    """

    rows: npt.NDArray[np.int64]
    elements: Mapping[str, npt.NDArray[Any]]


def plan_epoch(data: ImageData, config: TrainConfig, epoch: int) -> EpochPlan:
    """Draw order, partners and augmentation of an epoch; no TensorFlow."""
    labels = data.train.labels
    rows = epoch_rows(labels, config.data, config.training.batch_size, config.seed, epoch)
    draws = Draws.of_epoch(config.seed, epoch, rows + len(labels) * appearances(rows))
    policy = policy_from(config.data.augmentation)
    elements = {"row": rows, **policy.draw(draws, data.image_shape)}
    weights = (
        class_weights(labels, data.num_classes)[labels] if config.data.imbalance == "class_weight" else np.ones(len(labels), np.float32)
    )
    if policy.mixes:
        partners = draws.integers("partner", len(labels))
        elements["partner_row"] = partners
        share = elements["share"]
        elements["weight"] = share * weights[rows] + (1 - share) * weights[partners]
    else:
        elements["weight"] = weights[rows]
    return EpochPlan(rows, elements)


def _batched(
    elements: Mapping[str, npt.NDArray[Any]], images: ImageSet, policy: Policy, config: TrainConfig, batch_size: int
) -> tf.data.Dataset:
    """The elements in batches, each turned into images by a kept pipeline."""
    import tensorflow as tf

    with tf.device("CPU:0"):
        dataset = tf.data.Dataset.from_tensor_slices(dict(elements))
    # a static batch dimension where every batch is full lets XLA and kept traces see one shape
    whole = len(elements["row"]) % batch_size == 0
    steps = _pipeline(images, policy, config.data.preprocessing == "per_image_max", batch_size if whole else None)
    options = tf.data.Options()
    options.deterministic = True
    batches = (
        dataset.batch(batch_size, drop_remainder=whole)
        .map(steps, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .prefetch(tf.data.AUTOTUNE)
        .with_options(options)
    )
    vars(batches)["steadysweep_images"] = images  # the pipeline itself refers to them weakly
    return batches


def _pipeline(images: ImageSet, policy: Policy, by_own_maximum: bool, batch_size: int | None) -> Callable[..., Any]:  # noqa: FBT001
    """The traced function from a batch of plan elements to a batch of images; kept, because tracing takes longer than a small epoch."""
    key = (repr(policy), by_own_maximum, batch_size)
    with _LOCK:
        kept = _PIPELINES.setdefault(images, OrderedDict())
        if key not in kept:
            kept[key] = _trace(images, policy, by_own_maximum)
            if len(kept) > KEPT_PIPELINES:
                kept.popitem(last=False)
        kept.move_to_end(key)
        return kept[key]


def _trace(images: ImageSet, policy: Policy, by_own_maximum: bool) -> Callable[..., Any]:  # noqa: FBT001
    import tensorflow as tf

    apply = policy.applier()
    reference, num_classes = weakref.ref(images), images.width_of_targets
    shape, kind = images.images.shape[1:], images.images.dtype
    with tf.device("CPU:0"):
        labels = tf.constant(images.labels)

    def read(rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        alive = reference()
        if alive is None:
            raise RuntimeError("the images of this data set are gone; keep the data set that training_epoch returned while iterating")
        return np.ascontiguousarray(alive.images[rows])

    def gather(rows: Any) -> Any:  # noqa: ANN401 - TensorFlow tensors
        found = tf.numpy_function(read, [rows], kind, stateful=False)
        return tf.cast(tf.ensure_shape(found, (rows.shape[0], *shape)), tf.float32)

    def targets_of(rows: Any) -> Any:  # noqa: ANN401 - TensorFlow tensors
        return tf.one_hot(tf.gather(labels, rows), num_classes)

    def steps(elements: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        drawn = dict(elements)
        rows = drawn.pop("row")
        batch, targets = gather(rows), targets_of(rows)
        if policy.mixes:
            partners = drawn.pop("partner_row")
            drawn["partner"] = gather(partners)
            share = drawn["share"][:, None]
            targets = share * targets + (1 - share) * targets_of(partners)
        weights = drawn.pop("weight", None)
        batch = apply(batch, drawn)
        if drawn:
            batch = tf.clip_by_value(batch, 0.0, 255.0)
        if by_own_maximum:
            batch = tf.math.divide_no_nan(batch, tf.reduce_max(batch, axis=(1, 2, 3), keepdims=True))
        return batch, targets, tf.ones_like(rows, tf.float32) if weights is None else weights

    traced: Callable[..., Any] = tf.autograph.experimental.do_not_convert(tf.function(steps, autograph=False))
    return traced
