"""Reading the size of the validation set off the accuracies: every value is k/n."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGEST_SIZE = 100_000
SMALLEST_SIZE = 8
FLOAT32_ERROR = 2e-7
CHANCE = 0.01


def infer_num_val(values: Iterable[str | float]) -> int | None:
    """The smallest n for which every value is k/n within its rounding, or None where many n would fit by chance.

    A value printed with d decimals pins k/n to ±½·10^-d; single precision allows ±2·10^-7 at best. For an n that is wrong, a value fits by
    chance with probability about 2·tolerance·n, and m different values with its m-th power. The smallest fitting n is believed when fewer
    than .01 wrong ones were to be expected up to it. Multiples of n fit as well and cannot be told apart.

    Args:
        values: validation accuracies as printed (text keeps trailing zeros) or as floats, fractions in [0, 1].
    """
    decimals = 0
    distinct = set()
    for value in values:
        text = value.strip() if isinstance(value, str) else repr(float(value))
        number = float(text)
        if np.isfinite(number):
            distinct.add(number)
            decimals = max(decimals, _decimals(text))
    informative = np.array(sorted(v for v in distinct if 0.0 < v < 1.0))
    if informative.size == 0:
        return None
    tolerance = max(0.5 * 10.0**-decimals, FLOAT32_ERROR) * (1.0 + 1e-6)
    sizes = np.arange(SMALLEST_SIZE, LARGEST_SIZE + 1, dtype=np.float64)
    fitting = sizes
    for value in informative:
        fitting = fitting[np.abs(np.round(value * fitting) / fitting - value) <= tolerance]
        if fitting.size == 0:
            return None
    found = int(fitting[0])
    by_chance = float((np.minimum(1.0, 2.0 * tolerance * sizes[sizes <= found]) ** informative.size).sum())
    return found if by_chance < CHANCE else None


def _decimals(text: str) -> int:
    mantissa, _, exponent = text.lower().partition("e")
    return max(0, len(mantissa.partition(".")[2]) - (int(exponent) if exponent else 0))
