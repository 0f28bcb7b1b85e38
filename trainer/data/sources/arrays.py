"""Images in NumPy arrays, whole or in parts: those of an ``.npz`` file, and what other sources have as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from trainer.data.images import PARTS, Part
from trainer.data.sources.collected import Collected, named_labels
from trainer.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt


PAIR = 2
GROUPS = "groups"
IMAGE_KEYS = ("x", "images", "X")
LABEL_KEYS = ("y", "labels", "Y")
PART_KEYS: Mapping[Part, tuple[str, ...]] = {"train": ("train",), "validation": ("validation", "val", "valid"), "test": ("test",)}


def collect_npz(path: Path, groups: str | None = None) -> Collected:
    """Read ``x``/``images`` and ``y``/``labels``, or ``x_train``, ``y_train``, ``x_val``, ..., from an ``.npz`` file.

    An array ``class_names`` names the classes 0, 1, ...; ``groups`` (for unsplit files; or the array that `groups` names, which must be there) keeps groups together.

    Raises:
        DataError: the file cannot be read, or lacks images or labels.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
    except (OSError, ValueError, BadZipFile) as error:
        raise DataError(
            f"{path}: not a readable .npz file of plain arrays ({error}); write it with numpy.savez(path, x=images, y=labels)"
        ) from error
    names = tuple(str(name) for name in arrays["class_names"]) if "class_names" in arrays else None
    whole = _pair(arrays, "")
    if whole is not None:
        if groups is not None and groups not in arrays:
            raise DataError(
                f"data.split.groups: {path} has no array {groups!r}{nearest(groups, arrays)}; it has {', '.join(sorted(arrays))}"
            )
        members = tuple(str(group) for group in arrays[groups or GROUPS]) if (groups or GROUPS) in arrays else None
        return from_arrays(*whole, where=str(path), class_names=names, groups=members)
    parts = {part: pair for part in PARTS for suffix in PART_KEYS[part] if (pair := _pair(arrays, f"_{suffix}")) is not None}
    if "train" not in parts:
        raise DataError(
            f"{path}: expected arrays x and y (or images and labels), or x_train and y_train; got {', '.join(sorted(arrays)) or 'none'}"
        )
    return from_parts(parts, where=str(path), class_names=names)


def from_arrays(
    images: npt.NDArray[Any],
    labels: npt.NDArray[Any],
    *,
    where: str,
    class_names: tuple[str, ...] | None = None,
    groups: tuple[str, ...] | None = None,
) -> Collected:
    """Images ``(n, height, width[, channels])`` with labels ``(n,)``; `class_names` name the labels 0, 1, ... where given."""
    images, labels = np.asarray(images), np.asarray(labels)
    if len(images) != len(labels):
        raise DataError(f"{where}: {len(images)} images but {len(labels)} labels; one label an image is needed")
    if not len(images):
        raise DataError(f"{where}: no images")
    if groups is not None and len(groups) != len(labels):
        raise DataError(f"{where}: {len(labels)} images but {len(groups)} groups")
    return Collected(images, *named_labels(labels, class_names, where), groups=groups)


def from_parts(
    parts: Mapping[Part, tuple[npt.NDArray[Any], npt.NDArray[Any]]], *, where: str, class_names: tuple[str, ...] | None = None
) -> Collected:
    """Join parts that come as separate arrays; the split is kept as given."""
    shapes = {np.asarray(images).shape[1:] for images, _ in parts.values()}
    if len(shapes) > 1:
        raise DataError(f"{where}: the parts' images differ in shape: {', '.join(str(shape) for shape in sorted(shapes))}")
    images = np.concatenate([np.asarray(pair[0]) for pair in parts.values()])
    columns = [np.asarray(pair[1]) for pair in parts.values()]
    labels = np.concatenate([each[:, 0] if each.ndim == PAIR and each.shape[1] == 1 else each for each in columns])
    joined = from_arrays(images, labels, where=where, class_names=class_names)
    given = tuple(part for part, pair in parts.items() for _ in range(len(pair[0])))
    return Collected(joined.content, joined.labels, joined.class_names, given)


def _pair(arrays: Mapping[str, npt.NDArray[Any]], suffix: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]] | None:
    images = next((arrays[key + suffix] for key in IMAGE_KEYS if key + suffix in arrays), None)
    labels = next((arrays[key + suffix] for key in LABEL_KEYS if key + suffix in arrays), None)
    return None if images is None or labels is None else (images, labels)
