from __future__ import annotations

import itertools

import numpy as np
import pytest

from reports.verdict import permutation as module
from reports.verdict.permutation import Permutations, groups_test, order_test, permuted_sums


@pytest.mark.parametrize("few", [0, 300])
@pytest.mark.parametrize("values", [[0.0, 0.0, 1.0, 1.0, 1.0], [0.5, 0.0, 0.0, 1.0, 0.25], [1.0, 1.0, 1.0, 0.0, 0.0]])
def test_sums_are_distributed_as_under_all_permutations(values: list[float], few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW", few)
    segments = np.array([2, 0, 1, 2])
    ends = np.cumsum(segments)
    every = [tuple(np.diff(np.append(0.0, np.cumsum(order))[ends], prepend=0.0).round(6)) for order in itertools.permutations(values)]
    drawn = [tuple(row) for row in permuted_sums(segments, np.array(values), 20_000, np.random.default_rng(1)).round(6)]
    assert set(drawn) == set(every)
    for sums in set(every):
        share = every.count(sums) / len(every)
        assert drawn.count(sums) / len(drawn) == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / len(drawn)))


def test_a_small_p_value_is_that_of_all_permutations_and_a_large_one_ends_early() -> None:
    rng = np.random.default_rng(2)
    values = rng.random(2000)
    planted = (rng.random(2000) < 0.1 + 0.06 * (values > 0.5)).astype(float)
    unrelated = (rng.random(2000) < 0.2).astype(float)

    def p_value(response: np.ndarray, enough: int, seed: int) -> float:
        split = order_test(values, response, Permutations(4999, enough, np.random.default_rng(seed)))
        assert split is not None
        return split.p_value

    assert p_value(planted, 100, 3) == p_value(planted, 5000, 3) < 0.02
    early, full = p_value(unrelated, 100, 3), p_value(unrelated, 5000, 3)
    assert full > 0.02
    assert early != full
    assert early == pytest.approx(full, rel=0.35)


def test_p_values_are_valid_when_nothing_is_there() -> None:
    rng = np.random.default_rng(4)
    p_values = []
    for _ in range(400):
        response = (rng.random(60) < 0.3).astype(float)
        permutations = Permutations(199, 10, rng)
        split = order_test(rng.random(60), response, permutations)
        grouped = groups_test(rng.integers(0, 3, 60), response, permutations)
        assert split is not None
        assert grouped is not None
        p_values += [split.p_value, grouped]
    for level in (0.01, 0.05, 0.2, 0.5):
        assert np.mean(np.array(p_values) <= level) <= level + 4 * np.sqrt(level * (1 - level) / len(p_values))
