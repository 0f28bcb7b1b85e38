"""Marginal effects: the mean of a target along one parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reports.records import ParameterRecord
    from reports.records.trial import ParameterValue

BINS = 6
"""Bins of a numeric parameter, of about equally many configurations each."""
SMALLEST_BIN = 3
"""Configurations a bin of a numeric parameter holds at least, where there are as many."""


@dataclass(frozen=True)
class EffectBin:
    """The target over one value or range of a parameter.

    Attributes:
        label: the choice, or the range in words.
        low: smallest value in the bin, None for choices.
        high: largest value in the bin, None for choices.
        mean: mean of the target there.
        sd: standard deviation of the target there, 0 for one configuration.
        configurations: how many.
    """

    label: str
    low: float | None
    high: float | None
    mean: float
    sd: float
    configurations: int


def marginal_effects(parameter: ParameterRecord, values: Sequence[ParameterValue], target: NDArray[np.float64]) -> tuple[EffectBin, ...]:
    """Mean of a target by label, or over ranges of a numeric parameter.

    Args:
        parameter: whose effect.
        values: its value in each configuration.
        target: ``(num_configurations,)``.
    """
    if parameter.kind in {"choice", "ordinal"}:
        texts = np.array([str(value) for value in values])
        labels = [*parameter.labels, *sorted(set(texts.tolist()) - set(parameter.labels))]
        return tuple(_bin(label, None, None, target[texts == label]) for label in labels if (texts == label).any())
    numbers = np.array([float(value) for value in values if isinstance(value, int | float | str)])
    if numbers.size == 0:
        return ()
    bins = max(1, min(BINS, numbers.size // SMALLEST_BIN))
    edges = np.unique(np.quantile(numbers, np.linspace(0.0, 1.0, bins + 1)))
    place = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, max(0, edges.size - 2))
    found = []
    for k in range(max(1, edges.size - 1)):
        inside = place == k
        if inside.any():
            low, high = float(numbers[inside].min()), float(numbers[inside].max())
            found.append(_bin(f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}", low, high, target[inside]))
    return tuple(found)


def _bin(label: str, low: float | None, high: float | None, target: NDArray[np.float64]) -> EffectBin:
    return EffectBin(label, low, high, float(target.mean()), float(target.std(ddof=1)) if target.size > 1 else 0.0, int(target.size))
