"""A flag's rule: conditions on named figures of a curve, how far a curve is from the rule's edge, and what share of readers agreed there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reports.flags.flag import Forecast

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Condition:
    """One figure against one threshold.

    Attributes:
        figure: name of the figure.
        side: whether the figure has to be at least or at most the threshold.
        threshold: in the figure's unit; not 0, since distances are told in thresholds.
    """

    figure: str
    side: Literal[">=", "<="]
    threshold: float

    def margin(self, value: float) -> float:
        """How far a figure is on the condition's side, in thresholds, from -1 to 1; -1 for a figure that is not known."""
        if math.isnan(value):
            return -1.0
        away = (value - self.threshold) / abs(self.threshold)
        return min(max(away if self.side == ">=" else -away, -1.0), 1.0)


@dataclass(frozen=True)
class Rule:
    """Ways to earn a flag, each a list of conditions that hold together, and the chance that readers agree.

    All numbers are chosen by `python benchmarks/flags.py --choose` and written down in the flag's own file.

    Attributes:
        ways: any of them is enough.
        intercept: log odds that readers call a curve so at the rule's edge.
        slope: log odds gained from the edge to a margin of 1.
        forecast: intercept and slope of the log odds that such a curve goes on to do what the flag warns of; None for flags that do not.
    """

    ways: tuple[tuple[Condition, ...], ...]
    intercept: float = 0.0
    slope: float = 0.0
    forecast: tuple[float, float] | None = None

    def margin(self, figures: Mapping[str, float]) -> float:
        """How far inside the rule a curve is, from -1 to 1; at least 0 where it is met. The weakest condition of the best way counts."""
        return max(min(condition.margin(figures[condition.figure]) for condition in way) for way in self.ways)

    def probability(self, figures: Mapping[str, float]) -> float:
        """Share of curves as far inside the rule that readers called so, in [0, 1]."""
        return _share(self.intercept, self.slope, self.margin(figures))

    def ahead(self, figures: Mapping[str, float], event: str) -> Forecast | None:
        """Share of curves as far inside the rule at 60 % of their epochs that did in the others what the flag warns of."""
        return None if self.forecast is None else Forecast(_share(*self.forecast, self.margin(figures)), event)


def _share(intercept: float, slope: float, margin: float) -> float:
    return 1.0 / (1.0 + math.exp(-intercept - slope * margin))
