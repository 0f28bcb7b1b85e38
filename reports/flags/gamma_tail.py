"""Upper tail of a gamma distribution: one number, without importing a library that takes longer to load than a log takes to read."""

from __future__ import annotations

import math

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
