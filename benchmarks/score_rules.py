"""Rules that turn a learning curve into one number, and what each keeps of that which *stable* must keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports.stability import FLOOR_EPOCHS, level, smoothed_level, stable

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Rule = Callable[[Floats], float]

BASELINE = "mean of last 5"
STABLE = "drawdowns, 50 %, 8 epochs"
"""The product's *stable*."""


def last_mean(epochs: int) -> Rule:
    """Mean of the last epochs."""
    return lambda curve: float(curve[-epochs:].mean())


def last_quantile(epochs: int, share: float) -> Rule:
    """Lower quantile of the last epochs."""
    return lambda curve: float(np.quantile(curve[-epochs:], share))


def shortfall(values: Floats, share: float, time_constant: float) -> float:
    """Mean of the worst share of weight, weights e^(-age / time constant)."""
    weights = np.exp(-np.arange(values.size - 1, -1, -1) / time_constant)
    order = np.argsort(values, kind="stable")
    ordered = weights[order] / weights.sum()
    taken = np.clip(share - (np.cumsum(ordered) - ordered), 0.0, ordered)
    return float(values[order] @ taken / taken.sum())


def floored(share: float, time_constant: float) -> Rule:
    """Expected shortfall, and no less than the lowest of the last four epochs: what was passed on the way up does not count against a run."""
    return lambda curve: max(shortfall(curve, share, time_constant), float(curve[-FLOOR_EPOCHS:].min()))


def drawdowns(share: float, time_constant: float) -> Rule:
    """`reports.stability.drawdown_shortfall` with other constants."""

    def score(curve: Floats) -> float:
        progress = np.maximum(curve[-FLOOR_EPOCHS:].min() - np.maximum.accumulate(curve), 0.0)
        return shortfall(curve + progress, share, time_constant)

    return score


def isotonic_shortfall(share: float, time_constant: float) -> Rule:
    """Level at the end plus the expected shortfall of what lies around a trend that never falls (isotonic regression), floored as above."""

    def score(curve: Floats) -> float:
        weights = np.exp(-np.arange(curve.size - 1, -1, -1) / time_constant)
        return max(
            smoothed_level(curve) + shortfall(curve - isotonic(curve, weights), share, time_constant), float(curve[-FLOOR_EPOCHS:].min())
        )

    return score


def isotonic(values: Floats, weights: Floats) -> Floats:
    """Closest curve that never falls, by weighted squares: pool adjacent violators."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        mean, mass, size = float(value), float(weight), 1
        while blocks and blocks[-1][0] >= mean:
            before, other, count = blocks.pop()
            mean, mass, size = (mean * mass + before * other) / (mass + other), mass + other, size + count
        blocks.append((mean, mass, size))
    return np.concatenate([np.full(size, mean) for mean, _, size in blocks])


def detrended(share: float, time_constant: float) -> Rule:
    """Expected shortfall around a straight trend of the late epochs that never falls, floored as above."""

    def score(curve: Floats) -> float:
        age = np.arange(curve.size - 1, -1, -1)
        weights = np.exp(-age / (2.0 * time_constant))
        slope = max(float(np.polyfit(-age, curve, 1, w=np.sqrt(weights))[0]), 0.0) if curve.size > 2 else 0.0
        return max(shortfall(curve + slope * age, share, time_constant), float(curve[-FLOOR_EPOCHS:].min()))

    return score


def trended_end(time_constant: float) -> Rule:
    """End of a straight line through the late epochs, weights e^(-age / time constant)."""

    def score(curve: Floats) -> float:
        age = np.arange(curve.size - 1, -1, -1)
        return float(np.polyfit(-age, curve, 1, w=np.exp(-age / (2.0 * time_constant)))[1]) if curve.size > 2 else float(curve.mean())

    return score


SIMPLE: dict[str, Rule] = {
    "last epoch": lambda curve: float(curve[-1]),
    "best epoch": lambda curve: float(curve.max()),
    "mean of last 3": last_mean(3),
    BASELINE: last_mean(5),
    "mean of last 10": last_mean(10),
    "smoothed, 1.5 epochs": lambda curve: smoothed_level(curve, 1.5),
    "smoothed, 3 epochs": lambda curve: smoothed_level(curve, 3.0),
    "smoothed, 6 epochs": lambda curve: smoothed_level(curve, 6.0),
    "smoothed, 12 epochs": lambda curve: smoothed_level(curve, 12.0),
    "mean of all epochs": lambda curve: float(curve.mean()),
}
"""Figures of any number of epochs."""
RULES: dict[str, Rule] = {
    **SIMPLE,
    "level (rate selected)": level,
    "line's end, 5 epochs": trended_end(5.0),
    "lowest of last 4": lambda curve: float(curve[-FLOOR_EPOCHS:].min()),
    "quantile .25 of last 5": last_quantile(5, 0.25),
    "quantile .2 of last 10": last_quantile(10, 0.2),
    "shortfall, 20 %, 3 epochs": lambda curve: shortfall(curve, 0.2, 3.0),
    "floored, 20 %, 3 epochs": floored(0.2, 3.0),
    "floored, 35 %, 3 epochs": floored(0.35, 3.0),
    "floored, 50 %, 3 epochs": floored(0.5, 3.0),
    "floored, 35 %, 5 epochs": floored(0.35, 5.0),
    "drawdowns, 20 %, 3 epochs": drawdowns(0.2, 3.0),
    "drawdowns, 35 %, 3 epochs": drawdowns(0.35, 3.0),
    "drawdowns, 50 %, 3 epochs": drawdowns(0.5, 3.0),
    "drawdowns, 20 %, 5 epochs": drawdowns(0.2, 5.0),
    "drawdowns, 35 %, 5 epochs": drawdowns(0.35, 5.0),
    "drawdowns, 50 %, 5 epochs": drawdowns(0.5, 5.0),
    "drawdowns, 20 %, 8 epochs": drawdowns(0.2, 8.0),
    "drawdowns, 35 %, 8 epochs": drawdowns(0.35, 8.0),
    STABLE: stable,
    "drawdowns, 100 %, 5 epochs": drawdowns(1.0, 5.0),
    "drawdowns, 100 %, 8 epochs": drawdowns(1.0, 8.0),
    "straight trend, 20 %, 3 epochs": detrended(0.2, 3.0),
    "straight trend, 50 %, 3 epochs": detrended(0.5, 3.0),
    "rising trend, 20 %, 3 epochs": isotonic_shortfall(0.2, 3.0),
    "rising trend, 50 %, 3 epochs": isotonic_shortfall(0.5, 3.0),
}
SHORTFALLS = ("floored", "drawdowns", "straight", "rising")
"""Beginnings of the rules that could become *stable*."""


@dataclass(frozen=True)
class Properties:
    """Whether a rule kept what *stable* must keep, on random curves; shares of curves on which it did.

    Attributes:
        progress: a curve that never falls is worth at least its value three epochs before the end.
        steadier: half the swing around the same straight trend is worth no less.
        shift: the whole curve moved moves the number by as much.
        raised_all: a curve raised everywhere, by different amounts, is worth no less.
        raised_one: a curve raised at one epoch is worth no less.
    """

    progress: float
    steadier: float
    shift: float
    raised_all: float
    raised_one: float


def properties(rule: Rule, curves: int, seed: int = 0) -> Properties:
    """Try a rule on random curves of 8 to 40 epochs."""
    draw = np.random.default_rng(seed)
    kept = np.zeros((curves, 5))
    for row in range(curves):
        epochs = int(draw.integers(8, 41))
        rising = np.sort(draw.random(epochs)) if row % 2 else 1.0 - np.exp(-np.arange(epochs) / draw.uniform(1, 30))
        swing = draw.normal(0.0, 0.05, epochs) * (1 if row % 3 else np.cos(np.pi * np.arange(epochs)))
        age = np.arange(epochs - 1, -1, -1)
        if row % 3:
            swing -= swing @ np.exp(-age / 3.0) / np.exp(-age / 3.0).sum()  # no net progress among the late epochs
        trend = 0.5 + draw.uniform(0.0, 0.01) * np.arange(epochs)
        curve = trend + swing
        one = curve.copy()
        one[draw.integers(max(0, epochs - 10), epochs)] += draw.uniform(0.0, 0.2)
        all_raised = curve + draw.uniform(0.0, 0.1) + draw.uniform(0.0, 0.02, epochs)
        value = rule(curve)
        kept[row] = (
            rule(rising) >= rising[-FLOOR_EPOCHS] - 1e-9,
            rule(trend + swing / 2.0) >= value - 1e-9,
            abs(rule(curve + 0.1) - value - 0.1) < 1e-9,
            rule(all_raised) >= value - 1e-9,
            rule(one) >= value - 1e-9,
        )
    return Properties(*(float(each) for each in kept.mean(axis=0)))


def property_table(curves: int) -> str:
    """Markdown: share of random curves on which each rule keeps what *stable* must keep."""
    lines = ["| rule | progress | steadier | shift | all raised | one raised |", "|---|---|---|---|---|---|"]
    for name, rule in RULES.items():
        kept = properties(rule, curves)
        shares = (kept.progress, kept.steadier, kept.shift, kept.raised_all, kept.raised_one)
        lines.append(f"| {name} | {' | '.join('always' if share == 1 else f'{share:.1%}' for share in shares)} |")
    return "\n".join(lines)
