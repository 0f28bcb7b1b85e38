"""Configurations that differ in one setting alone: how many pairs there are, what they show, and how often chance shows as much."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray

    from reports.records import ParameterRecord

    Array = NDArray[np.float64]

SMALLEST_PAIRS = 3
"""Pairs, no configuration in two of them, below which nothing is called tested."""
FACTOR = 2.0
"""Two values of a number lie apart when the larger is so many times the smaller; labels and whole numbers by a whole step."""
SMALLEST_SHARE = 0.05
"""Values below this share of the largest count as this share: a dropout of 0 is not infinitely far from one of .01."""
RANGE_SHARE = 0.25
"""Numbers that may be negative lie apart by this share of their range."""
STEP = 1e-9
"""Least distance of two values where a whole step is enough: any at all."""
PERMUTATIONS = 4_999
MOST_PERMUTED = 400
"""Configurations in groups that say something, up to which they are permuted; the normal distribution stands for the permutations of more."""
CHUNK = 1_000_000
SEED = 20_210_603


@dataclass(frozen=True)
class MatchedPairs:
    """What configurations that differ in one setting alone show of a response.

    Attributes:
        pairs: how many pairs there are that share no configuration.
        agree: in how many of them the response is larger where it is expected to be.
        against: in how many it is smaller.
        p_value: one-sided: how often the responses, permuted within each group of configurations that differ in this setting alone, are as much larger
            where they are expected to be; None with fewer than three pairs, 1 where no group's responses differ.
    """

    pairs: int
    agree: int
    against: int
    p_value: float | None


def spaced(parameter: ParameterRecord, values: Array) -> tuple[Array, float]:
    """A parameter's values on the scale on which two of them lie apart, and the distance from which they do.

    Args:
        parameter: how its values are ordered.
        values: as numbers (`reports.verdict.importance.value_codes`), at least one, ``(num_configurations,)``.
    """
    if parameter.kind != "float":
        return values, STEP
    least, most = float(np.nanmin(values)), float(np.nanmax(values))
    if least < 0.0 or most == 0.0:
        return values, max(STEP, RANGE_SHARE * (most - least))
    return np.log(np.maximum(values, 0.0 if parameter.log else SMALLEST_SHARE * most)), math.log(FACTOR) - STEP


def groups_alike(others: Sequence[Hashable]) -> list[NDArray[np.int64]]:
    """Places of the configurations that share all other settings, of groups of two and more.

    Args:
        others: each configuration's other settings; equal where they are.
    """
    found: dict[Hashable, list[int]] = defaultdict(list)
    for place, each in enumerate(others):
        found[each].append(place)
    return [np.array(members, dtype=np.int64) for members in found.values() if len(members) > 1]


def compare_pairs(
    groups: Sequence[NDArray[np.int64]], values: Array, response: Array, gap: float, *, split: float | None = None
) -> MatchedPairs:
    """Compare the configurations of each group whose values of the setting lie at least `gap` apart.

    The statistic sums, over groups, the mean over all such pairs of the response at the larger value less that at the smaller; it is linear in the responses, so
    that nothing is quadratic in the size of a group.

    Args:
        groups: see `groups_alike`.
        values: of the setting, such that the response is expected to be larger where they are, ``(num_configurations,)``; NaN takes no part.
        response: ``(num_configurations,)``.
        gap: least distance of two values, > 0.
        split: where given, the larger value must lie above it and the smaller one below.
    """
    weights: list[Array] = []
    members: list[NDArray[np.int64]] = []
    block: list[NDArray[np.int64]] = []
    pairs = agree = against = 0
    for group in groups:
        inside = group[np.isfinite(values[group])]
        inside = inside[np.argsort(values[inside], kind="stable")]
        ordered = values[inside]
        low = np.ones(inside.size, dtype=np.bool_) if split is None else ordered < split
        high = np.ones(inside.size, dtype=np.bool_) if split is None else ~low
        below, above = ordered[low], ordered[high]
        partners = high * np.searchsorted(below, ordered - gap, side="right") - low * (
            above.size - np.searchsorted(above, ordered + gap, side="left")
        )
        if not partners.any():
            continue
        weights.append(partners / inside.size)
        members.append(inside)
        block.append(np.full(inside.size, len(block)))
        for upper, lower in _disjoint(inside, ordered, gap, split):
            pairs += 1
            agree += bool(response[upper] > response[lower])
            against += bool(response[upper] < response[lower])
    p_value = None
    if pairs >= SMALLEST_PAIRS:
        p_value = _p_value(np.concatenate(weights), response[np.concatenate(members)], np.concatenate(block))
    return MatchedPairs(pairs, agree, against, p_value)


def _disjoint(inside: NDArray[np.int64], ordered: Array, gap: float, split: float | None) -> list[tuple[int, int]]:
    """As many pairs of places (larger, smaller value) as there are without using one twice; `ordered` values rise."""
    border = ordered.size // 2 if split is None else int(np.searchsorted(ordered, split, side="left"))
    found, lower = [], 0
    for upper in range(border, ordered.size):
        if lower < border and ordered[lower] <= ordered[upper] - gap:
            found.append((int(inside[upper]), int(inside[lower])))
            lower += 1
    return found


def _p_value(weights: Array, response: Array, block: NDArray[np.int64]) -> float:
    """One-sided p-value of the sum of weighted responses when they are permuted within blocks."""
    sizes = np.bincount(block)
    varies = np.bincount(block, response**2) - np.bincount(block, response) ** 2 / sizes > STEP
    taken = varies[block]
    if not taken.any():
        return 1.0
    weights, response, block = weights[taken], response[taken], block[taken]
    sizes = np.maximum(np.bincount(block), 1)
    around = response - (np.bincount(block, response) / sizes)[block]
    weights = weights - (np.bincount(block, weights) / sizes)[block]
    reached = float(weights @ around)
    if block.size > MOST_PERMUTED:
        variance = np.bincount(block, weights**2) * np.bincount(block, around**2) / np.maximum(sizes - 1, 1)
        return 0.5 * math.erfc(reached / math.sqrt(2.0 * float(variance.sum())))
    rng = np.random.default_rng(SEED)
    rows = max(1, CHUNK // block.size)
    as_good = 1
    for start in range(0, PERMUTATIONS, rows):
        keys = block + rng.random((min(rows, PERMUTATIONS - start), block.size))
        as_good += int((around[np.argsort(keys, axis=1)] @ weights >= reached - STEP).sum())
    return as_good / (PERMUTATIONS + 1)
