"""The race: fresh trainings go where they may change the choice, and stop when it is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reports.ranking.belief import Contender, belief
from reports.ranking.race import DECIDED, in_race, next_contender, trainings_to_decide

TRUTH = (0.870, 0.868, 0.850, 0.845, 0.840, 0.835, 0.830, 0.80, 0.70, 0.30)
SEED_SD = 0.01


def search(rng: np.random.Generator, truth: tuple[float, ...] = TRUTH) -> list[Contender]:
    return [Contender(f"c{i}", (value + rng.normal(0, SEED_SD),)) for i, value in enumerate(truth)]


def test_a_race_goes_to_those_that_may_be_the_best_and_ends_when_one_is_known() -> None:
    rng = np.random.default_rng(4)
    rows = search(rng)
    for number in range(200):
        chosen = next_contender(rows, num_val=800, seed=number)
        if chosen is None:
            break
        known = belief(rows, num_val=800, seed=number)
        place = int(chosen[1:])
        assert place in in_race(known)
        rows[place] = replace(rows[place], fresh=(*rows[place].fresh, TRUTH[place] + rng.normal(0, SEED_SD)))
    fresh = [len(each.fresh) for each in rows]
    known = belief(rows, num_val=800, seed=number)
    assert known.probability_near.max() >= DECIDED
    assert TRUTH[int(known.probability_near.argmax())] >= max(TRUTH) - 0.005
    assert sum(fresh[7:]) == 0
    assert 2 <= sum(fresh) < 200


def test_the_same_figures_and_seed_send_the_next_training_to_the_same_configuration() -> None:
    rows = search(np.random.default_rng(1))
    assert len({next_contender(rows, num_val=800, seed=7) for _ in range(3)}) == 1


def test_trainings_under_way_count_so_that_several_at_a_time_are_shared_out() -> None:
    rows = [Contender(f"c{i}", (value,)) for i, value in enumerate((0.87, 0.869, 0.868, 0.86, 0.82, 0.8, 0.78))]
    chosen = []
    for _ in range(4):
        name = next_contender(rows, num_val=500)
        chosen.append(name)
        rows = [replace(each, pending=each.pending + (each.configuration == name)) for each in rows]
    assert len(set(chosen)) >= 3


def test_a_configuration_whose_fresh_trainings_fail_gets_no_more_of_them() -> None:
    rows = [Contender(f"c{i}", (value,)) for i, value in enumerate((0.87, 0.868, 0.866, 0.85, 0.82, 0.8))]
    first = next_contender(rows, num_val=500)
    failing = [replace(each, failed=1) if each.configuration == first else each for each in rows]
    assert next_contender(failing, num_val=500) not in {first, None}
    assert next_contender([replace(each, failed=1) for each in rows], num_val=500) is None


@pytest.mark.parametrize("figures", [(), (0.9,), (0.9, 0.5, 0.4, 0.3, 0.2, 0.1)])
def test_nothing_to_decide_needs_no_training(figures: tuple[float, ...]) -> None:
    rows = [Contender(f"c{i}", (value, value, value)) for i, value in enumerate(figures)]
    assert next_contender(rows, num_val=2000) is None
    assert trainings_to_decide(rows, num_val=2000) == 0


def test_the_predicted_number_of_trainings_is_about_what_it_takes() -> None:
    said, took = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        rows = search(rng)
        said.append(trainings_to_decide(rows, num_val=800) or 0)
        number = 0
        while number < 200 and (chosen := next_contender(rows, num_val=800)) is not None:
            place = int(chosen[1:])
            rows[place] = replace(rows[place], fresh=(*rows[place].fresh, TRUTH[place] + rng.normal(0, SEED_SD)))
            number += 1
        took.append(number)
    assert np.mean(took) / 3 <= np.mean(said) <= 3 * np.mean(took)


def test_equals_that_no_number_of_trainings_tells_apart_are_soon_near_each_other() -> None:
    """Two that are equal need not be told apart: either is within half a point of the best."""
    rows = [Contender(f"c{i}", (0.87, 0.87, 0.87, 0.87)) for i in range(2)]
    assert trainings_to_decide(rows, paired_sd=0.002) == 0
    far = [Contender(f"c{i}", (0.87 + 0.0001 * i,)) for i in range(40)]
    assert trainings_to_decide(far, paired_sd=0.03) is None
