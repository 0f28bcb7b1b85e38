"""The three figures of a learning curve."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports.stability.shortfall import late_shortfall
from reports.stability.smoothing import smoothed_level

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Curve = NDArray[np.float64]

COMPLETE_EPOCHS = 5


@dataclass(frozen=True)
class StabilityScore:
    """What a run holds.

    Attributes:
        level: centre of the late epochs, in the metric's unit.
        stable: what a stop at an arbitrary late epoch is still worth; never better than `level`.
        spread: |level - stable|.
        epochs: epochs that entered.
        provisional: fewer than five epochs; never outranks a complete score.
        sampling_sd: standard deviation of one epoch's share by the validation set's size alone, None when the size is not given. It is
            beside the score, never in it: subtracting it would let a better curve score lower.
    """

    level: float
    stable: float
    spread: float
    epochs: int
    provisional: bool
    sampling_sd: float | None = None


def stability(curve: ArrayLike, *, maximize: bool = True) -> StabilityScore | None:
    """Score a curve of shape ``(num_epochs,)``; None when no epoch has a finite value.

    NaN is a missing epoch: it is skipped and keeps its age. An infinite epoch is a failure and counts as the worst of the curve, and as 0
    where more is better and 0 is worse still. One epoch scores itself; up to four are scored the same way and marked provisional.
    """
    values = _without_failures(curve, maximize=maximize)
    if values is None:
        return None
    low = late_shortfall(values, maximize=maximize)
    centre = _level(values, low, maximize=maximize)
    epochs = int(np.count_nonzero(~np.isnan(values)))
    return StabilityScore(centre, low, abs(centre - low), epochs, epochs < COMPLETE_EPOCHS)


def stable_score(curve: ArrayLike, num_val: int | None = None, *, maximize: bool = True) -> StabilityScore | None:
    """Score a curve and, where the number of validation images is given, say what that number alone makes it move (`sampling_sd`).

    Args:
        curve: ``(num_epochs,)``; NaN is missing.
        num_val: validation images.
        maximize: whether more is better.
    """
    score = stability(curve, maximize=maximize)
    if score is None or not num_val or not 0.0 <= score.level <= 1.0:
        return score
    sampling = math.sqrt(score.level * (1.0 - score.level) / num_val)
    return StabilityScore(score.level, score.stable, score.spread, score.epochs, score.provisional, sampling)


def level(curve: ArrayLike, *, maximize: bool = True, time_constant: float | None = None) -> float:
    """Centre of the late epochs of a curve ``(num_epochs,)``, by exponential smoothing; NaN when no epoch has a finite value.

    Args:
        curve: as for `stability`.
        maximize: whether more is better; the level is never worse than `stable`.
        time_constant: epochs of a fixed rate; None lets the curve choose (`reports.stability.smoothing`). At a fixed rate raising any
            epoch never lowers the level.
    """
    values = _without_failures(curve, maximize=maximize)
    if values is None:
        return math.nan
    return _level(values, late_shortfall(values, maximize=maximize), maximize=maximize, time_constant=time_constant)


def stable(curve: ArrayLike, *, maximize: bool = True) -> float:
    """What a stop at an arbitrary late epoch of a curve ``(num_epochs,)`` is still worth; NaN when no epoch has a finite value."""
    values = _without_failures(curve, maximize=maximize)
    return math.nan if values is None else late_shortfall(values, maximize=maximize)


def _level(values: Curve, low: float, *, maximize: bool, time_constant: float | None = None) -> float:
    """Smoothed level, no worse than `low` and no better than the best epoch, rounding included."""
    present = values[~np.isnan(values)]
    centre = smoothed_level(present, time_constant)
    if maximize:
        return min(max(centre, low), float(present.max()))
    return max(min(centre, low), float(present.min()))


def _without_failures(curve: ArrayLike, *, maximize: bool) -> Curve | None:
    """The curve with infinite epochs at their worst; None when nothing is finite."""
    values = np.asarray(curve, dtype=np.float64)
    finite = np.isfinite(values)
    if finite.all() and values.size:
        return values
    if not finite.any():
        return None
    worst = min(0.0, float(values[finite].min())) if maximize else float(values[finite].max())
    return np.where(np.isinf(values), worst, values)
