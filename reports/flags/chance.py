"""How far a validation accuracy moves by the size of the validation set alone.

Upper tail of a gamma distribution: one number, without importing a library that takes longer to load than a log takes to read.
Student's distribution function for whole degrees of freedom, in closed form: no library need be loaded for it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from reports.flags.run_curves import mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reports.flags.run_curves import RunCurves

    Array = NDArray[np.float64]


FIXED_SET = 0.56
"""Share of the binomial standard deviation by which steady curves of real trainings move: the same images are judged every epoch, and most
answers persist. Chosen with the rule of `oscillating` by ``python benchmarks/flags.py --choose``."""


@lru_cache(maxsize=4)
def sampling_noise(run: RunCurves) -> float | None:
    """Largest standard deviation of one epoch's accuracy that chance explains; None when the set's size is unknown.

    With the trainer's counts of images gained (g) and lost (l) between epochs, chance alone moves each of those g + l images either
    way, so a difference of two epochs has variance (g + l)/n² (McNemar 1947) and one epoch half of it. Without counts the accuracy is
    taken as a binomial share of n images drawn anew each epoch, σ² = p(1 - p)/n. That is an upper bound: see `fixed_set_noise`.

    Args:
        run: curves of a training, with `num_val`.

    Source: McNemar, Psychometrika 12 (1947) 153.
    """
    counted = _counted_noise(run)
    return binomial_noise(mean(run.settled), run.num_val) if counted is None and run.num_val else counted


def fixed_set_noise(run: RunCurves, share: float = FIXED_SET) -> float | None:
    """Standard deviation of one epoch's accuracy by chance when the same images are judged every epoch; None when their number is unknown.

    Args:
        run: curves of a training, with `num_val`.
        share: of the binomial standard deviation, where images gained and lost are not on record.
    """
    counted = _counted_noise(run)
    if counted is not None:
        return counted
    noise = sampling_noise(run)
    return None if noise is None else share * noise


def _counted_noise(run: RunCurves) -> float | None:
    """The noise by images gained and lost in the second half; None where their counts are not on record."""
    gained, lost = run.curves.get("val_gained"), run.curves.get("val_lost")
    if run.num_val is None or gained is None or lost is None:
        return None
    moved = (gained + lost)[-run.window :]
    moved = moved[np.isfinite(moved)]
    if moved.size < run.window // 2 or moved.size == 0:
        return None
    return float(max(math.sqrt(mean(moved) / 2.0), 0.5) / run.num_val)


def binomial_noise(accuracy: float, num_val: int) -> float:
    """Standard deviation of a share of `num_val` images, the share itself drawn half an image towards ½ so that 0 and 1 keep some."""
    share = (accuracy * num_val + 0.5) / (num_val + 1.0)
    return math.sqrt(share * (1.0 - share) / num_val)


PRECISION = 1e-14
TINY = 1e-300
"""Stands for 0 in a denominator."""


def gamma_tail(shape: float, at: float) -> float:
    """Regularised upper incomplete gamma function Q(shape, at), to nine digits or more.

    Below the middle by the power series of its complement, above by the continued fraction, evaluated forwards.

    Args:
        shape: > 0.
        at: ≥ 0, infinity included.

    Source: DLMF 8.7.1 (series), 8.9.2 (continued fraction); Lentz, Appl. Opt. 15 (1976) 668.
    """
    if at <= 0.0:
        return 1.0
    log_scale = shape * math.log(at) - at - math.lgamma(shape) if math.isfinite(at) else -math.inf
    if at < shape + 1.0:
        term = total = 1.0 / shape
        above = shape
        while term > PRECISION * total:
            above += 1.0
            term *= at / above
            total += term
        return 1.0 - math.exp(log_scale) * total
    if log_scale < math.log(TINY):
        return 0.0
    denominator = at + 1.0 - shape
    c, d = 1.0 / TINY, 1.0 / denominator
    fraction = d
    change, k = math.inf, 0
    while abs(change - 1.0) > PRECISION:
        k += 1
        numerator = -k * (k - shape)
        denominator += 2.0
        d = 1.0 / (numerator * d + denominator or TINY)
        c = denominator + numerator / c or TINY
        change = c * d
        fraction *= change
    return math.exp(log_scale) * fraction


def student_distribution(at: Array, freedom: int) -> Array:
    """Chance of at most `at`, ``(num_values,)``, under Student's distribution.

    Args:
        at: ``(num_values,)``.
        freedom: degrees of freedom, at least 1.

    Source: Abramowitz & Stegun, Handbook of Mathematical Functions, 26.7.3 (odd) and 26.7.4 (even).
    """
    angle = np.arctan2(at, np.sqrt(freedom))
    sine, cosine = np.sin(angle), np.cos(angle)
    odd = freedom % 2
    first = sine * cosine if odd else sine
    k = np.arange(odd, freedom - 3, 2)
    series = np.cumprod(np.square(cosine)[..., None] * ((k + 1.0) / (k + 2.0)), axis=-1).sum(axis=-1)
    total = first * (1.0 + series) if freedom > 1 else np.zeros_like(first)
    inside = 2.0 / np.pi * (angle + total) if odd else total
    distribution: Array = (1.0 + inside) / 2.0
    return distribution
