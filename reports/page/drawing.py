"""Axes with round ticks, long curves with fewer points and every swing, and learning curves the size of a word."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports import wording

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Tick:
    """A tick: its value, its position on the axis in [0, 1], and its text without a unit."""

    value: float
    at: float
    text: str


@dataclass(frozen=True)
class Scale:
    """Maps [low, high] to [0, 1], clipped."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Position of `value`, in [0, 1]."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def ticks(self, most: int, metric: str) -> tuple[Tick, ...]:
        """Round values of a metric inside the range, two to `most` of them where possible."""
        step = _round_step((self.high - self.low) / max(1, most - 1))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        values = [round(index * step, 12) for index in range(first, last + 1)]
        return tuple(Tick(value, self.at(value), wording.tick(value, step, metric)) for value in values)


ROOM_OF_ONE_VALUE = 0.04
"""Margin of a scale whose values are all the same, where none is asked for: it has no range of its own."""


def scale_over(values: Iterable[float], *, margin: float = 0.04) -> Scale:
    """A scale that holds all finite `values` with a margin (fraction of the range)."""
    finite = np.array([value for value in values if math.isfinite(value)])
    if not finite.size:
        return Scale(0.0, 1.0)
    low, high = float(finite.min()), float(finite.max())
    room = (high - low) * margin if high > low else (abs(high) or 1.0) * (margin or ROOM_OF_ONE_VALUE)
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


def kept_epochs(curve: NDArray[np.float32], points: int) -> NDArray[np.intp]:
    """Sorted indices of at most `points` (4 or more) epochs that stand for a curve of shape ``(num_epochs,)``, NaN where missing.

    Each bucket of epochs keeps its lowest and its highest value, so that no dip and no peak is lost; first and last epoch stay.
    """
    epochs = len(curve)
    if epochs <= points:
        return np.arange(epochs)
    edges = np.linspace(0, epochs, (points - 2) // 2 + 1).astype(np.intp)
    low = np.where(np.isnan(curve), np.inf, curve)
    high = np.where(np.isnan(curve), -np.inf, curve)
    extremes = [
        start + pick(end)
        for start, stop in itertools.pairwise(edges)
        for pick, end in ((np.argmin, low[start:stop]), (np.argmax, high[start:stop]))
    ]
    return np.unique([0, *extremes, epochs - 1]).astype(np.intp)


SPARK_SIZE = (132, 30)
MOST_POINTS = 90
EDGE = 2.5


@dataclass(frozen=True)
class Sparkline:
    """Geometry of a sparkline; `held` and `peak` are positions or None."""

    path: str
    width: int
    height: int
    held: float | None
    peak: tuple[float, float] | None
    unsteady: bool


def sparkline(
    curve: NDArray[np.float32], scale: Scale, *, held: float | None, maximize: bool, unsteady: bool, size: tuple[int, int] = SPARK_SIZE
) -> Sparkline | None:
    """Draw a curve of shape ``(num_epochs,)``; all rows of a table share one `scale`. None when no epoch has a finite value."""
    finite = np.isfinite(curve)
    if not finite.any():
        return None
    width, height = size
    epochs = kept_epochs(np.where(finite, curve, np.nan).astype(np.float32), MOST_POINTS)
    across = np.linspace(EDGE, width - EDGE, len(curve)) if len(curve) > 1 else np.array([width / 2])

    def down(value: float) -> float:
        return round(height - EDGE - scale.at(value) * (height - 2 * EDGE), 1)

    pens = ["L" if before else "M" for before in (False, *finite[epochs])]  # a missing epoch leaves a gap
    steps = [
        f"{pen}{round(float(across[epoch]), 1):g} {down(float(curve[epoch])):g}"
        for epoch, pen in zip(epochs, pens, strict=False)
        if finite[epoch]
    ]
    if len(steps) == 1:
        steps.append("h0.1")
    masked = np.where(finite, curve, -np.inf if maximize else np.inf)
    best = int(np.argmax(masked) if maximize else np.argmin(masked))
    peak = (round(float(across[best]), 1), down(float(curve[best])))
    return Sparkline("".join(steps), width, height, None if held is None else down(held), peak, unsteady)
