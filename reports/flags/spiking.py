"""`spiking`: a mostly steady curve with isolated deep drops that recover."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.flags.flag import Flag
from reports.flags.sampling_noise import sampling_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reports.flags.run_curves import RunCurves

DEPTH = 0.04
"""Smallest drop, in accuracy, that is deep."""
OVER_USUAL = 4.0
"""A drop stands out by so many usual (median) deviations from the neighbourhood."""
OVER_NOISE = 2.5
"""A drop is deeper than so many standard deviations of sampling noise."""
RARE_SHARE = 0.15
"""At most this share of epochs, or two, are isolated drops; more is oscillation."""
NEIGHBOURS = 3
"""Epochs either side that a drop is compared with, and within which it recovers."""
SHORTEST = 6


def find_spiking(run: RunCurves) -> Flag | None:
    """Flag isolated deep drops after the first quarter of a run."""
    curve = run.validation
    if curve.size < SHORTEST:
        return None
    around = _neighbourhood(curve)
    depth = around - curve
    usual = float(np.median(np.abs(depth)))
    noise = sampling_noise(run) or 0.0
    deep = depth >= max(DEPTH, OVER_USUAL * usual, OVER_NOISE * noise)
    deep[: max(2, curve.size // 4)] = False
    recovered = np.array([curve[i + 1 : i + 1 + NEIGHBOURS].max(initial=-np.inf) >= curve[i] + depth[i] / 2.0 for i in range(curve.size)])
    found = np.flatnonzero(deep & recovered)
    if not 1 <= found.size <= max(2, RARE_SHARE * curve.size):
        return None
    deepest = float(depth[found].max())
    epochs = tuple(int(run.epochs[i]) for i in found)
    return Flag(
        "spiking",
        "medium" if deepest >= 2 * DEPTH else "low",
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


def _neighbourhood(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of up to `NEIGHBOURS` epochs either side of each epoch, the epoch itself left out, ``(num_epochs,)``."""
    padded = np.pad(curve, NEIGHBOURS, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURS + 1)
    return np.nanmedian(np.delete(windows, NEIGHBOURS, axis=1), axis=1)
