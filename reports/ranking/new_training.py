"""The interval for one more training of a configuration, stopped at a random late epoch."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from reports.flags.chance import student_distribution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]


TIME_CONSTANT_EPOCHS = 3.0
"""Epochs over which a stop is likely to have fallen: weights e^(-age/3)."""
LATE_EPOCHS = 15
"""Epochs that carry 99 % of the weight e^(-age/3)."""
CENTRAL = 0.92
"""Share of the modelled distribution between the ends, so that 95 % are covered: replayed on the tabular study the leader's interval covers 93
to 96 % of its new trainings' late epochs after four fresh trainings, by space (``benchmarks/race.py``), and in simulations
(``tests/reports/ranking``) 92 to 96 %."""
BISECTIONS = 10
"""Of the range of the deviations: to a thousandth of it."""
FARTHEST = 60.0
"""Standard deviations from the middle beyond which no end lies, whatever the degrees of freedom."""


def late_deviations(curves: Sequence[Array], held: Sequence[float]) -> tuple[Array, Array]:
    """Deviations of late epochs from what their own run holds, and their weights summing to 1, pooled over a configuration's trials.

    Args:
        curves: per trial its curve without missing epochs, ``(num_epochs,)``.
        held: per trial what it holds.
    """
    runs = [curve[-LATE_EPOCHS:] - level for curve, level in zip(curves, held, strict=True)]
    weights = [_late_weights(run.size) / len(runs) for run in runs]
    return (runs[0], weights[0]) if len(runs) == 1 else (np.concatenate(runs), np.concatenate(weights))


@lru_cache(maxsize=LATE_EPOCHS + 1)
def _late_weights(epochs: int) -> Array:
    weights = np.exp(-np.arange(epochs - 1, -1, -1) / TIME_CONSTANT_EPOCHS)
    return np.asarray(weights / weights.sum())


def new_training_interval(mean: float, sd: float, freedom: int, deviations: Array, weights: Array) -> tuple[float, float]:
    """95 % interval of mean + sd · t + an epoch's deviation drawn by weight.

    The sum of a smooth and an empirical part: an alternating run has an interval that reaches both of its sides.

    Args:
        mean: expected figure of a new training.
        sd: standard deviation of a new training's figure, our uncertainty about its mean included.
        freedom: degrees of freedom behind `sd`.
        deviations: of late epochs from what their run holds, ``(num_deviations,)``.
        weights: of the deviations, summing to 1, ``(num_deviations,)``.
    """
    low, high = new_training_intervals(np.array([mean]), np.array([sd]), freedom, deviations[None], weights[None])[0]
    return float(low), float(high)


def new_training_intervals(mean: Array, sd: Array, freedom: int, deviations: Array, weights: Array) -> Array:
    """The intervals of many configurations with as many deviations each, ``(num_configurations, 2)``; see `new_training_interval`.

    Each end is at most the smallest, and at least the largest deviation away from the smooth part's own end: the search starts there.
    """
    grid, table = _student(freedom)
    wanted = np.array([(1.0 - CENTRAL) / 2.0, (1.0 + CENTRAL) / 2.0])
    smooth = np.interp(wanted, table, grid)
    shift = (deviations / sd[:, None])[:, None]
    low, high = smooth + shift.min(axis=2), smooth + shift.max(axis=2)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        below = (np.interp(middle[:, :, None] - shift, grid, table) * weights[:, None]).sum(axis=2) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(mean[:, None] + sd[:, None] * np.column_stack([low[:, 0], high[:, 1]]))


@lru_cache(maxsize=64)
def _student(freedom: int) -> tuple[Array, Array]:
    """Student's distribution function on a grid that is fine in the middle; reading a table is a tenth of the cost of the function."""
    grid = np.sinh(np.linspace(-np.arcsinh(FARTHEST), np.arcsinh(FARTHEST), 2001))
    return grid, student_distribution(grid, freedom)
