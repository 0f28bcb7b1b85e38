"""Permutation tests of one response against one parameter, and Holm's adjustment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

SMALLEST_SIDE = 3
"""Configurations on either side of a split, or in a group, at least."""
SMALLEST_SIDE_SHARE = 0.1
MOST_CUTS = 32
"""Splits tried of one parameter, spread evenly over its values."""
CHUNK = 2_000_000
"""Values permuted at once, to bound memory."""


@dataclass(frozen=True)
class Split:
    """Where an ordered parameter parts the responses best.

    Attributes:
        p_value: chance of a parting as good, over permutations.
        cut: number of configurations on the lower side, in the order of the parameter.
        rises: whether the response is larger on the upper side.
    """

    p_value: float
    cut: int
    rises: bool


def order_test(ordered: Array, response: Array, permutations: int, rng: np.random.Generator) -> Split | None:
    """Maximally selected two-sample statistic of a response against an ordered parameter.

    Over all cuts between different values, |sum below - its expectation| over its standard deviation under permutation; the largest
    is compared with the largest of permuted responses, which pays for having chosen the cut.

    Args:
        ordered: the parameter's values in any monotone coding, ``(num_configurations,)``.
        response: share of flagged trials, ``(num_configurations,)``.
        permutations: how many.
        rng: their randomness.

    Returns:
        None when no cut leaves enough on both sides or the response is constant.

    Source: Miller & Siegmund, Biometrics 38 (1982) 1011; Hothorn & Lausen, Comput. Stat. Data Anal. 43 (2003) 121.
    """
    size = ordered.size
    order = np.argsort(ordered, kind="stable")
    values, outcome = ordered[order], response[order] - response.mean()
    least = max(SMALLEST_SIDE, int(np.ceil(SMALLEST_SIDE_SHARE * size)))
    cuts = np.arange(least, size - least + 1)
    cuts = cuts[values[cuts - 1] < values[np.minimum(cuts, size - 1)]] if cuts.size else cuts
    variance = float(outcome.var(ddof=1)) if size > 1 else 0.0
    if cuts.size == 0 or variance <= 0.0:
        return None
    if cuts.size > MOST_CUTS:
        cuts = cuts[np.unique(np.linspace(0, cuts.size - 1, MOST_CUTS).astype(np.int64))]
    scale = np.sqrt(variance * cuts * (size - cuts) / size)
    observed = np.cumsum(outcome)[cuts - 1] / scale
    best = int(np.abs(observed).argmax())
    reached = float(abs(observed[best])) * (1.0 - 1e-9)
    as_good = sum(
        int((np.abs(np.cumsum(block, axis=1)[:, cuts - 1] / scale).max(axis=1) >= reached).sum())
        for block in _permuted(outcome, permutations, rng)
    )
    return Split((as_good + 1) / (permutations + 1), int(cuts[best]), bool(observed[best] < 0.0))


def groups_test(groups: NDArray[np.int64], response: Array, permutations: int, rng: np.random.Generator) -> float | None:
    """Permutation p-value of the variance between groups (one-way layout) of a response.

    Args:
        groups: group of each configuration, 0 to num_groups - 1, ``(num_configurations,)``.
        response: share of flagged trials, ``(num_configurations,)``.
        permutations: how many.
        rng: their randomness.

    Returns:
        None with fewer than two groups or a constant response.
    """
    counts = np.bincount(groups)
    outcome = response - response.mean()
    if counts.size <= 1 or not outcome.any():
        return None
    member = (groups[:, None] == np.arange(counts.size)).astype(np.float64)

    def between(rows: Array) -> Array:
        sums: Array = ((rows @ member) ** 2 / np.maximum(counts, 1)).sum(axis=1)
        return sums

    reached = float(between(outcome[None, :])[0]) * (1.0 - 1e-9)
    as_good = sum(int((between(block) >= reached).sum()) for block in _permuted(outcome, permutations, rng))
    return (as_good + 1) / (permutations + 1)


def holm(p_values: Array) -> Array:
    """Holm's step-down adjustment, ``(num_tests,)``: holds the chance of any false claim, whatever the dependence.

    Source: Holm, Scand. J. Stat. 6 (1979) 65.
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(p_values.size, 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p_values[order] * factors))
    return adjusted


def _permuted(outcome: Array, permutations: int, rng: np.random.Generator) -> list[Array]:
    rows = max(1, CHUNK // outcome.size)
    sizes = [min(rows, permutations - start) for start in range(0, permutations, rows)]
    return [rng.permuted(np.broadcast_to(outcome, (size, outcome.size)), axis=1) for size in sizes]
