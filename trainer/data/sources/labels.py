"""From labels of any kind (names, numbers, one-hot rows) to indices and class names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from trainer.data.images import Labels

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


def _text(value: object, where: str) -> str:
    if value is None or value != value or value == "":  # noqa: PLR0124 - NaN, as pandas marks a missing cell
        raise DataError(f"{where}: an image has no label; give it one or remove its row")
    return value.decode() if isinstance(value, bytes) else str(value)
