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
    counts = np.array([v.size for v in values], dtype=np.float64)
    means = np.array([float(v.mean()) for v in values])
    if not values or not (counts > 1.0).any():
        return None
    middle = float(np.median(means))
    squares = np.array([float(((v - v.mean()) ** 2).sum()) for v in values])
    repeated = counts > 1.0
    better = repeated & (means >= middle)
    used = better if better.any() else repeated
    freedom = float((counts[used] - 1.0).sum())
    variance = max(float(squares[used].sum()) / freedom, 1e-12)
    upper = means >= middle
    noise = variance / counts
    others = max(float(upper.sum()) - 1.0, 1.0)
    between = max(float(((means[upper] - middle) ** 2).mean()) * (upper.sum() / others) - float(noise[upper].mean()), 0.0)
    share = noise / (noise + between) if len(values) > 1 else np.zeros(1)
    centre = middle
    mean = centre + (1.0 - share) * (means - centre)
    uncertain = 2.0 / max(others - 2.0, 2.0) * share**2 * (means - centre) ** 2
    spread = np.sqrt(noise * (1.0 - share) + noise * share / len(values) + uncertain)
    return Shrunken(math.sqrt(variance), int(freedom), mean, spread)
