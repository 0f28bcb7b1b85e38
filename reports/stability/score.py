"""The three figures of a learning curve (a first version of the score)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

TIME_CONSTANT_EPOCHS = 3.0
TAIL_SHARE = 0.2
COMPLETE_EPOCHS = 5


@dataclass(frozen=True)
class StabilityScore:
    """What a run holds.

    Attributes:
        level: weighted mean of late epochs, in the metric's unit.
        stable: expected shortfall of late epochs: what a stop at an arbitrary late epoch is still worth.
        spread: level - stable, ≥ 0.
        epochs: epochs that entered.
        provisional: fewer than five epochs; never outranks a complete score.
    """

    level: float
    stable: float
    spread: float
    epochs: int
    provisional: bool


def stability(curve: ArrayLike, *, maximize: bool = True) -> StabilityScore | None:
    """Score a curve of shape ``(num_epochs,)``; None when no epoch has a value.

    NaN is a missing epoch and is skipped, keeping its age; ±infinity is a failed epoch.
    """
    values = np.asarray(curve, dtype=np.float64)
    present = ~np.isnan(values)
    if not present.any():
        return None
    high, low = level(values, maximize=maximize), stable(values, maximize=maximize)
    epochs = int(present.sum())
    return StabilityScore(high, low, abs(high - low), epochs, epochs < COMPLETE_EPOCHS)


def level(curve: ArrayLike, *, maximize: bool = True) -> float:
    """Exponentially weighted mean of the present epochs of a curve ``(num_epochs,)``; weights e^(-age/3)."""
    del maximize
    values, weights = _late_weights(np.asarray(curve, dtype=np.float64))
    return float(values @ weights)


def stable(curve: ArrayLike, *, maximize: bool = True) -> float:
    """Mean of the worst 20 % of weight of a curve ``(num_epochs,)``: an expected shortfall (Acerbi & Tasche 2002, eq. 3.3)."""
    values, weights = _late_weights(np.asarray(curve, dtype=np.float64))
    order = np.argsort(values if maximize else -values, kind="stable")
    before = np.concatenate([[0.0], np.cumsum(weights[order])[:-1]])
    taken = np.clip(TAIL_SHARE - before, 0.0, weights[order])
    return float(values[order] @ taken / taken.sum())


def _late_weights(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Present values and their normalised weights."""
    present = ~np.isnan(values)
    age = np.arange(len(values) - 1, -1, -1, dtype=np.float64)[present]
    weights = np.exp(-(age - age.min()) / TIME_CONSTANT_EPOCHS)
    return values[present], weights / weights.sum()
