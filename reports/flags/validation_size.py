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
SIZES = np.arange(SMALLEST_SIZE, LARGEST_SIZE + 1, dtype=np.float64)


def infer_num_val(values: Iterable[str | float]) -> int | None:
    """The smallest n for which every value is k/n within its rounding, or None where many n would fit by chance.

    A value printed with d decimals pins k/n to half a unit of the last; single precision allows 2e-7 at best. For an n that is wrong, a
    value fits by chance with probability about 2·tolerance·n (a quarter more where roundings tie), and m different values with its m-th
    power. The smallest fitting n is believed when fewer than .01 wrong ones were to be expected up to it. Multiples of n fit as well and
    cannot be told apart.

    Args:
        values: validation accuracies as printed (text keeps trailing zeros) or as floats, fractions in [0, 1].
    """
    found, believed = smallest_fitting_size(values)
    return found if believed else None


def smallest_fitting_size(values: Iterable[str | float]) -> tuple[int | None, bool]:
    """The smallest n for which every value is k/n within its rounding, and whether chance is ruled out (see `infer_num_val`)."""
    decimals = 0
    distinct = set()
    for value in values:
        text = value.strip() if isinstance(value, str) else _shortest(float(value))
        number = float(text)
        if np.isfinite(number):
            distinct.add(number)
            decimals = max(decimals, _decimals(text))
    informative = np.array(sorted(v for v in distinct if 0.0 < v < 1.0))
    if informative.size == 0:
        return None, False
    tolerance = max(0.5 * 10.0**-decimals, FLOAT32_ERROR) * (1.0 + 1e-6)
    fitting = SIZES[0.5 / tolerance + 1.0 >= SIZES]  # every larger size fits whatever the values
    for value in informative:
        fitting = fitting[np.abs(np.round(value * fitting) / fitting - value) <= tolerance]
        if fitting.size == 0:
            return None, False
    found = int(fitting[0])
    by_chance = float((np.minimum(1.0, 2.5 * tolerance * SIZES[: found - SMALLEST_SIZE + 1]) ** informative.size).sum())
    return found, by_chance < CHANCE


def _shortest(value: float) -> str:
    """Fewest digits that give the value back, in single precision where that is what it was stored in."""
    single = np.float32(value)
    return str(single) if float(single) == value else repr(value)


def _decimals(text: str) -> int:
    mantissa, _, exponent = text.lower().partition("e")
    return max(0, len(mantissa.partition(".")[2]) - (int(exponent) if exponent else 0))
