"""What a source finds, before anything is decoded, resized or split; labels of any kind (names, numbers, one-hot rows) as indices and class names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from trainer.data.images import Labels, Part
    from trainer.data.packed import Packed


@dataclass(frozen=True, eq=False)
class Collected:
    """Images of a source in a fixed order.

    Attributes:
        content: files to decode (or images in files of many), or an array ``(n, height, width[, channels])`` of any numeric type.
        labels: ``(n,)`` int32, index into `class_names`.
        class_names: in label order.
        parts: part of each image, length n, where the source gives a split.
        groups: group of each image, length n (one patient, one scene): a group is never divided between parts.
        taken: of images that were taken from others, their `source_rows` there.
    """

    content: tuple[Path | Packed, ...] | npt.NDArray[Any]
    labels: Labels
    class_names: tuple[str, ...]
    parts: tuple[Part, ...] | None = None
    groups: tuple[str, ...] | None = None
    taken: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def source_rows(self) -> npt.NDArray[np.int64]:
        """Where each image stands in the source, ``(n,)``, counted from 0; where the source gives parts, in its part."""
        if self.taken is not None:
            return self.taken
        rows = np.arange(len(self))
        for part in set(self.parts or ()):
            of_part = np.asarray(self.parts) == part
            rows[of_part] = np.arange(of_part.sum())
        return rows

    def take(self, rows: npt.NDArray[Any]) -> Collected:
        """The images at `rows` ``(k,)``, in that order."""
        content = tuple(self.content[row] for row in rows) if isinstance(self.content, tuple) else self.content[rows]
        parts = None if self.parts is None else tuple(self.parts[row] for row in rows)
        groups = None if self.groups is None else tuple(self.groups[row] for row in rows)
        return Collected(content, self.labels[rows], self.class_names, parts, groups, self.source_rows[rows])


_PARTS: dict[str, Part] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def parse_part(value: str) -> Part | None:
    """The part that a folder or a manifest cell names (``train``/``training``, ``val``/``valid``/``validation``/``dev``, ``test``/``testing``), or None."""
    return _PARTS.get(value.strip().lower())


MATRIX = 2


def index_labels(raw: npt.NDArray[Any] | Sequence[Any], where: str) -> tuple[Labels, tuple[str, ...]]:
    """Number the classes: numeric labels in numeric order, names in alphabetical order.

    Args:
        raw: ``(n,)`` or ``(n, 1)`` numbers or strings, or ``(n, num_classes)`` one-hot rows.
        where: named in errors, e.g. ``labels.npz: y_train``.

    Returns:
        Labels ``(n,)`` and the class names.

    Raises:
        DataError: labels are missing, fractional or of another shape.
    """
    values = np.asarray(raw)
    if values.ndim == MATRIX and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == MATRIX:
        if not (np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all()):
            raise DataError(f"{where}: expected one label an image or one-hot rows, got an array of shape {values.shape}")
        return values.argmax(axis=1).astype(np.int32), tuple(str(index) for index in range(values.shape[1]))
    if values.ndim != 1:
        raise DataError(f"{where}: expected labels of shape (n,), got {values.shape}")
    if values.dtype.kind == "f":
        if not np.isfinite(values).all() or (values != np.round(values)).any():
            raise DataError(
                f"{where}: labels must be class names or whole numbers, got fractions or NaN; this trainer classifies, it does not regress"
            )
        values = values.astype(np.int64)
    if values.dtype.kind in "biu":
        known, labels = np.unique(values.astype(np.int64), return_inverse=True)
    else:
        known, labels = np.unique(np.asarray([_text(value, where) for value in values]), return_inverse=True)
    return labels.astype(np.int32), tuple(str(name) for name in known)


def named_labels(raw: npt.NDArray[Any] | Sequence[Any], class_names: tuple[str, ...] | None, where: str) -> tuple[Labels, tuple[str, ...]]:
    """Labels by the names of their classes: whole numbers count them from 0, names are found among them.

    Args:
        raw: as for `index_labels`.
        class_names: in the order of the numbers; None: as `index_labels` has them.
        where: named in errors.

    Raises:
        DataError: as `index_labels`, or a label is none of the classes.
    """
    indices, label_names = index_labels(raw, where)
    if class_names is None:
        return indices, label_names
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
    return numbers, class_names


def _text(value: object, where: str) -> str:
    if value is None or value != value or value == "":  # noqa: PLR0124 - NaN, as pandas marks a missing cell
        raise DataError(f"{where}: an image has no label; give it one or remove its row")
    return value.decode() if isinstance(value, bytes) else str(value)
