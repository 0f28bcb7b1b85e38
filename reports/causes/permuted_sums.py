"""Sums of permuted values over segments, drawn without permuting what does not count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

FEW = 300
"""Values up to which permuting them all is faster than drawing how many fall where."""
CHUNK = 2_000_000
"""Values permuted at once, to bound memory."""


def permuted_sums(segments: NDArray[np.int64], values: Array, number: int, rng: np.random.Generator) -> Array:
    """Sums over neighbouring segments of randomly permuted values, ``(number, num_segments)``.

    Most values of a flag's shares are 0, or all others are 1. How many of the values that differ from the commonest fall into each segment
    is multivariate hypergeometric, whatever the number of configurations; only where they also differ among themselves is it drawn which
    of them lies where. The distribution is that of permuting all values.

    Args:
        segments: how many values each segment holds, ``(num_segments,)``, summing to the number of values.
        values: ``(num_values,)``.
        number: permutations.
        rng: their randomness.
    """
    if values.size <= FEW:
        common, others, falls = 0.0, values, np.broadcast_to(segments, (number, segments.size))
    else:
        distinct, counts = np.unique(values, return_counts=True)
        common = float(distinct[counts.argmax()])
        others = values[values != common] - common
        falls = rng.multivariate_hypergeometric(segments, others.size, size=number, method="marginals")
    base = common * segments
    if others.size == 0 or float(np.ptp(others)) == 0.0:
        return base + falls * (float(others[0]) if others.size else 0.0)
    ends = np.cumsum(falls, axis=1)
    rows = max(1, CHUNK // others.size)
    sums = np.empty(ends.shape)
    for start in range(0, number, rows):
        part = ends[start : start + rows]
        total = np.zeros((part.shape[0], others.size + 1))
        np.cumsum(rng.permuted(np.broadcast_to(others, (part.shape[0], others.size)), axis=1), axis=1, out=total[:, 1:])
        sums[start : start + rows] = np.take_along_axis(total, part, axis=1)
    return base + np.diff(sums, axis=1, prepend=0.0)
