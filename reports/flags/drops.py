"""Isolated deep drops of a curve: what makes it spiking, and what is set aside before it is called oscillating."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from reports.flags.chance import sampling_noise
from reports.flags.run_curves import median, padded, running_median

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reports.flags.run_curves import RunCurves

DEPTH = 0.05
"""Smallest drop, in accuracy, that is deep."""
OVER_USUAL = 4.0
"""A drop stands out by so many usual (median) deviations from the neighbourhood."""
OVER_NOISE = 1.5
"""A drop exceeds so many standard deviations of sampling noise; being deep and rare besides, it need not be tested alone."""
OVER_THIRD = 1.6
"""The deepest drop exceeds the third deepest by this factor: isolated, not the largest of many."""
SETTLED_SHARE = 1 / 3
"""Drops in this first share of a run belong to its start."""
MOST = 2
"""Drops that are rare whatever the length; beyond, one epoch in `RARE`."""
RARE = 20
NEIGHBOURS = 3
"""Epochs either side that a drop is compared with, and within which it recovers."""
SHORTEST = 6


@dataclass(frozen=True)
class Drops:
    """How far the epochs of a run lie below both their past and their future.

    Attributes:
        depth: of each epoch, accuracy, ``(num_epochs,)``; 0 at the ends.
        start: first epoch (index) that does not belong to the run's start.
        isolated: indices of rare deep drops after the start, ``(num_drops,)``; empty where there are none or too many to be isolated.
        third: third largest depth after the start, the largest that is not among the two rarest.
    """

    depth: NDArray[np.float64]
    start: int
    isolated: NDArray[np.int64]
    third: float

    @property
    def deepest(self) -> float:
        """Largest depth after the start."""
        return float(self.depth[self.start :].max())


@lru_cache(maxsize=4)
def find_drops(run: RunCurves) -> Drops | None:
    """Measure the drops of a run's validation accuracy; None for one that is too short."""
    curve = run.validation
    if curve.size < SHORTEST:
        return None
    depth = _depths(curve)
    start = max(2, int(SETTLED_SHARE * curve.size))
    usual = median(np.abs(depth))
    deep = depth >= max(DEPTH, OVER_USUAL * usual, OVER_NOISE * (sampling_noise(run) or 0.0))
    deep[:start] = False
    at = np.flatnonzero(deep)
    third = float(np.sort(depth[start:])[-3]) if curve.size - start > MOST else 0.0
    rare = 1 <= at.size <= max(MOST, curve.size // RARE) and float(depth[at].max()) >= OVER_THIRD * third
    return Drops(depth, start, at if rare else at[:0], third)


def _depths(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each epoch lies below both its past and its future, ``(num_epochs,)``; 0 at the ends.

    Past and future are medians of up to `NEIGHBOURS` epochs, so that a rise or a fall is no drop, and a drop of two epochs still is.
    """
    windows = running_median(padded(curve, NEIGHBOURS), NEIGHBOURS)
    depth = np.minimum(windows[: curve.size], windows[NEIGHBOURS + 1 :]) - curve
    depth[[0, -1]] = 0.0
    return depth
