"""Long curves with fewer points and every swing."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def kept_epochs(curve: NDArray[np.float32], points: int) -> NDArray[np.intp]:
    """Indices of the epochs that stand for a curve of shape ``(num_epochs,)``.

    Each bucket of epochs keeps its lowest and its highest value, so that no dip and no peak is lost; first and last epoch stay.

    Args:
        curve: values, NaN where missing.
        points: at most so many indices (at least 4).

    Returns:
        Sorted indices, shape ``(min(num_epochs, points),)`` or fewer.
    """
    epochs = len(curve)
    if epochs <= points:
        return np.arange(epochs)
    buckets = (points - 2) // 2
    edges = np.linspace(0, epochs, buckets + 1).astype(np.intp)
    low = np.where(np.isnan(curve), np.inf, curve)
    high = np.where(np.isnan(curve), -np.inf, curve)
    kept = {0, epochs - 1}
    for start, end in itertools.pairwise(edges):
        kept.add(int(start + np.argmin(low[start:end])))
        kept.add(int(start + np.argmax(high[start:end])))
    return np.array(sorted(kept), dtype=np.intp)
