"""How much of a configuration's lead is luck: seed variance, and means drawn towards the others by it (empirical Bayes)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]


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
