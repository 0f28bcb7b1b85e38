"""Interval for a new training of a configuration: its mean, its luck, and the epoch it happens to stop at."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from reports.student import student_distribution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LATE_EPOCHS = 20
"""Epochs that carry 99.9 % of the weight e^(-age/3)."""
TIME_CONSTANT_EPOCHS = 3.0
CENTRAL = 0.935
"""Share of the modelled distribution between the ends. In simulations of 10, 24 and 60 configurations (``tests/reports/ranking``) it covers 90
to 96 % of new trainings of the selected winner and is about 1.17 times as wide as the interval of someone who knows the truth."""
BISECTIONS = 26
FARTHEST = 60.0
"""Standard deviations from the middle beyond which no end lies, whatever the degrees of freedom."""


def late_deviations(curves: Sequence[Array], levels: Sequence[float]) -> tuple[Array, Array]:
    """Deviations of late epochs from their own run's level, and their weights summing to 1, pooled over a configuration's trials.

    Args:
        curves: per trial its curve without missing epochs, ``(num_epochs,)``.
        levels: per trial its level.
    """
    deviations, weights = [], []
    for curve, level in zip(curves, levels, strict=True):
        late = curve[-LATE_EPOCHS:]
        weight = np.exp(-np.arange(late.size - 1, -1, -1) / TIME_CONSTANT_EPOCHS)
        deviations.append(late - level)
        weights.append(weight / weight.sum() / len(curves))
    return np.concatenate(deviations), np.concatenate(weights)


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
