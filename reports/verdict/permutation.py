"""Permutation tests of one response against one parameter, and Holm's adjustment for many tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]


FEW = 300
"""Values up to which permuting them all is faster than drawing how many fall where."""
CHUNK = 2_000_000
"""Values permuted at once, to bound memory."""


def permuted_sums(segments: NDArray[np.int64], values: Array, number: int, rng: np.random.Generator) -> Array:
    """Sums over neighbouring segments of randomly permuted values, ``(number, num_segments)``.

    Most values of a flag's shares are 0, or all others are 1. How many of the values that differ from the commonest fall into each segment
    is multivariate hypergeometric, whatever the number of configurations; only where they also differ among themselves is it drawn which
    of them lies where. The distribution is that of permuting all values.

    Args:
        segments: how many values each segment holds, ``(num_segments,)``, summing to the number of values.
        values: ``(num_values,)``.
        number: permutations.
        rng: their randomness.
    """
    if values.size <= FEW:
        common, others, falls = 0.0, values, np.broadcast_to(segments, (number, segments.size))
    else:
        distinct, counts = np.unique(values, return_counts=True)
        common = float(distinct[counts.argmax()])
        others = values[values != common] - common
        falls = rng.multivariate_hypergeometric(segments, others.size, size=number, method="marginals")
    base = common * segments
    if others.size == 0 or float(np.ptp(others)) == 0.0:
        return base + falls * (float(others[0]) if others.size else 0.0)
    ends = np.cumsum(falls, axis=1)
    rows = max(1, CHUNK // others.size)
    sums = np.empty(ends.shape)
    for start in range(0, number, rows):
        part = ends[start : start + rows]
        total = np.zeros((part.shape[0], others.size + 1))
        np.cumsum(rng.permuted(np.broadcast_to(others, (part.shape[0], others.size)), axis=1), axis=1, out=total[:, 1:])
        sums[start : start + rows] = np.take_along_axis(total, part, axis=1)
    return base + np.diff(sums, axis=1, prepend=0.0)


SMALLEST_SIDE = 3
"""Configurations on either side of a split, or in a group, at least."""
SMALLEST_SIDE_SHARE = 0.1
MOST_CUTS = 32
"""Splits tried of one parameter, spread evenly over its values."""
FIRST_BLOCK = 128
"""Permutations drawn before the first look; every further block is twice as large."""
LARGEST_BLOCK = 4096


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


@dataclass(frozen=True)
class Permutations:
    """How many permutations a test draws.

    Attributes:
        most: at most so many.
        enough: sampling stops once so many were as good: the p-value is then known to a relative error of 1/√enough.
        rng: their randomness.
    """

    most: int
    enough: int
    rng: np.random.Generator


def order_test(ordered: Array, response: Array, permutations: Permutations) -> Split | None:
    """Maximally selected two-sample statistic of a response against an ordered parameter.

    Over all cuts between different values, |sum below - its expectation| over its standard deviation under permutation; the largest
    is compared with the largest of permuted responses, which pays for having chosen the cut.

    Args:
        ordered: the parameter's values in any monotone coding, ``(num_configurations,)``.
        response: share of flagged trials, ``(num_configurations,)``.
        permutations: how many, and their randomness.

    Returns:
        None when no cut leaves enough on both sides or the response is constant.

    Source: Miller & Siegmund, Biometrics 38 (1982) 1011; Hothorn & Lausen, Comput. Stat. Data Anal. 43 (2003) 121.
    """
    size = ordered.size
    order = np.argsort(ordered, kind="stable")
    values, outcome = ordered[order], response[order]
    least = max(SMALLEST_SIDE, int(np.ceil(SMALLEST_SIDE_SHARE * size)))
    cuts = np.arange(least, size - least + 1)
    cuts = cuts[values[cuts - 1] < values[np.minimum(cuts, size - 1)]] if cuts.size else cuts
    variance = float(outcome.var(ddof=1)) if size > 1 else 0.0
    if cuts.size == 0 or variance <= 0.0:
        return None
    if cuts.size > MOST_CUTS:
        cuts = cuts[np.unique(np.linspace(0, cuts.size - 1, MOST_CUTS).astype(np.int64))]
    expected = outcome.mean() * cuts
    scale = np.sqrt(variance * cuts * (size - cuts) / size)
    between_cuts = np.diff(cuts, prepend=0, append=size)
    observed = (np.cumsum(outcome)[cuts - 1] - expected) / scale
    best = int(np.abs(observed).argmax())

    def parting(sums: Array) -> Array:
        largest: Array = np.abs((np.cumsum(sums[:, :-1], axis=1) - expected) / scale).max(axis=1)
        return largest

    p_value = _p_value(abs(float(observed[best])), parting, between_cuts, outcome, permutations)
    return Split(p_value, int(cuts[best]), bool(observed[best] < 0.0))


def groups_test(groups: NDArray[np.int64], response: Array, permutations: Permutations) -> float | None:
    """Permutation p-value of the variance between groups (one-way layout) of a response.

    Args:
        groups: group of each configuration, 0 to num_groups - 1, ``(num_configurations,)``.
        response: share of flagged trials, ``(num_configurations,)``.
        permutations: how many, and their randomness.

    Returns:
        None with fewer than two groups or a constant response.
    """
    counts = np.bincount(groups)
    if counts.size <= 1 or float(np.ptp(response)) == 0.0:
        return None
    expected = response.mean() * counts

    def between(sums: Array) -> Array:
        squares: Array = ((sums - expected) ** 2 / np.maximum(counts, 1)).sum(axis=1)
        return squares

    observed = between(np.bincount(groups, weights=response).astype(np.float64)[None, :])
    return _p_value(float(observed[0]), between, counts, response, permutations)


def holm(p_values: Array) -> Array:
    """Holm's step-down adjustment, ``(num_tests,)``: holds the chance of any false claim, whatever the dependence.

    Source: Holm, Scand. J. Stat. 6 (1979) 65.
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(p_values.size, 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p_values[order] * factors))
    return adjusted


def _p_value(
    reached: float, statistic: Callable[[Array], Array], segments: NDArray[np.int64], response: Array, permutations: Permutations
) -> float:
    """Chance of a statistic of at least `reached` when the responses are permuted over the segments.

    Sequential: sampling stops at the h-th permutation as good, after L, with p = h/L; where only g < h of all n are, p = (g + 1)/(n + 1),
    as without stopping. This is a valid p-value (chance of p ≤ x at most x), and those small enough to count take all permutations.

    Source: Besag & Clifford, Biometrika 78 (1991) 301.
    """
    reached *= 1.0 - 1e-9
    drawn = as_good = 0
    block = FIRST_BLOCK
    while drawn < permutations.most:
        number = min(block, permutations.most - drawn)
        good = np.flatnonzero(statistic(permuted_sums(segments, response, number, permutations.rng)) >= reached)
        if as_good + good.size >= permutations.enough:
            return permutations.enough / (drawn + int(good[permutations.enough - as_good - 1]) + 1)
        as_good += good.size
        drawn += number
        block = min(2 * block, LARGEST_BLOCK)
    return (as_good + 1) / (permutations.most + 1)
