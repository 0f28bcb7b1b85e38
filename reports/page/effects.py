"""What each stretch of a parameter holds: the median of the finished configurations in it, with a 95 % band where there are six and more."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from reports import wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reports.ranking import RankedConfiguration
    from reports.records import ParameterRecord

    Array = NDArray[np.float64]

STRETCHES = 4
"""Parts of a number's axis."""
MISSED = 0.05
"""How often a band may miss the median of its stretch."""
ROUNDING = 1e-9
FEWEST_WITH_BAND = 6
"""Of five values even the smallest and the largest miss the median in 2 / 2^5 = 6 % of cases."""


@dataclass(frozen=True)
class Effect:
    """One stretch of a parameter's axis.

    Attributes:
        start, end: of the stretch, in [0, 1] along the axis.
        median: of what its finished configurations hold.
        band: values between which the median of all configurations there lies, in 95 % of cases and more; None with fewer than six.
        configurations: how many are in it.
        text: in words.
    """

    start: float
    end: float
    median: float
    band: tuple[float, float] | None
    configurations: int
    text: str


def median_band(values: Array) -> tuple[float, float] | None:
    """Order statistics that hold the median of what the values were drawn from in at least 95 % of cases, whatever its distribution.

    Args:
        values: ``(num_values,)``, drawn independently.

    Source: the sign test turned round; Conover, Practical Nonparametric Statistics (3rd edition, 1999), section 3.2.
    """
    size = values.size
    if size < FEWEST_WITH_BAND:
        return None
    outside, depth = 0.0, 0
    while 2 * (outside := outside + comb(size, depth) / 2**size) <= MISSED:
        depth += 1
    ordered = np.sort(values)
    return float(ordered[depth - 1]), float(ordered[size - depth])


def effects(parameter: ParameterRecord, finished: Sequence[RankedConfiguration], metric: str) -> tuple[Effect, ...]:
    """The stretches of a parameter that hold finished configurations, in the order of its axis.

    Args:
        parameter: numbers in four equal parts of their axis, labels one by one.
        finished: configurations that hold something.
        metric: that is ranked.
    """
    inside = [row for row in finished if parameter.name in row.params and row.stable is not None]
    held = np.array([row.stable for row in inside], dtype=np.float64)
    number = len(parameter.labels) or STRETCHES
    places = np.array([_stretch(parameter, row.params[parameter.name], number) for row in inside], dtype=np.int64)
    found = []
    for place in range(number):
        values = held[places == place]
        if values.size:
            median, band = float(np.median(values)), median_band(values)
            where = parameter.labels[place] if parameter.labels else _range_text(parameter, place, number)
            between = f" ({wording.interval(band, metric, unit=False)})" if band else ""
            text = f"{where}: median {wording.score(median, metric, unit=False)}{between}, {wording.count(values.size, 'configuration')}"
            found.append(Effect(place / number, (place + 1) / number, median, band, int(values.size), text))
    return tuple(found)


def _stretch(parameter: ParameterRecord, value: object, number: int) -> int:
    """Which stretch a value lies in; -1 where it lies in none."""
    if parameter.labels:
        return parameter.labels.index(str(value)) if str(value) in parameter.labels else -1
    if isinstance(value, bool) or not isinstance(value, int | float) or parameter.low is None or parameter.high is None:
        return -1
    if parameter.high <= parameter.low:
        return 0
    if parameter.log and parameter.low > 0 and value > 0:
        share = float(np.log(value / parameter.low) / np.log(parameter.high / parameter.low))
    else:
        share = (value - parameter.low) / (parameter.high - parameter.low)
    return min(number - 1, int(share * number)) if -ROUNDING <= share <= 1 + ROUNDING else -1


def _range_text(parameter: ParameterRecord, place: int, number: int) -> str:
    low, high = float(parameter.low or 0.0), float(1.0 if parameter.high is None else parameter.high)
    ends = np.geomspace(low, high, number + 1) if parameter.log and low > 0 else np.linspace(low, high, number + 1)
    return f"{_rough(ends[place])} to {_rough(ends[place + 1])}"


def _rough(end: float) -> str:
    """An end of a stretch with two digits: where exactly it lies says nothing."""
    return wording.parameter(float(f"{end:.2g}"))
