"""A closer look at a study's images once it is over, with the recommended model and its augmentation: what the report shows and cannot make itself.

`look_at` runs in the process that makes the leaders' models whole (`sweeps.launch.whole_models`): TensorFlow is there already.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sweeps.image_look import MOST_PAIRS, NAME, ImageLook, Neighbours, to_text
from sweeps.launch.augmentation_preview import policy_in_words, preview
from sweeps.storage_path import trial_folder
from trainer.checkpoints.layout import MODEL
from trainer.config import TrainConfig
from trainer.data import load_data
from trainer.data.cache import cache_folder
from trainer.data.nearest import NEIGHBOURS, contrary_labels, near_duplicate_limit, nearest, small_pixels
from trainer.data.sources import collect
from trainer.data.staging import local_source
from trainer.errors import TrainerInputError
from trainer.fit.ledger import names_below
from trainer.places import open_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from trainer.data import ImageData, ImageSet

MOST_FILES = 20_000
"""Image files that are decoded anew for a look."""
MOST_COMPARED, LONGEST_SECONDS = 20_000, 120.0
"""Training and validation images whose features are computed, and seconds that this may take."""
BATCH = 64
SMALLEST = 1e-12


@dataclass(frozen=True)
class LookOrder:
    """What is to be looked at; plain data, so that it travels to another process.

    Attributes:
        study: its name.
        data: fingerprint of its images.
        configuration: ID of the recommended configuration.
        trial: whose exported model stands for it.
        config: of that training, as plain data, paths absolute.
        missed: identity of the validation images that most configurations miss.
    """

    study: str
    data: str
    configuration: str
    trial: int
    config: Mapping[str, Any]
    missed: Sequence[int] = ()


def look_at(order: LookOrder, root: str) -> None:
    """Look, and leave what was found in the storage_path.

    Args:
        order: what is to be looked at.
        root: the study's storage_path.

    Raises:
        OSError: nothing can be written there.
        TrainerInputError: the address cannot be used.
    """
    look = ImageLook(order.study, order.data, order.configuration, trial=order.trial)
    config = TrainConfig(**order.config)
    policy = policy_in_words(config.data.augmentation)
    try:
        data = _loaded(config)
        look = replace(look, policy=policy, preview=preview(data, config) if policy else b"")
    except Exception as error:  # noqa: BLE001 - data that is gone, code of a person's own, memory: the report says it and does without
        look = replace(look, policy=policy, preview_note=_reason(error) if policy else "", compared_note=_reason(error))
    else:
        look = compared(look, order, data, config, root)
    open_folder(root, "storage_path").write(NAME, to_text(look).encode())


def _reason(error: Exception) -> str:
    """The first line of a message; with the kind of an error that was not made for people."""
    line = next(iter(str(error).strip().splitlines()), "")
    return line if line and isinstance(error, OSError | ValueError | TrainerInputError) else f"{type(error).__name__}: {line}".rstrip(": ")


def _loaded(config: TrainConfig) -> ImageData:
    """The images of a training, where it does not take long to have them.

    Raises:
        ValueError: there are too many files.
        DataError: they cannot be had.
    """
    with local_source(config.data) as source:
        collected = collect(source, cache_folder(config.data.cache_path))
    if isinstance(collected.content, tuple) and len(collected) > MOST_FILES:
        raise ValueError(f"the data has {len(collected):,} image files, and at most {MOST_FILES:,} are decoded for it")
    return load_data(config.data)


def compared(look: ImageLook, order: LookOrder, data: ImageData, config: TrainConfig, root: str) -> ImageLook:
    """Compare validation images with training images by the features of the exported model, or say why that was not done.

    Args:
        look: what was found before.
        order: what is to be looked at.
        data: of the training.
        config: of the training.
        root: the study's storage_path.
    """
    try:
        features = _features(order, data, config, root)
        return with_neighbours(look, order.missed, data, features, config)
    except Exception as error:  # noqa: BLE001 - a model that is gone, layers of a person's own, memory: the report says it and does without
        return replace(look, compared_note=_reason(error))


def _features(order: LookOrder, data: ImageData, config: TrainConfig, root: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features of the training and the validation images, ``(n, width)`` each.

    Raises:
        ValueError: there are too many, or it would take longer than `LONGEST_SECONDS`.
        TrainerInputError: the model cannot be loaded.
        OSError: it cannot be read.
    """
    from trainer.exported_model import feature_model, load_model

    parts = (data.train.images, data.validation.images)
    total, done, began, found = sum(map(len, parts)), 0, 0.0, []
    if total > MOST_COMPARED:
        raise ValueError(f"there are {total:,} of them, and at most {MOST_COMPARED:,} are compared")
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / MODEL
        open_folder(trial_folder(root, order.trial), "storage_path").download(MODEL, path)
        model = feature_model(load_model(path, config.model.backbone))
    for images in parts:
        of_part = []
        for start in range(0, len(images), BATCH):
            batch = np.asarray(images[start : start + BATCH], np.float32)
            if config.data.preprocessing == "per_image_max":
                batch = batch / np.maximum(batch.max(axis=(1, 2, 3), keepdims=True), SMALLEST)
            of_part.append(np.asarray(model(batch, training=False), np.float32))
            if not began:
                began = time.monotonic()  # the first batch also prepares the model
                continue
            done += len(batch)
            if (needed := (time.monotonic() - began) / done * total) > LONGEST_SECONDS:
                raise ValueError(f"it would take {needed:,.0f} s, and {LONGEST_SECONDS:,.0f} s are given to it")
        found.append(np.concatenate(of_part))
    return found[0], found[1]


def with_neighbours(
    look: ImageLook,
    missed: Sequence[int],
    data: ImageData,
    features: tuple[NDArray[np.float32], NDArray[np.float32]],
    config: TrainConfig,
) -> ImageLook:
    """Add what the nearest training images say of the validation images.

    Args:
        look: what was found before.
        missed: identity of the images whose labels are compared with those of their neighbours.
        data: of the training.
        features: of the training and of the validation images, ``(n, width)``.
        config: of the training.
    """
    train, validation = data.train, data.validation
    if train.places is None or validation.places is None or len(train) <= NEIGHBOURS:
        return replace(look, compared_note="there are too few training images")
    found = nearest(features[1], validation.places, features[0], train.places)
    twins = nearest(small_pixels(validation.images), validation.places, small_pixels(train.images), train.places, 1)
    similarity, first = twins.similarity[:, 0], twins.rows[:, 0]
    limit = near_duplicate_limit(similarity)
    twin = np.zeros(len(validation), bool) if limit is None else similarity > limit
    commonest, agreeing = contrary_labels(train.labels[found.rows], validation.labels)
    classes = data.class_names

    def told(row: int, *, label: bool) -> Neighbours:
        return Neighbours(
            place=int(places[row]),
            name=_name(validation, config, row),
            label=classes[validation.labels[row]],
            other=classes[commonest[row]] if label and agreeing[row] else "",
            agreeing=int(agreeing[row]) if label else 0,
            asked=found.rows.shape[1] if label else 0,
            twin=_name(train, config, int(first[row])) if twin[row] else "",
            twin_label=classes[train.labels[first[row]]] if twin[row] else "",
        )

    places = validation.places
    wanted = np.flatnonzero(np.isin(places, np.asarray(missed, np.int64)) & ((agreeing > 0) | twin))
    differing = np.flatnonzero(twin & (train.labels[first] != validation.labels))
    return replace(
        look,
        compared=len(validation),
        limit=limit,
        twins=int(twin.sum()),
        neighbours=tuple(told(int(row), label=True) for row in wanted),
        pairs=tuple(told(int(row), label=False) for row in differing[np.argsort(-similarity[differing], kind="stable")][:MOST_PAIRS]),
        num_pairs=len(differing),
    )


def _name(images: ImageSet, config: TrainConfig, row: int) -> str:
    """What the report calls an image."""
    names = names_below(images, config.data, np.asarray([row]))
    return names[0] if names is not None else f"row {row if images.rows is None else images.rows[row]}"
