"""Images in NumPy arrays: an ``.npz`` file, or what a person's own ``package.module:function`` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from trainer.data.images import PARTS, ImageData, Part
from trainer.data.sources.collected import Collected, index_labels
from trainer.errors import DataError
from trainer.user_code import call_function

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt


IMAGE_KEYS = ("x", "images", "X")
LABEL_KEYS = ("y", "labels", "Y")
PART_KEYS: Mapping[Part, tuple[str, ...]] = {"train": ("train",), "validation": ("validation", "val", "valid"), "test": ("test",)}


def collect_npz(path: Path) -> Collected:
    """Read ``x``/``images`` and ``y``/``labels``, or ``x_train``, ``y_train``, ``x_val``, ..., from an ``.npz`` file.

    An array ``class_names`` names the classes 0, 1, ...; ``groups`` (for unsplit files) keeps groups together.

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
        groups = tuple(str(group) for group in arrays["groups"]) if "groups" in arrays else None
        return from_arrays(*whole, where=str(path), class_names=names, groups=groups)
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
    if class_names is None:
        return Collected(images, *index_labels(labels, where), groups=groups)
    indices, label_names = index_labels(labels, where)
    try:
        numbers = np.asarray([int(name) for name in label_names], np.int32)[indices]
    except ValueError:
        known = {name: index for index, name in enumerate(class_names)}
        strangers = [name for name in label_names if name not in known]
        if strangers:
            raise DataError(f"{where}: label {strangers[0]!r} is not among the class names {', '.join(class_names)}") from None
        numbers = np.asarray([known[name] for name in label_names], np.int32)[indices]
    if numbers.min() < 0 or numbers.max() >= len(class_names):
        raise DataError(f"{where}: {len(class_names)} class names, but labels run from {numbers.min()} to {numbers.max()}") from None
    return Collected(images, numbers, class_names, groups=groups)


def from_parts(
    parts: Mapping[Part, tuple[npt.NDArray[Any], npt.NDArray[Any]]], *, where: str, class_names: tuple[str, ...] | None = None
) -> Collected:
    """Join parts that come as separate arrays; the split is kept as given."""
    shapes = {np.asarray(images).shape[1:] for images, _ in parts.values()}
    if len(shapes) > 1:
        raise DataError(f"{where}: the parts' images differ in shape: {', '.join(str(shape) for shape in sorted(shapes))}")
    images = np.concatenate([np.asarray(pair[0]) for pair in parts.values()])
    labels = np.concatenate([_column(pair[1]) for pair in parts.values()])
    joined = from_arrays(images, labels, where=where, class_names=class_names)
    given = tuple(part for part, pair in parts.items() for _ in range(len(pair[0])))
    return Collected(joined.content, joined.labels, joined.class_names, given)


def _column(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    labels = np.asarray(labels)
    return labels[:, 0] if labels.ndim == len(("n", "one")) and labels.shape[1] == 1 else labels


def _pair(arrays: Mapping[str, npt.NDArray[Any]], suffix: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]] | None:
    images = next((arrays[key + suffix] for key in IMAGE_KEYS if key + suffix in arrays), None)
    labels = next((arrays[key + suffix] for key in LABEL_KEYS if key + suffix in arrays), None)
    return None if images is None or labels is None else (images, labels)


PAIR = 2


def collect_function(name: str) -> Collected:
    """Call the function, without arguments.

    It returns ``(images, labels)``, which are split as `data.split` says, or an `ImageData`, whose parts are kept.

    Raises:
        UserCodeError: it cannot be imported, or raises an error.
        DataError: it returns something else.
    """
    result = call_function(name, "data.source")
    if isinstance(result, ImageData):
        parts = {part: (images.images, images.labels) for part, images in result.parts()}
        return from_parts(parts, where=name, class_names=result.class_names)  # type: ignore[arg-type]  # part names are the literals
    if isinstance(result, tuple) and len(result) == PAIR:
        return from_arrays(np.asarray(result[0]), np.asarray(result[1]), where=name)
    raise DataError(f"data.source: {name} returned {type(result).__name__}; expected (images, labels) or trainer.data.ImageData")
