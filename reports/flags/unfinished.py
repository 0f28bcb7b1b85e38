"""`unfinished`: still improving when training ended."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from reports.flags.flag import Flag, FlagKind
from reports.flags.rule import Condition, Rule
from reports.flags.run_curves import mean
from reports.wording import points

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.flags.run_curves import Curve, RunCurves

RULE = Rule(
    (
        (
            Condition("gain", ">=", 0.03),
            Condition("since best", "<=", 0.055),
            Condition("new ground", ">=", 0.005),
        ),
    ),
    intercept=-0.69,
    slope=3.51,
    forecast=(0.35, 1.51),
)
"""Chosen and calibrated by ``python benchmarks/flags.py --choose``."""
MUCH = 0.1
"""Gain over the second half from which a comparison is clearly unfair to the run."""
SHORTEST = 6


def figures(run: RunCurves) -> Mapping[str, float] | None:
    """How a run still rises; None for one that is too short.

    Returns:
        ``gain``: rise of a straight line through the second half, accuracy. ``gain over error``: its slope over its standard error.
        ``since best``: epochs since the best one, as a share of all. ``new ground``: the best of the last quarter less the best before it.
    """
    curve = run.validation
    if curve.size < SHORTEST:
        return None
    gain, error = _line(curve[curve.size // 2 :])
    quarter = max(4, curve.size // 4)
    return {
        "gain": gain,
        "gain over error": gain / max(error, 1e-6),
        "since best": (curve.size - 1 - int(curve.argmax())) / curve.size,
        "new ground": float(curve[-quarter:].max()) - float(curve[:-quarter].max()),
    }


def _line(values: Curve) -> tuple[float, float]:
    """Rise of a least-squares line from the first to the last of at least three values, and its standard error."""
    time = np.arange(values.size) - (values.size - 1) / 2.0
    spread = float(time @ time)
    slope = float(time @ values) / spread
    rest = values - mean(values) - slope * time
    span = values.size - 1
    return slope * span, math.sqrt(float(rest @ rest) / max(1, values.size - 2) / spread) * span


def find_unfinished(run: RunCurves) -> Flag | None:
    """Flag a run whose second half rises clearly and ends at its best, on new ground."""
    found = figures(run)
    if found is None or RULE.margin(found) < 0.0:
        return None
    half = run.validation.size - run.validation.size // 2
    stopped_early = run.planned_epochs is not None and int(run.epochs[-1]) + (run.numbering[0] == 0) < run.planned_epochs
    return Flag(
        "unfinished",
        "medium" if found["gain"] >= MUCH else "low",
        {
            "gain": found["gain"],
            "slope_per_epoch": found["gain"] / (half - 1),
            "planned_epochs": run.planned_epochs,
            "epochs": (int(run.epochs[-half]), int(run.epochs[-1])),
        },
        "Let it train longer (epochs) or raise the learning rate; a comparison now favours fast starters."
        if not stopped_early
        else "It was stopped before its planned epochs: let it finish before judging it.",
        f"still rising: +{points(found['gain'])} over the last {half} epochs",
        RULE.probability(found),
        RULE.ahead(found, "gained another point or more"),
    )


UNFINISHED = FlagKind("unfinished", find_unfinished, "still improving when they stopped", of_cut_runs=False)
