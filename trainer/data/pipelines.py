"""From an epoch's plan to a `tf.data` data set, by functions that are traced once.

Tracing takes longer than a small epoch, and so does starting an iterator that calls back functions. Therefore what TensorFlow traces here knows no
data and no epoch: both are its arguments, one trace serves every epoch of every training on images of one shape, and the images of a small epoch
are made in one call, before its iterator starts.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt
    import tensorflow as tf

    from trainer.augmentation import Policy
    from trainer.data.images import ImageSet

SMALL_EPOCH_BYTES = 2**23
"""Of float32 pixels, up to which an epoch is made in one call. Some hundred photographs of 64 pixels or all of scikit-learn's digits."""
KEPT_PIPELINES = 64
PREFETCHED = 4
"""Batches of a streamed epoch that are made ahead of their use."""

_KEPT: OrderedDict[tuple[Any, ...], Pipeline] = OrderedDict()
_LOCK = threading.Lock()

_NUMBERS: weakref.WeakKeyDictionary[ImageSet, int] = weakref.WeakKeyDictionary()
_IMAGE_SETS: weakref.WeakValueDictionary[int, ImageSet] = weakref.WeakValueDictionary()
"""Weak, and pipelines know image sets by number only: TensorFlow never forgets a function it calls back, and pixels would never be freed."""
_NEXT_NUMBER = itertools.count()


@dataclass(frozen=True)
class Form:
    """What a pipeline does to images.

    Attributes:
        policy: augmentation.
        by_own_maximum: whether each image is divided by its largest pixel.
        batch_size: images per batch.
        whole: whether every batch is full; batches then have a static first dimension.
    """

    policy: Policy
    by_own_maximum: bool
    batch_size: int
    whole: bool


@dataclass(frozen=True)
class Pipeline:
    """A traced function and the element specification of the data sets that it makes."""

    make: Callable[..., Any]
    specification: Any


def batches_of(elements: Mapping[str, npt.NDArray[Any]], images: ImageSet, form: Form) -> tf.data.Dataset:
    """Batches ``(images, targets, weights)`` of the planned elements, in their order.

    Args:
        elements: one row per image: ``row``, ``weight``, ``partner_row`` where images are mixed, and the policy's parameters.
        images: whose rows these are. The data set keeps them alive.
        form: what is done to them.
    """
    import tensorflow as tf

    rows = {name: elements[name] for name in ("row", "partner_row") if name in elements}
    given = {name: value for name, value in elements.items() if name not in rows}
    given |= {name.replace("row", "label"): images.labels[chosen] for name, chosen in rows.items()}
    float32_bytes = 4 * len(elements["row"]) * int(np.prod(images.images.shape[1:]))
    if form.policy.at_once and float32_bytes <= SMALL_EPOCH_BYTES:
        given |= {name.replace("row", "image"): np.ascontiguousarray(images.images[chosen]) for name, chosen in rows.items()}
        trace = _trace_at_once
    else:
        given |= rows
        given["number"] = np.full(len(elements["row"]), _number_of(images))
        trace = _trace_streamed
    with tf.device("CPU:0"):
        pipeline = _kept(trace, given, images, form)
        batches = tf.data.experimental.from_variant(pipeline.make(given), pipeline.specification)
    vars(batches)["steadysweep_images"] = images  # the pipeline itself refers to them weakly
    return batches


def _number_of(images: ImageSet) -> int:
    with _LOCK:
        if images not in _NUMBERS:
            _NUMBERS[images] = next(_NEXT_NUMBER)
            _IMAGE_SETS[_NUMBERS[images]] = images
        return _NUMBERS[images]


def _kept(trace: Callable[..., Pipeline], given: Mapping[str, npt.NDArray[Any]], images: ImageSet, form: Form) -> Pipeline:
    shape, kind = images.images.shape[1:], images.images.dtype
    signature = tuple(sorted((name, value.shape[1:], str(value.dtype)) for name, value in given.items()))
    # the policy by its text: the arguments of a list of layers cannot be hashed
    key = (repr(form), shape, str(kind), images.width_of_targets, signature)
    with _LOCK:
        if key not in _KEPT:
            _KEPT[key] = trace(_specification(given), shape, kind, images.width_of_targets, form)
            if len(_KEPT) > KEPT_PIPELINES:
                _KEPT.popitem(last=False)
        _KEPT.move_to_end(key)
        return _KEPT[key]


def _specification(given: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    import tensorflow as tf

    return {name: tf.TensorSpec((None, *value.shape[1:]), value.dtype) for name, value in given.items()}


def _trace_at_once(signature: dict[str, Any], shape: tuple[int, ...], kind: Any, num_classes: int, form: Form) -> Pipeline:  # noqa: ANN401, ARG001
    """All images of the epoch in one go, then cut into batches. TensorFlow optimises this graph, so that policies avoid what it would round anew."""
    import tensorflow as tf

    apply = _applied(form, num_classes)

    def batches(given: Mapping[str, Any]) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices(apply(given)).batch(form.batch_size, drop_remainder=form.whole)

    return _traced(batches, signature)


def _trace_streamed(signature: dict[str, Any], shape: tuple[int, ...], kind: Any, num_classes: int, form: Form) -> Pipeline:  # noqa: ANN401
    """Batch after batch, several at a time, ahead of their use."""
    import tensorflow as tf

    apply = _applied(form, num_classes)

    def read(rows: npt.NDArray[np.int64], number: np.int64) -> npt.NDArray[Any]:
        alive = _IMAGE_SETS.get(int(number))
        if alive is None:
            raise RuntimeError("the images of this data set are gone; keep the data set that training_epoch returned while iterating")
        return np.ascontiguousarray(alive.images[rows])

    def gathered(elements: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        given = dict(elements)
        number = given.pop("number")[0]
        for name in ("row", "partner_row"):
            if name in given:
                rows = given.pop(name)
                pixels = tf.numpy_function(read, [rows, number], kind, stateful=False)
                given[name.replace("row", "image")] = tf.ensure_shape(pixels, (rows.shape[0], *shape))
        return apply(given)

    def batches(given: Mapping[str, Any]) -> tf.data.Dataset:
        return (
            tf.data.Dataset.from_tensor_slices(given)
            .batch(form.batch_size, drop_remainder=form.whole)
            .map(tf.autograph.experimental.do_not_convert(gathered), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .prefetch(PREFETCHED)
        )

    return _traced(batches, signature)


def _traced(batches: Callable[[Mapping[str, Any]], tf.data.Dataset], signature: dict[str, Any]) -> Pipeline:
    import tensorflow as tf

    specifications: list[Any] = []

    def make(given: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a TensorFlow tensor
        options = tf.data.Options()
        options.deterministic = True
        # rewriting the graph of a data set is done anew for each iterator, takes longer than a small epoch and gains nothing here
        options.experimental_optimization.apply_default_optimizations = False
        # the autotuner's thread sleeps twice as long each time, up to a minute, and an iterator that ends may have to wait until it wakes:
        # epochs of 1.4 s took 1.4 or 2.55 s by chance (TensorFlow 2.21)
        options.autotune.enabled = False
        with tf.device("CPU:0"):
            dataset = batches(given).with_options(options)
            specifications.append(dataset.element_spec)
            return tf.data.experimental.to_variant(dataset)

    traced = tf.function(make, input_signature=[signature], autograph=False)
    traced.get_concrete_function()
    return Pipeline(traced, specifications[-1])


def _applied(form: Form, num_classes: int) -> Callable[[Mapping[str, Any]], tuple[Any, Any, Any]]:
    """The function from raw images, labels, weights and drawn parameters to float32 images, targets and weights."""
    import tensorflow as tf

    policy = form.policy
    vary = policy.applier()

    def apply(given: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        drawn = dict(given)
        batch = tf.cast(drawn.pop("image"), tf.float32)
        targets, weights = tf.one_hot(drawn.pop("label"), num_classes), drawn.pop("weight")
        if policy.mixes:
            drawn["partner"] = tf.cast(drawn.pop("partner_image"), tf.float32)
            share = drawn["share"][:, None]
            targets = share * targets + (1 - share) * tf.one_hot(drawn.pop("partner_label"), num_classes)
        batch = vary(batch, drawn)
        if drawn:
            batch = tf.clip_by_value(batch, 0.0, 255.0)
        if form.by_own_maximum:
            batch = tf.math.divide_no_nan(batch, tf.reduce_max(batch, axis=(1, 2, 3), keepdims=True))
        return batch, targets, weights

    return apply
