"""A truth without readers: what a curve does after the flags have spoken.

Every curve is cut at 60 % of its epochs. The flags see the first part; the rest says whether they were right to warn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reports.flags.chance import binomial_noise
from reports.flags.oscillating import beyond_noise
from reports.flags.run_curves import median, running_median, smallest_fitting_size
from reports.flags.swings import to_and_fro

if TYPE_CHECKING:
    from collections.abc import Mapping

CUT = 0.6
FIXED_SET = 0.56
"""Share of binomial noise by which steady curves on a fixed set move; part of the truth, and so not chosen with the rules."""
SWINGS = 0.0125
DECLINES = 0.03
RISES = 0.01
FUTURES = {"oscillating": "swings", "diverging": "declines", "unfinished": "keeps rising"}
"""Flag to what it warns of."""


def cut_at(curve: Mapping[str, Any]) -> int:
    """Epochs that the flags see."""
    return round(CUT * len(curve["val_accuracy"]))


def futures(curve: Mapping[str, Any]) -> dict[str, bool]:
    """What the rest of a curve does.

    Returns:
        ``swings``: it moves to and fro by 1.25 points from one stop to the next, beyond what its images explain. ``declines``: its last
        third lies 3 points or more below the level that the first part had (the best median of a quarter of its epochs), and beyond three standard
        deviations of an epoch. ``keeps rising``: its last third lies a point or more above the best of such medians, or above the first
        part's last median where that is higher.
    """
    values = np.array(curve["val_accuracy"], dtype=np.float64)
    return outcome(values[: cut_at(curve)], values[cut_at(curve) :], curve["num_val"])


def persistence(curve: Mapping[str, Any]) -> dict[str, bool]:
    """The simplest forecast: the first part's own last 40 % against what came before, by the same measures."""
    values = np.array(curve["val_accuracy"], dtype=np.float64)[: cut_at(curve)]
    stop = round(CUT * values.size)
    return outcome(values[:stop], values[stop:], curve["num_val"])


def outcome(seen: np.ndarray, rest: np.ndarray, num_val: int | None) -> dict[str, bool]:
    """What `rest` does after `seen`, each at least two epochs."""
    size = num_val or smallest_fitting_size(np.concatenate([seen, rest]).tolist())[0]
    noise = binomial_noise(min(max(float(rest.mean()), 0.0), 1.0), size) if size else 0.0
    medians = running_median(seen, min(seen.size, max(3, seen.size // 4)))
    end = median(rest[-max(2, rest.size // 3) :])
    return {
        "swings": beyond_noise(to_and_fro(rest), FIXED_SET * noise) >= SWINGS,
        "declines": float(medians.max()) - end >= max(DECLINES, 3.0 * FIXED_SET * noise),
        "keeps rising": end - float(max(medians.max(), np.median(seen[-3:]))) >= max(RISES, FIXED_SET * noise),
    }
