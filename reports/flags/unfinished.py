"""`unfinished`: still improving when training ended."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from reports.flags.flag import Flag
from reports.flags.run_curves import mean

if TYPE_CHECKING:
    from reports.flags.run_curves import RunCurves

GAIN = 0.01
"""Accuracy gained over the last quarter that more epochs would be worth."""
SLOPE_T = 1.0
"""Least ratio of the last quarter's slope to its standard error."""
SHORTEST = 6


def find_unfinished(run: RunCurves) -> Flag | None:
    """Flag a run whose last quarter rises, ends at its best, and lies above what came before."""
    curve = run.validation
    if curve.size < SHORTEST:
        return None
    width = max(4, curve.size // 4)
    tail, before = curve[-width:], curve[-2 * width : -width]
    time = np.arange(width) - (width - 1) / 2.0
    slope = float(time @ tail) / float(time @ time)
    middle = mean(tail)
    rest = tail - middle - slope * time
    error = math.sqrt(float(rest @ rest) / (width - 2) / float(time @ time))
    gain = slope * (width - 1)
    since_best = curve.size - 1 - int(curve.argmax())
    late_best = since_best <= max(1, curve.size // 20)
    above = before.size == 0 or middle - mean(before) >= GAIN / 2.0
    new_ground = float(tail.max()) - float(curve[:-width].max()) >= GAIN / 2.0
    if gain < GAIN or slope < SLOPE_T * error or not late_best or not above or not new_ground:
        return None
    stopped_early = run.planned_epochs is not None and int(run.epochs[-1]) + (run.numbering[0] == 0) < run.planned_epochs
    return Flag(
        "unfinished",
        "medium" if gain >= 3 * GAIN else "low",
        {
            "gain": gain,
            "slope_per_epoch": slope,
            "planned_epochs": run.planned_epochs,
            "epochs": (int(run.epochs[-width]), int(run.epochs[-1])),
        },
        "Let it train longer (epochs) or raise the learning rate; a comparison now favours fast starters."
        if not stopped_early
        else "It was stopped before its planned epochs: let it finish before judging it.",
        f"still rising: +{gain:.3f} over the last {width} epochs",
    )
