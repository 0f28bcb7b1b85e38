"""Axes: a range of values and round ticks in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """Maps [low, high] to [0, 1], clipped."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Position of `value`, in [0, 1]."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def ticks(self, most: int) -> list[float]:
        """Round values inside the range, two to `most` of them where possible."""
        step = _round_step((self.high - self.low) / max(1, most - 1))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(index * step, 12) for index in range(first, last + 1)]


def scale_over(values: Iterable[float], *, margin: float = 0.04) -> Scale:
    """A scale that holds all finite `values` with a margin (fraction of the range)."""
    finite = np.array([value for value in values if math.isfinite(value)])
    if not finite.size:
        return Scale(0.0, 1.0)
    low, high = float(finite.min()), float(finite.max())
    room = (high - low) * margin or abs(high) * margin or margin
    return Scale(low - room, high + room)


def nice_scale(values: Iterable[float], most: int) -> Scale:
    """A scale whose ends are ticks."""
    raw = scale_over(values, margin=0.0)
    step = _round_step((raw.high - raw.low) / max(1, most - 1))
    return Scale(math.floor(raw.low / step) * step, math.ceil(raw.high / step) * step)


def _round_step(rough: float) -> float:
    """The smallest of 1, 2, 2.5 and 5 times a power of ten that is at least `rough`."""
    if rough <= 0 or not math.isfinite(rough):
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in STEPS if step * power >= rough * (1 - 1e-9))
