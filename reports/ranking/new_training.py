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
LATE_EPOCHS = 20
"""Epochs that carry 99.9 % of the weight e^(-age/3)."""
CENTRAL = 0.92
"""Share of the modelled distribution between the ends. Replayed on the tabular study it covers 93 to 98 % of a new training's late epochs of
the leader, by space (``benchmarks/race.py``), and in simulations (``tests/reports/ranking``) 92 to 96 %: a swinging run's epochs are counted
once as its own and once as part of what differs between seeds."""
BISECTIONS = 26
FARTHEST = 60.0
"""Standard deviations from the middle beyond which no end lies, whatever the degrees of freedom."""


def late_deviations(curves: Sequence[Array], levels: Sequence[float]) -> tuple[Array, Array]:
    """Deviations of late epochs from their own run's level, and their weights summing to 1, pooled over a configuration's trials.

    Args:
        curves: per trial its curve without missing epochs, ``(num_epochs,)``.
        levels: per trial its level.
    """
    runs = [curve[-LATE_EPOCHS:] for curve in curves]
    weights = [np.exp(-np.arange(late.size - 1, -1, -1) / TIME_CONSTANT_EPOCHS) for late in runs]
    deviations = [late - level for late, level in zip(runs, levels, strict=True)]
    return np.concatenate(deviations), np.concatenate([weight / weight.sum() / len(runs) for weight in weights])


def new_training_interval(mean: float, sd: float, freedom: int, deviations: Array, weights: Array) -> tuple[float, float]:
    """95 % interval of mean + sd · t + an epoch's deviation drawn by weight.

    The sum of a smooth and an empirical part: an alternating run has an interval that reaches both of its sides.

    Args:
        mean: expected level of a new training.
        sd: standard deviation of a new training's level, our uncertainty about its mean included.
        freedom: degrees of freedom behind `sd`.
        deviations: of late epochs from the level, ``(num_deviations,)``.
        weights: of the deviations, summing to 1, ``(num_deviations,)``.
    """
    grid, table = _student(freedom)
    reach = FARTHEST * sd
    low = np.full(2, mean + float(deviations.min()) - reach)
    high = np.full(2, mean + float(deviations.max()) + reach)
    wanted = np.array([(1.0 - CENTRAL) / 2.0, (1.0 + CENTRAL) / 2.0])
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        below = np.interp((middle[:, None] - mean - deviations) / sd, grid, table) @ weights < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return float(low[0]), float(high[1])


@lru_cache(maxsize=64)
def _student(freedom: int) -> tuple[Array, Array]:
    """Student's distribution function on a grid that is fine in the middle; reading a table is a tenth of the cost of the function."""
    grid = np.sinh(np.linspace(-np.arcsinh(FARTHEST), np.arcsinh(FARTHEST), 2001))
    return grid, student_distribution(grid, freedom)
