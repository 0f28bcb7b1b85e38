"""Batches: one training epoch, and evaluation.

Everything random is drawn beforehand in NumPy (order, partners, augmentation parameters); `trainer.data.pipelines` only gathers and
applies, so what it yields does not depend on threads or batches. Batches are float32 in [0, 255], NHWC (per_image_max alone: in [0, 1]); targets are always
one-hot float32 ``(b, num_classes)``, because mixing policies make them soft. Scaling for the backbone is part of the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.augmentation import Draws, Policy, policy_from
from trainer.data.order import appearances, epoch_rows
from trainer.data.pipelines import Form, batches_of
from trainer.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import tensorflow as tf

    from trainer.config import DataConfig, TrainConfig
    from trainer.data.images import ImageData, ImageSet, Labels


LARGEST_WEIGHT = 10.0
"""Of a class. It costs up to 1.2 points where a class has three images, nothing from ten on (``python benchmarks/small_classes.py``); weights of 33 halved a stable accuracy."""


def class_weights(labels: Labels, num_classes: int) -> npt.NDArray[np.float32]:
    """Weight of each class, ``(num_classes,)``: n / (classes that occur x images of the class), at most `LARGEST_WEIGHT`.

    Below that limit weights average 1 over the images. A class without images has weight 0. Source: scikit-learn's ``class_weight="balanced"``
    (King, Zeng 2001), without the limit.
    """
    counts = np.bincount(labels, minlength=num_classes)
    occurring = (counts > 0).sum()
    weights: npt.NDArray[np.float64] = np.divide(len(labels), occurring * counts, out=np.zeros(num_classes), where=counts > 0)
    return np.minimum(weights, LARGEST_WEIGHT).astype(np.float32)


def check_class_weights(config: DataConfig, class_names: Sequence[str]) -> None:
    """Refuse weights of classes that the data does not have, or that leave nothing to learn from.

    Raises:
        ConfigError: says which.
    """
    for name in config.class_weights:
        if name not in class_names:
            known = ", ".join(class_names[:10]) + (", ..." if len(class_names) > 10 else "")  # noqa: PLR2004 - a line's worth
            raise ConfigError(f"data.class_weights: the data has no class {name!r}{nearest(name, class_names)}; its classes: {known}")
    if all(config.class_weights.get(name) == 0 for name in class_names):
        raise ConfigError("data.class_weights: every class has the weight 0, so that nothing can be learnt; give at least one class more")


def training_epoch(data: ImageData, config: TrainConfig, epoch: int) -> tf.data.Dataset:
    """One epoch of training: ``(images, targets, weights)`` batches.

    Each image occurs once, in an order drawn from (stream, epoch), unless `data.sampling` or ``imbalance: resample`` say otherwise; the last
    batch holds what is left. An image's augmentation is drawn from (stream, epoch, image). Every epoch has the same element
    specification, so that a step traced for one serves all.

    Returns:
        Batches of images ``(b, height, width, channels)`` float32, one-hot targets ``(b, num_classes)`` float32 and loss weights ``(b,)`` float32.
    """
    labels = data.train.labels
    rows, loss_weights = rows_and_weights(labels, data.class_names, config, epoch)
    policy = policy_from(config.data.augmentation)
    elements = _planned(data, config, policy, rows, rows + len(labels) * appearances(rows), epoch)
    elements["weight"] = loss_weights
    if policy.mixes:
        share, weights = elements["share"], _weights_of(labels, data.class_names, config)
        elements["weight"] = share * weights[rows] + (1 - share) * weights[elements["partner_row"]]
    return _batched(elements, data.train, policy, config, config.training.batch_size)


def seen_in_epoch(data: ImageData, config: TrainConfig, rows: npt.NDArray[np.int64], epoch: int) -> npt.NDArray[np.float32]:
    """Some training images as `training_epoch` first shows them in an epoch, mixed with others where the policy mixes.

    Args:
        data: of the training.
        config: of the training.
        rows: ``(k,)`` of the training images.
        epoch: counted from 1.

    Returns:
        ``(k, height, width, channels)``, in [0, 255] (per_image_max: in [0, 1]).
    """
    policy = policy_from(config.data.augmentation)
    elements = _planned(data, config, policy, rows, rows, epoch) | {"weight": np.ones(len(rows), np.float32)}
    shown: npt.NDArray[np.float32] = np.concatenate(
        [images.numpy() for images, _, _ in _batched(elements, data.train, policy, config, len(rows))]
    )
    return shown


def _planned(
    data: ImageData, config: TrainConfig, policy: Policy, rows: npt.NDArray[np.int64], tickets: npt.NDArray[np.int64], epoch: int
) -> dict[str, npt.NDArray[Any]]:
    """What becomes of images in an epoch: their rows, the policy's parameters, and the images that they are mixed with; all ``(k, ...)``."""
    draws = Draws.of_epoch(config.stream, epoch, tickets)
    elements: dict[str, npt.NDArray[Any]] = {"row": rows, **policy.draw(draws, data.image_shape)}
    if policy.mixes:
        elements["partner_row"] = draws.integers("partner", len(data.train.labels))
    return elements


def rows_and_weights(
    labels: Labels, class_names: Sequence[str], config: TrainConfig, epoch: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Rows of the training images of an epoch in their order, and the weight of each in the loss; both ``(k,)``."""
    rows = epoch_rows(labels, config.data, config.training.batch_size, config.stream, epoch)
    return rows, _weights_of(labels, class_names, config)[rows]


def _weights_of(labels: Labels, class_names: Sequence[str], config: TrainConfig) -> npt.NDArray[np.float32]:
    """Weight of each training image in the loss, ``(n,)``."""
    own = np.array([config.data.class_weights.get(name, 1.0) for name in class_names], np.float32)
    weights = own * class_weights(labels, len(class_names)) if config.data.imbalance == "class_weight" else own
    return weights[labels]


def varied_batches(data: ImageData, config: TrainConfig, epoch: int, batch_size: int) -> tf.data.Dataset:
    """Every training image once, in the order of the images, varied as `training_epoch` varies it in this epoch where each image occurs once."""
    count = len(data.train)
    policy = policy_from(config.data.augmentation)
    drawn = policy.draw(Draws.of_epoch(config.stream, epoch, np.arange(count)), data.image_shape)
    elements: dict[str, npt.NDArray[Any]] = {"row": np.arange(count), "weight": np.ones(count, np.float32), **drawn}
    return _batched(elements, data.train, policy, config, batch_size)


def evaluation_batches(images: ImageSet, config: TrainConfig, batch_size: int | None = None) -> tf.data.Dataset:
    """Every image once, in fixed order, unvaried: batches as in `training_epoch`, all weights 1, the last one partial.

    The data set may be made once and iterated again every epoch. `batch_size` is the training's unless given.
    """
    elements: dict[str, npt.NDArray[Any]] = {"row": np.arange(len(images)), "weight": np.ones(len(images), np.float32)}
    return _batched(elements, images, policy_from("none"), config, batch_size or config.training.batch_size)


def _batched(
    elements: Mapping[str, npt.NDArray[Any]], images: ImageSet, policy: Policy, config: TrainConfig, batch_size: int
) -> tf.data.Dataset:
    # a static batch dimension where every batch is full lets XLA and kept traces see one shape
    whole = len(elements["row"]) % batch_size == 0
    return batches_of(elements, images, Form(policy, config.data.preprocessing == "per_image_max", batch_size, whole))
