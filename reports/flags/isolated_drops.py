"""Isolated deep drops of a curve: what makes it spiking, and what is set aside before it is called oscillating."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from reports.flags.medians import median, padded, running_median
from reports.flags.sampling_noise import sampling_noise

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
class IsolatedDrops:
    """Rare epochs far below both their past and their future.

    Attributes:
        at: their indices among the present epochs, ``(num_drops,)``.
        depth: how far each epoch of the run lies below past and future, ``(num_epochs,)``.
        usual: median absolute depth.
        third: third largest depth after the start, the largest that is not among the two rarest.
    """

    at: NDArray[np.int64]
    depth: NDArray[np.float64]
    usual: float
    third: float

    @property
    def deepest(self) -> float:
        """Depth of the deepest drop."""
        return float(self.depth[self.at].max())


@lru_cache(maxsize=2)
def isolated_drops(run: RunCurves) -> IsolatedDrops | None:
    """Find the isolated deep drops of a run's validation accuracy; None where there are none, or so many that they are not isolated."""
    curve = run.validation
    if curve.size < SHORTEST:
        return None
    depth = _depths(curve)
    usual = median(np.abs(depth))
    start = max(2, int(SETTLED_SHARE * curve.size))
    deep = depth >= max(DEPTH, OVER_USUAL * usual, OVER_NOISE * (sampling_noise(run) or 0.0))
    deep[:start] = False
    at = np.flatnonzero(deep)
    if not 1 <= at.size <= max(MOST, curve.size // RARE):
        return None
    third = float(np.sort(depth[start:])[-3]) if curve.size - start > MOST else 0.0
    drops = IsolatedDrops(at, depth, usual, third)
    return drops if drops.deepest >= OVER_THIRD * third else None


def _depths(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each epoch lies below both its past and its future, ``(num_epochs,)``; 0 at the ends.

    Past and future are medians of up to `NEIGHBOURS` epochs, so that a rise or a fall is no drop, and a drop of two epochs still is.
    """
    windows = running_median(padded(curve, NEIGHBOURS), NEIGHBOURS)
    depth = np.minimum(windows[: curve.size], windows[NEIGHBOURS + 1 :]) - curve
    depth[[0, -1]] = 0.0
    return depth
