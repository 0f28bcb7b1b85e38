"""Swings of a curve: how much it moves to and fro, its turning points, its period."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from reports.flags.chance import gamma_tail, student_distribution
from reports.flags.run_curves import mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Curve = NDArray[np.float64]


TINY = 1e-9
"""Below it a part of a curve is rounding."""
SPECTRUM_SQUARE, SPECTRUM_CUBE = 4.375 / 1.5**2, 14.4375 / 1.5**3
"""Means of f² and f³ over frequencies, f = (1 - cos w)²/1.5 the spectrum of second differences of independent noise."""


def to_and_fro(curve: Curve) -> float:
    """Movement per epoch that leads nowhere: (Σ|Δ| - |ΣΔ|)/(num_epochs - 1), in the curve's unit.

    Amplitude times rate in one figure: 0 on any monotone curve, the peak-to-peak swing on a strictly alternating one.
    """
    steps = curve[1:] - curve[:-1]
    return float((np.abs(steps).sum() - abs(curve[-1] - curve[0])) / max(1, steps.size))


def turning_points(curve: Curve, smallest: float) -> NDArray[np.int64]:
    """Indices at which the curve turns and then moves by at least `smallest`: the ends of its swings, first and last extreme included.

    The zigzag (or rainflow) filter: an extreme is confirmed when the curve has moved away from it by `smallest`. Fewer than two indices
    mean that it never moved so far.
    """
    points: list[int] = []
    low = high = candidate = 0
    direction = 0
    values: list[float] = curve.tolist()
    for i, value in enumerate(values):
        if direction == 0:
            low = i if value < values[low] else low
            high = i if value > values[high] else high
            if values[high] - values[low] >= smallest:
                points.append(min(low, high))
                direction = 1 if high > low else -1
                candidate = max(low, high)
        elif (value - values[candidate]) * direction > 0:
            candidate = i
        elif (values[candidate] - value) * direction >= smallest:
            points.append(candidate)
            direction, candidate = -direction, i
    if direction != 0:
        points.append(candidate)
    return np.array(points, dtype=np.int64)


def alternation(curve: Curve) -> tuple[float, float]:
    """Half the peak-to-peak amplitude of what changes sign every epoch, and the standard deviation of the rest, in the curve's unit.

    Second differences remove level and slope; of a curve ±a they leave ±2a (so a is their alternating mean over 2), of independent
    noise they leave 1.5 times its variance.
    """
    bent = curve[1:-1] - (curve[:-2] + curve[2:]) / 2.0
    to_and_from = bent.copy()
    to_and_from[1::2] *= -1.0
    alternating = mean(to_and_from)
    rest = to_and_from - alternating
    return abs(alternating) / 2.0, math.sqrt(float((rest**2).sum()) / max(1, bent.size - 1) / 1.5)


def alternation_p(curve: Curve) -> float:
    """Chance of a part that changes sign every epoch as large as a curve's, in independent noise about a straight line.

    The t-test of ±1 by turns in a regression on level, slope and it; exact for normal noise. It looks at this one period alone, and so sees
    alternations whose size varies where a test of all periods (`period`) sees none.

    Args:
        curve: ``(num_epochs,)``, at least four; constant curves have no such part.

    Source: Seber & Lee, Linear Regression Analysis (2003), section 3.8.
    """
    size = curve.size
    time = np.arange(size) - (size - 1) / 2.0
    design = np.column_stack([np.ones(size), time, np.where(np.arange(size) % 2, -1.0, 1.0)])
    inverse = np.linalg.inv(design.T @ design)
    fitted = inverse @ (design.T @ curve)
    rest = float(((curve - design @ fitted) ** 2).sum())
    if abs(fitted[2]) < TINY:
        return 1.0
    freedom = size - 3
    deviation = math.sqrt(max(rest, TINY**2) / freedom * float(inverse[2, 2]))
    return 2.0 * float(student_distribution(np.array([-abs(float(fitted[2])) / deviation]), freedom)[0])


def roughness_p(curve: Curve, noise: float) -> float:
    """Chance of second differences as large as a curve's from independent noise alone.

    The sum of squared second differences over their variance (1.5 times the noise's) is a quadratic form in normals with spectrum
    f = (1 - cos w)²/1.5: cumulants m, 2 m E f², 8 m E f³, with E f² = 1.944, E f³ = 4.278 and m their number. A gamma distribution with
    these three moments gives the tail (Hall 1983; Buckley & Eagleson, Aust. J. Stat. 30A (1988) 150). Level and slope drop out.

    Args:
        curve: ``(num_epochs,)``, at least three.
        noise: standard deviation of one epoch, > 0.
    """
    bent = curve[1:-1] - (curve[:-2] + curve[2:]) / 2.0
    number = bent.size
    deviation = math.sqrt(2.0 * SPECTRUM_SQUARE * number)
    skewness = 8.0 * SPECTRUM_CUBE * number / deviation**3
    shape = 4.0 / skewness**2
    standard = (float((bent**2).sum()) / (1.5 * noise**2) - number) / deviation
    return gamma_tail(shape, max(0.0, shape + standard * math.sqrt(shape)))


def period(curve: Curve) -> tuple[float, float]:
    """Strongest period of a curve in epochs, and the chance of one as strong in independent noise (Fisher's g-test).

    Source: Fisher, Proc. R. Soc. A 125 (1929) 54; the first term m (1 - g)^(m-1) of its series, an upper bound that is
    exact where g > ½ and close wherever the chance is small.
    """
    size = curve.size
    time = np.arange(size) - (size - 1) / 2.0
    slope = float(time @ curve) / float(time @ time)
    power = np.abs(np.fft.rfft(curve - mean(curve) - slope * time)[1:]) ** 2
    if size % 2 == 0:
        power[-1] /= 2.0  # the Nyquist frequency has one degree of freedom, the others two
    total = float(power.sum())
    if total <= 0.0:
        return math.inf, 1.0
    strongest = int(power.argmax())
    share, count = float(power[strongest]) / total, power.size
    chance = count * (1.0 - share) ** (count - 1)
    return size / (strongest + 1.0), min(1.0, chance)
