"""`spiking`: a mostly steady curve with isolated deep drops that recover."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.flags.diverging import find_diverging
from reports.flags.flag import Flag
from reports.flags.medians import median, padded, running_median
from reports.flags.oscillating import measure
from reports.flags.sampling_noise import sampling_noise
from reports.flags.severity import grade

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
OVER_THIRD_OSCILLATING = 3.0
"""The same on a curve that oscillates as well."""
SETTLED_SHARE = 1 / 3
"""Drops in this first share of a run belong to its start."""
MOST = 2
"""Drops that are rare whatever the length; beyond, one epoch in `RARE`."""
RARE = 20
NEIGHBOURS = 3
"""Epochs either side that a drop is compared with, and within which it recovers."""
SHORTEST = 6


def find_spiking(run: RunCurves) -> Flag | None:
    """Flag isolated deep drops after the start of a run."""
    curve = run.validation
    if curve.size < SHORTEST:
        return None
    depth = _depths(curve)
    usual = median(np.abs(depth))
    noise = sampling_noise(run) or 0.0
    start = max(2, int(SETTLED_SHARE * curve.size))
    deep = depth >= max(DEPTH, OVER_USUAL * usual, OVER_NOISE * noise)
    deep[:start] = False
    found = np.flatnonzero(deep)
    if not 1 <= found.size <= max(MOST, curve.size // RARE):
        return None
    deepest = float(depth[found].max())
    third = float(np.sort(depth[start:])[-3]) if curve.size - start > MOST else 0.0
    if deepest < OVER_THIRD * third or find_diverging(run) is not None:
        return None
    swings = measure(run)
    if swings is not None and swings.flagged and deepest < OVER_THIRD_OSCILLATING * third:
        return None
    epochs = tuple(int(run.epochs[i]) for i in found)
    return Flag(
        "spiking",
        grade(deepest, medium=2 * DEPTH, high=6 * DEPTH),
        {
            "drops": int(found.size),
            "depth": deepest,
            "usual": usual,
            "noise": noise or None,
            "epochs": (epochs[0], epochs[-1]),
            "at": epochs,
        },
        "Clip gradients (gradient_clip) or lower the learning rate; keep the exported checkpoint away from these epochs.",
        f"{found.size} isolated drop{'s' if found.size > 1 else ''} of up to {deepest:.3f} at epoch {', '.join(map(str, epochs[:5]))}, recovered",
    )


def _depths(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each epoch lies below both its past and its future, ``(num_epochs,)``; 0 at the ends.

    Past and future are medians of up to `NEIGHBOURS` epochs, so that a rise or a fall is no drop, and a drop of two epochs still is.
    """
    windows = running_median(padded(curve, NEIGHBOURS), NEIGHBOURS)
    depth = np.minimum(windows[: curve.size], windows[NEIGHBOURS + 1 :]) - curve
    depth[[0, -1]] = 0.0
    return depth
