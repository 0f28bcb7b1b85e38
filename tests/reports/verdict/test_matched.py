from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from reports.records import ParameterRecord
from reports.verdict.matched import STEP, compare_pairs, groups_alike, spaced


def test_groups_share_all_other_settings_and_have_two_members_at_least() -> None:
    groups = groups_alike(["a", "b", "a", "c", "b", "a"])
    assert sorted(group.tolist() for group in groups) == [[0, 2, 5], [1, 4]]


def test_no_configuration_is_in_two_pairs() -> None:
    values, response = np.log(np.array([1.0, 2.0, 4.0, 8.0, 16.0])), np.array([0.0, 0.0, 1.0, 1.0, 1.0])
    found = compare_pairs([np.arange(5)], values, response, np.log(2.0) - STEP)
    assert (found.pairs, found.agree, found.against) == (2, 2, 0), "1 and 4, 2 and 8; 16 has none left"
    assert found.p_value is None, "three pairs are needed"


def test_the_p_value_is_that_of_all_permutations_within_groups() -> None:
    rng = np.random.default_rng(0)
    groups = [np.arange(start, start + 3) for start in range(0, 9, 3)]
    values, response = np.tile([0.0, 1.0, 2.0], 3), rng.normal(size=9)
    found = compare_pairs(groups, values, response, STEP)
    weights = np.array([-2.0, 0.0, 2.0]) / 3
    reached = sum(weights @ response[group] for group in groups)
    every = [
        sum(weights @ part for part in parts)
        for parts in itertools.product(*([*itertools.permutations(response[group])] for group in groups))
    ]
    exact = float(np.mean(np.array(every) >= reached - 1e-9))
    assert found.p_value == pytest.approx(exact, abs=0.02)


def test_the_normal_distribution_stands_for_many_permutations() -> None:
    rng = np.random.default_rng(1)
    groups = [np.arange(start, start + 2) for start in range(0, 600, 2)]
    values = np.tile([0.0, 1.0], 300)
    response = rng.normal(size=600) + 0.1 * values
    differences = response[1::2] - response[::2]
    flips = rng.choice([-1.0, 1.0], size=(20_000, 300)) @ differences
    assert compare_pairs(groups, values, response, STEP).p_value == pytest.approx(np.mean(flips >= differences.sum()), abs=0.01)


def test_p_values_are_valid_where_nothing_matters() -> None:
    rng = np.random.default_rng(2)
    groups = [np.arange(start, start + 4) for start in range(0, 24, 4)]
    values = np.tile([0.0, 1.0, 2.0, 3.0], 6)
    p_values = np.array([compare_pairs(groups, values, rng.random(24), STEP).p_value for _ in range(200)])
    assert np.mean(p_values <= 0.05) <= 0.085
    assert 0.4 < p_values.mean() < 0.6


def test_a_split_compares_across_it_alone() -> None:
    values, response = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), np.array([5.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    found = compare_pairs([np.arange(6)], values, response, STEP, split=3.0)
    assert (found.pairs, found.agree, found.against) == (3, 2, 1)


@pytest.mark.parametrize(
    ("parameter", "values", "apart", "near"),
    [
        (ParameterRecord("learning_rate", "float", log=True), [0.001, 0.002, 0.0011], (0, 1), (0, 2)),
        (ParameterRecord("dropout", "float"), [0.0, 0.6, 0.01], (0, 1), (0, 2)),
        (ParameterRecord("shift", "float"), [-1.0, 1.0, -0.9], (0, 1), (0, 2)),
    ],
)
def test_numbers_lie_apart_by_a_factor_of_two(
    parameter: ParameterRecord, values: list[float], apart: tuple[int, int], near: tuple[int, int]
) -> None:
    scaled, gap = spaced(parameter, np.array(values))
    assert abs(scaled[apart[1]] - scaled[apart[0]]) >= gap
    assert abs(scaled[near[1]] - scaled[near[0]]) < gap


def test_labels_and_whole_numbers_lie_apart_by_a_step() -> None:
    for kind in ("int", "ordinal"):
        scaled, gap = spaced(ParameterRecord("layers", kind, labels=("a", "b")), np.array([0.0, 1.0]))
        assert scaled[1] - scaled[0] >= gap


def test_one_group_of_ten_thousand_takes_no_second() -> None:
    rng = np.random.default_rng(3)
    began = time.process_time()
    found = compare_pairs([np.arange(10_000)], rng.normal(size=10_000), rng.random(10_000), 0.5)
    assert found.pairs > 3000
    assert time.process_time() - began < 1.0
