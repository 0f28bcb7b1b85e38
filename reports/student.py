"""Student's distribution function for whole degrees of freedom, in closed form: no library need be loaded for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


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
    term = sine * cosine if odd else sine.copy()
    total = np.zeros_like(term)
    for k in range(odd, freedom - 1, 2):
        total += term
        term = term * cosine**2 * (k + 1) / (k + 2)
    inside = 2.0 / np.pi * (angle + total) if odd else total
    distribution: Array = (1.0 + inside) / 2.0
    return distribution
