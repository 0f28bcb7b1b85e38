"""When a search is over because nothing better is credible, on spaces whose best is known."""

from __future__ import annotations

import numpy as np
import pytest

from search_spaces.parsing import space_from_mapping
from search_spaces.space import SearchSpace
from sweeps.search.settled import possible_gain, worth_searching
from sweeps.search.view import SeenTrial

PLANE = space_from_mapping({"learning_rate": {"float": [1e-5, 1e-1], "log": True}, "dropout": {"float": [0.0, 0.6]}})
NOISE = 0.002


def holds(rate: float, dropout: float) -> float:
    """Best at a learning rate of 1e-3 and no dropout: .95."""
    return 0.95 - 0.02 * (np.log10(rate) + 3) ** 2 - 0.1 * dropout


def trials(count: int, low: float = 1e-5, high: float = 1e-1, seed: int = 0) -> list[SeenTrial]:
    generator = np.random.default_rng(seed)
    found = []
    for number in range(count):
        rate = float(10 ** generator.uniform(np.log10(low), np.log10(high)))
        dropout = float(generator.uniform(0, 0.6))
        score = float(holds(rate, dropout) + generator.normal(0, NOISE))
        found.append(SeenTrial(number, f"c{number}", "COMPLETE", {"learning_rate": rate, "dropout": dropout}, score, 10))
    return found


def gain(found: list[SeenTrial], *, space: SearchSpace = PLANE, maximize: bool = True) -> float:
    answer = possible_gain(space, found, maximize=maximize, seed=1)
    assert answer is not None
    return answer.gain


def test_a_space_that_was_covered_is_settled() -> None:
    assert gain(trials(80)) < 0.015


def test_where_better_regions_were_not_tried_it_is_not() -> None:
    unexplored = gain(trials(80, low=1e-5, high=1e-4))
    best = max(trial.score or 0 for trial in trials(80, low=1e-5, high=1e-4))
    assert unexplored > 0.95 - best > 0.01


def test_more_trials_leave_less_to_gain() -> None:
    gains = [np.mean([gain(trials(count, seed=seed)) for seed in range(3)]) for count in (20, 60, 150)]
    assert gains[0] > gains[1] > gains[2]


def test_the_bound_covers_what_is_really_left_to_gain() -> None:
    """In all of 20 random studies: the rule is conservative by design."""
    for seed in range(20):
        found = trials(25, seed=seed)
        left = 0.95 - max(holds(float(trial.point["learning_rate"]), float(trial.point["dropout"])) for trial in found)
        assert gain(found) >= left


def test_less_is_better_for_a_loss() -> None:
    flipped = [SeenTrial(t.number, t.configuration, t.state, t.point, -(t.score or 0.0), t.epochs) for t in trials(40)]
    assert gain(flipped, maximize=False) == pytest.approx(gain(trials(40)))


def test_few_trials_say_nothing_and_pruned_ones_are_not_counted() -> None:
    assert possible_gain(PLANE, trials(19), maximize=True, seed=0) is None
    pruned = [SeenTrial(t.number, t.configuration, "PRUNED", t.point, t.score, 2) for t in trials(40)]
    assert possible_gain(PLANE, [*trials(19), *pruned[19:]], maximize=True, seed=0) is None
    assert possible_gain(SearchSpace({}), trials(40), maximize=True, seed=0) is None


def test_the_same_trials_and_seed_give_the_same_answer() -> None:
    assert gain(trials(30)) == gain(trials(30))


def test_what_is_not_worth_a_search() -> None:
    assert worth_searching(0.9, 900, None) == pytest.approx(0.01)
    assert worth_searching(1.0, 100, None) == pytest.approx(np.sqrt(0.01 * 0.99 / 100))
    assert worth_searching(0.9, None, None) is None
    assert worth_searching(0.9, 900, 0.005) == 0.005
