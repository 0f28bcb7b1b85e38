"""How much of a configuration's lead is luck (empirical Bayes), and the interval for one more training of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
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


UNLIKE = 3.0
"""Ratio of seed variances from which the worse half is not pooled with the better."""
SMALLEST_VARIANCE = 1e-12
"""Keeps identical seeds from claiming certainty beyond single precision."""


@dataclass(frozen=True)
class Shrunken:
    """Configurations' true means as far as seeds tell.

    Attributes:
        seed_sd: standard deviation between seeds of one configuration.
        seed_df: degrees of freedom behind it.
        mean: expected true mean of each configuration, ``(num_configurations,)``.
        sd: standard deviation of that, ``(num_configurations,)``.
    """

    seed_sd: float
    seed_df: int
    mean: Array
    sd: Array


def shrink(values: Sequence[Array]) -> Shrunken | None:
    """Estimate seed variance and draw each configuration's mean towards the middle of the good ones.

    The winner of many is partly the luckiest. With x the mean over n seeds, t² the seed variance and b² the variance of true means, the
    expected true mean is m + (1 - s)(x - m), s = (t²/n)/(t²/n + b²). m is the median, and b² comes from the upper half alone: a search
    always holds configurations that failed, and their distance must not make the leaders' differences look certain. Where s is itself
    uncertain the spread grows with the distance from m (Morris 1983, eq. 1.17).

    Args:
        values: per configuration one value a seed (signs such that more is better), each of shape ``(num_seeds,)``, at least one.

    Returns:
        None when no configuration has two seeds.

    Source: Morris, J. Am. Stat. Assoc. 78 (1983) 47; Efron & Morris, J. Am. Stat. Assoc. 70 (1975) 311.
    """
    if all(of.size <= 1 for of in values):
        return None
    counts = np.array([of.size for of in values], dtype=np.float64)
    means = np.array([float(of.mean()) for of in values])
    middle = float(np.median(means))
    upper = means >= middle
    variance, freedom = _seed_variance(values, upper)
    noise = variance / counts
    others = max(float(upper.sum()) - 1.0, 1.0)
    between = max(float(((means[upper] - middle) ** 2).mean()) * float(upper.sum()) / others - float(noise[upper].mean()), 0.0)
    share = noise / (noise + between) if len(values) > 1 else np.zeros(1)
    mean = middle + (1.0 - share) * (means - middle)
    uncertain = 2.0 / float(upper.sum()) * share**2 * (means - middle) ** 2
    spread = np.sqrt(noise * (1.0 - share) + noise * share / len(values) + uncertain)
    return Shrunken(math.sqrt(variance), freedom, mean, spread)


def _seed_variance(values: Sequence[Array], upper: NDArray[np.bool_]) -> tuple[float, int]:
    """Variance between seeds, pooled over configurations, and its degrees of freedom.

    Configurations below the middle take part unless their seeds differ `UNLIKE` times more: runs that fail on some seeds say nothing
    about those that do not.
    """
    squares = np.array([float(((of - of.mean()) ** 2).sum()) if of.size else 0.0 for of in values])
    freedom = np.array([max(of.size - 1, 0) for of in values], dtype=np.float64)
    above, below = freedom[upper].sum(), freedom[~upper].sum()
    pooled = squares.sum() / freedom.sum()
    if above > 0.0 and below > 0.0:
        good, bad = squares[upper].sum() / above, squares[~upper].sum() / below
        if bad > UNLIKE * good:
            return max(float(good), SMALLEST_VARIANCE), int(above)
    return max(float(pooled), SMALLEST_VARIANCE), int(freedom.sum())
