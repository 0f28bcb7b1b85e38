"""The three figures of a learning curve.

Stable: what a stop at an arbitrary late epoch is still worth, an expected shortfall over late epochs in which progress counts as none.
Level: the centre of a curve near its end, by exponential smoothing whose rate fits the curve.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Curve = NDArray[np.float64]


SCORE_RULE = 2
"""Which rule computed the figures of a `StabilityScore`; it stands beside stored scores, so that those of an earlier rule are computed anew."""
STABLE_TIME_CONSTANT = 8.0
"""Epochs over which *stable* forgets: weights e^(-age/8)."""
TAIL_SHARE = 0.5
"""Share of weight that is the bad case."""
FLOOR_EPOCHS = 4
"""Latest epochs whose lowest is the floor: what the run has reached, whatever it was on the way up."""


def drawdown_shortfall(values: Curve, *, maximize: bool = True) -> float:
    """Mean of the worse half of weight, weights e^(-age/8) over epochs, after progress is taken out.

    The floor is the lowest of the last four epochs. An epoch at which the run's best so far was still below the floor counts as the floor
    less what it lay below that best; every other epoch counts as it is. Hence

    - a curve that never falls is worth at least its value three epochs before the end;
    - with the same best so far at every epoch, raising any epochs never lowers the result, and raising one of the last four never does;
    - it shifts and scales with the curve.

    Raising one earlier epoch above the best so far may lower it: a peak that was not kept is a fall.

    Args:
        values: ``(num_epochs,)``, NaN where an epoch is missing (it keeps its age), at least one present, none infinite.
        maximize: whether more is better.

    Source: the rule and its constants: ``benchmarks/tabular/SCORES.md``; expected shortfall: Acerbi & Tasche, J. Bank. Finance 26 (2002)
    1487, eq. 3.3.
    """
    late, weights = (values if maximize else -values), _weights(values.size)
    missing = np.isnan(values)
    if missing.any():
        ages = np.flatnonzero(~missing[::-1])[::-1]
        late, weights = late[~missing], np.exp(-(ages - ages[-1]) / STABLE_TIME_CONSTANT)
    floor = late[-FLOOR_EPOCHS:].min()
    counted = late + np.maximum(floor - np.maximum.accumulate(late), 0.0)
    order = counted.argsort()
    mass = weights[order].cumsum()
    mass *= 1.0 / mass[-1]
    taken = np.minimum(mass, TAIL_SHARE)
    taken[1:] -= taken[:-1].copy()
    worth = float(counted[order] @ taken) / TAIL_SHARE
    worth = min(max(worth, float(late.min())), float(late.max()))  # no rounding past the curve
    return worth if maximize else -worth


@lru_cache(maxsize=256)
def _weights(num_epochs: int) -> Curve:
    """e^(-age/8) of each epoch, ``(num_epochs,)``; not to be written to."""
    weights: Curve = np.exp(-np.arange(num_epochs - 1, -1, -1) / STABLE_TIME_CONSTANT)
    weights.flags.writeable = False
    return weights


TIME_CONSTANTS = (24.0, 12.0, 6.0, 3.0, 1.5)
"""Epochs over which smoothing forgets, slowest first: octaves from "all of a usual run" to "the last two or three epochs"."""
FALL_TIME_CONSTANT = 3.0
"""A fall is followed no faster than this: what a run has lost only in its very last epochs, people do not take for its level."""
ERROR_TIME_CONSTANT = 10.0
"""Epochs over which forecast errors are forgotten when rates are compared: how the curve moves near its end."""
PARITY_TIME_CONSTANT = 6.0
"""From this time constant on the last two smoothed values are averaged, so that it does not matter on which side an alternating run stops;
half an epoch's lag is nothing to a slow rate."""
LONGEST = 128
"""Latest epochs that enter: older ones weigh less than e^(-128/24) = .5 % even at the slowest rate."""


def smoothed_level(values: Curve, time_constant: float | None = None, *, maximize: bool = True) -> float:
    """Exponentially smoothed last value of a curve.

    The smoother is a weighted mean with weights e^(-age/time constant). Its rate is the one whose one-epoch forecasts were best on this
    curve: a steady or swinging curve is averaged over many epochs, an improving one is followed, a worsening one no faster than
    `FALL_TIME_CONSTANT`.

    Args:
        values: ``(num_epochs,)``, finite, at least one.
        time_constant: epochs; None for the best of `TIME_CONSTANTS`. At a fixed one, raising any epoch never lowers the result.
        maximize: whether more is better.

    Source: adaptive choice of the rate by forecast error: Brown, Statistical Forecasting for Inventory Control (1959), ch. 2; weights
    normalised over the epochs there are.
    """
    late = values[-LONGEST:]
    if time_constant is not None:
        weights = np.exp(-np.arange(late.size - 1, -1, -1) / time_constant)
        return float(late @ weights / weights.sum())
    if late.size == 1:
        return float(late[0])
    paths = _smoothers(late.size) @ late
    errors = (late[1:] - paths[:, :-1]) ** 2 @ np.exp(-np.arange(late.size - 2, -1, -1) / ERROR_TIME_CONSTANT)
    best = int(errors.argmin())
    if TIME_CONSTANTS[best] >= PARITY_TIME_CONSTANT:
        return float(paths[best, -1] + paths[best, -2]) / 2.0
    slowest_fall = min(best, TIME_CONSTANTS.index(FALL_TIME_CONSTANT))
    followed = paths[best, -1], paths[slowest_fall, -1]
    return float(max(followed) if maximize else min(followed))


@lru_cache(maxsize=256)
def _smoothers(num_epochs: int) -> NDArray[np.float64]:
    """Matrices that smooth a curve at every rate and epoch, ``(num_rates, num_epochs, num_epochs)``; each row sums to 1."""
    age = np.arange(num_epochs)[:, None] - np.arange(num_epochs)
    weights = np.where(age >= 0, np.exp(-np.maximum(age, 0) / np.array(TIME_CONSTANTS)[:, None, None]), 0.0)
    normalised: NDArray[np.float64] = weights / weights.sum(axis=2, keepdims=True)
    return normalised


COMPLETE_EPOCHS = 5


@dataclass(frozen=True)
class StabilityScore:
    """What a curve says of its run.

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
    low = drawdown_shortfall(values, maximize=maximize)
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


def level(curve: ArrayLike, *, maximize: bool = True) -> float:
    """Centre of the late epochs of a curve ``(num_epochs,)``, by exponential smoothing; NaN when no epoch has a finite value.

    Args:
        curve: as for `stability`.
        maximize: whether more is better; the level is never worse than `stable`.
    """
    values = _without_failures(curve, maximize=maximize)
    if values is None:
        return math.nan
    return _level(values, drawdown_shortfall(values, maximize=maximize), maximize=maximize)


def stable(curve: ArrayLike, *, maximize: bool = True) -> float:
    """What a stop at an arbitrary late epoch of a curve ``(num_epochs,)`` is still worth; NaN when no epoch has a finite value."""
    values = _without_failures(curve, maximize=maximize)
    return math.nan if values is None else drawdown_shortfall(values, maximize=maximize)


def _level(values: Curve, low: float, *, maximize: bool) -> float:
    """Smoothed level, no worse than `low` and no better than the best epoch, rounding included."""
    present = values[~np.isnan(values)]
    centre = smoothed_level(present, maximize=maximize)
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
