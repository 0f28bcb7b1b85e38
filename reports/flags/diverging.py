"""`diverging`: ends lastingly below a level that it had, or not a number."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from reports.flags.chance import sampling_noise
from reports.flags.flag import Flag, FlagKind, grade
from reports.flags.rule import Condition, Rule
from reports.flags.run_curves import median, running_median
from reports.wording import plain_score, points

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.flags.run_curves import RunCurves

RULE = Rule(
    (
        (
            Condition("decline", ">=", 0.03),
            Condition("decline over noise", ">=", 3.0),
            Condition("decline over steps", ">=", 3.5),
        ),
    ),
    intercept=-1.52,
    slope=4.73,
    forecast=(1.12, 4.68),
)
"""Chosen and calibrated by ``python benchmarks/flags.py --choose``."""
SMALLEST_STEP = 0.003
"""Accuracy that the usual step counts at least: below it a curve is as good as still."""
SHORTEST = 6


def figures(run: RunCurves) -> Mapping[str, float] | None:
    """How far and how clearly a run ends below a level that it had; None for a run that is too short.

    Returns:
        ``decline``: the best running median less the median of the last sixth, accuracy; 0 where the curve was back at the level that it had
        within the last half of that sixth, since what comes back is a swing. ``decline over noise``: the same in standard deviations of an
        epoch by the size of the validation set. ``decline over steps``: the same in usual steps from one epoch to the next before the last
        sixth; a fall among many swings as large is a swing.
    """
    curve = run.validation
    if curve.size < SHORTEST:
        return None
    reached, _ = _plateau(run)
    end = _end(run)
    decline = reached - median(curve[-end:])
    if curve.size - _start(run, decline) <= end // 2:
        decline = 0.0
    noise = sampling_noise(run)
    before = curve[curve.size // 4 : curve.size - end]
    step = median(np.abs(before[1:] - before[:-1])) if before.size > 1 else 0.0
    return {
        "decline": decline,
        "decline over noise": decline / noise if noise else float("inf"),
        "decline over steps": decline / (step + SMALLEST_STEP),
    }


def _plateau(run: RunCurves) -> tuple[float, int]:
    """The best running median of a quarter of the epochs, and where its window starts."""
    medians = running_median(run.validation, _quarter(run.validation.size))
    peak = int(medians.argmax())
    return float(medians[peak]), peak


def _end(run: RunCurves) -> int:
    """Epochs that are a run's end: a sixth, at least three."""
    return max(3, run.validation.size // 6)


@lru_cache(maxsize=2)
def decline_start(run: RunCurves) -> int | None:
    """Index among the present epochs from which a run declines for good; None where it does not."""
    found = figures(run)
    if found is None or RULE.margin(found) < 0.0:
        return None
    return min(_start(run, found["decline"]), run.validation.size - 1)


def _start(run: RunCurves, decline: float) -> int:
    """Index after the last epoch that is nearer to the best level than to the one that a decline led to."""
    reached, peak = _plateau(run)
    above = np.flatnonzero(run.validation[peak:] >= reached - decline / 2.0)
    return peak + (int(above[-1]) if above.size else 0) + 1


def plateau_end(run: RunCurves) -> int:
    """Present epochs up to the end of the best quarter, the last that belong to the highest level that the run had."""
    size = run.validation.size
    return size if size < SHORTEST else max(_plateau(run)[1] + _quarter(size), SHORTEST)


def _quarter(size: int) -> int:
    """Epochs over which a run must have had a level."""
    return min(size // 2, max(5, size // 4))


@lru_cache(maxsize=2)
def find_diverging(run: RunCurves) -> Flag | None:
    """Flag a loss that stopped being a number, or an end that lies lastingly below a level that the run had before."""
    broken = _first_non_finite(run)
    if broken is not None:
        name, epoch = broken
        return Flag(
            "diverging",
            "high",
            {"non_finite": name, "epochs": (epoch, epoch)},
            "Lower the learning rate, clip gradients (gradient_clip), add warmup_epochs; with mixed precision, train in float32.",
            f"{name} is not a finite number from epoch {epoch}",
        )
    found, start = figures(run), decline_start(run)
    if found is None or start is None:
        return None
    decline, (reached, _), first = found["decline"], _plateau(run), int(run.epochs[start])
    return Flag(
        "diverging",
        grade(decline, medium=0.0, high=0.1),
        {"held": reached, "decline": decline, "epochs": (first, int(run.epochs[-1]))},
        "Stop earlier (early_stopping), lower the learning rate or decay it (schedule), clip gradients.",
        f"was at {plain_score(reached)}, then fell by {points(decline)} for good from epoch {first}",
        RULE.probability(found),
        RULE.ahead(found, "stayed 3 points or more below what they held"),
    )


def _first_non_finite(run: RunCurves) -> tuple[str, int] | None:
    """First metric and epoch that is infinite, or missing at an epoch of which other metrics are recorded after it was finite."""
    for name in ("loss", "val_loss", "val_accuracy", "accuracy"):
        values = run.curves.get(name)
        if values is None:
            continue
        infinite = np.isinf(values)
        if name == "loss" and "accuracy" in run.curves:
            before = np.maximum.accumulate(np.isfinite(values)) if values.size else infinite
            infinite = infinite | (np.isnan(values) & before & np.isfinite(run.curves["accuracy"]))
        if infinite.any():
            return name, run.number(int(infinite.argmax()))
    return None


DIVERGING = FlagKind("diverging", find_diverging, "end lastingly below a level that they had")
