"""Samplers: reproducible, inside the space, better than chance, and never twice the same."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from search_spaces.located_yaml import load_yaml
from search_spaces.parsing import parse_space
from search_spaces.space import SearchSpace
from sweeps.errors import SweepInputError
from sweeps.search.proposals import Proposer
from sweeps.search.samplers import make_sampler
from sweeps.search.view import BEST, OTHERS, SearchHistory, SeenTrial, inside, pruned_below

if TYPE_CHECKING:
    from collections.abc import Mapping

    from search_spaces.conditions import PointValue

CONDITIONAL = """
learning_rate: {float: [1.0e-5, 1.0e-1], log: true}
dropout: {float: [0.0, 0.6], step: 0.05}
frozen_layers: {ordinal: [none, 25%, 50%, 75%, all]}
bn_momentum: {choice: [0.5, 0.9, 0.99], when: frozen_layers != all}
optimizer: {choice: [adam, sgd]}
momentum: {float: [0.5, 0.99], when: optimizer == sgd}
batch_size: {int: [8, 128], log: true}
"""
OPTIONS = {"gp": {"n_candidates": 200}}  # enough for tests
SAMPLERS = ["tpe", "random", "qmc", "gp", "cmaes"]


def space(text: str) -> SearchSpace:
    return parse_space(load_yaml(text, "space.yaml"))


def identity(point: Mapping[str, PointValue]) -> str:
    return repr(sorted(point.items()))


def value(point: Mapping[str, PointValue]) -> float:
    """Best at a rate of 1e-3 with half of the layers frozen and little dropout."""
    layers = ["none", "25%", "50%", "75%", "all"].index(str(point["frozen_layers"]))
    return 1 - 0.1 * abs(math.log10(float(point["learning_rate"])) + 3) - 0.1 * abs(layers - 2) - 0.3 * float(point["dropout"])


def search(sampler: str, trials: int, seed: int = 0) -> list[SeenTrial]:
    """A sequential search on `value`; every third trial is pruned with a score below what it would reach."""
    searched = space(CONDITIONAL)
    proposer = Proposer(searched, make_sampler(sampler, OPTIONS.get(sampler, {}), searched), identity, seed, maximize=True)
    history, taken, seen = SearchHistory(searched, maximize=True), set[str](), []
    for number in range(trials):
        proposal = proposer.next(history.shown(), taken, number)
        assert proposal is not None
        assert inside(proposal.point, searched)
        pruned = number % 3 == 2 and value(proposal.point) < 0.6
        score, state = value(proposal.point) - 0.2 * pruned, "PRUNED" if pruned else "COMPLETE"
        trial = SeenTrial(number, proposal.configuration, state, proposal.point, score, 2 if pruned else 9, proposal.memory)  # type: ignore[arg-type]
        history.add(trial)
        taken.add(proposal.configuration)
        seen.append(trial)
    return seen


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_proposals_are_inside_distinct_and_the_same_for_the_same_seed(sampler: str) -> None:
    first, second, other = search(sampler, 16), search(sampler, 16), search(sampler, 16, seed=1)
    assert [trial.point for trial in first] == [trial.point for trial in second]
    assert [trial.point for trial in first] != [trial.point for trial in other]
    assert len({trial.configuration for trial in first}) == 16


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_resumed_search_proposes_what_an_uninterrupted_one_would(sampler: str) -> None:
    trials, searched = search(sampler, 15), space(CONDITIONAL)
    history = SearchHistory(searched, maximize=True)
    for trial in trials[:14]:
        history.add(trial)
    fresh = Proposer(searched, make_sampler(sampler, OPTIONS.get(sampler, {}), searched), identity, 0, maximize=True)
    proposal = fresh.next(history.shown(), {trial.configuration for trial in trials[:14]}, 14)
    assert proposal is not None
    assert proposal.point == trials[14].point


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes"])
def test_learning_samplers_beat_random_points(sampler: str) -> None:
    best = {
        name: np.mean([np.mean([value(trial.point) for trial in search(name, 30, seed)[20:]]) for seed in range(2)])
        for name in (sampler, "random")
    }
    assert best[sampler] > best["random"] + 0.04


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_inactive_parameters_are_left_out(sampler: str) -> None:
    for trial in search(sampler, 16):
        assert ("bn_momentum" in trial.point) == (trial.point["frozen_layers"] != "all")
        assert ("momentum" in trial.point) == (trial.point["optimizer"] == "sgd")


def test_random_points_cover_the_ranges_evenly() -> None:
    points = [trial.point for trial in search("random", 400)]
    logs = np.log10([float(point["learning_rate"]) for point in points])
    assert np.histogram(logs, bins=4, range=(-5, -1))[0].min() > 70
    assert {point["dropout"] for point in points} == {round(0.05 * step, 2) for step in range(13)}
    assert np.median([float(point["batch_size"]) for point in points]) == pytest.approx(32, rel=0.3)


def test_quasi_random_points_are_more_even_than_random_ones() -> None:
    def unevenness(sampler: str) -> float:
        logs = np.log10([float(trial.point["learning_rate"]) for trial in search(sampler, 64)])
        return float(np.histogram(logs, bins=16, range=(-5, -1))[0].std())

    assert unevenness("qmc") < 0.5 < unevenness("random")


def test_a_grid_is_every_point_once_in_an_order_of_the_seed() -> None:
    text = "{dropout: {float: [0.0, 0.2], step: 0.1}, frozen_layers: {ordinal: [none, all]}, bn_momentum: {choice: [0.5, 0.9], when: frozen_layers != all}}"
    searched = space(text)

    def enumerated(seed: int) -> list[str]:
        proposer = Proposer(searched, make_sampler("grid", {}, searched), identity, seed, maximize=True)
        taken: list[str] = []
        while (proposal := proposer.next([], set(taken), len(taken))) is not None:
            taken.append(proposal.configuration)
        return taken

    assert len(enumerated(0)) == len(set(enumerated(0))) == 3 * (2 + 1)
    assert enumerated(0) == enumerated(0)
    assert enumerated(0) != enumerated(1)
    assert set(enumerated(0)) == set(enumerated(1))


def test_a_grid_over_a_continuous_parameter_is_refused_with_its_name() -> None:
    with pytest.raises(SweepInputError, match="learning_rate has no step"):
        make_sampler("grid", {}, space("{learning_rate: {float: [0.1, 0.2]}}"))


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc"])
def test_a_finite_space_is_tried_to_its_last_point(sampler: str) -> None:
    searched = space("{dropout: {choice: [0.0, 0.1, 0.2]}, head_bn: {choice: [true, false]}, batch_size: {int: [8, 9]}}")
    proposer = Proposer(searched, make_sampler(sampler, {}, searched), identity, 0, maximize=True)
    history, taken = SearchHistory(searched, maximize=True), set[str]()
    while (proposal := proposer.next(history.shown(), taken, len(taken))) is not None:
        history.add(SeenTrial(len(taken), proposal.configuration, "COMPLETE", proposal.point, 0.5, 9))
        taken.add(proposal.configuration)
    assert len(taken) == 12


def test_points_that_train_alike_are_proposed_once() -> None:
    searched = space(CONDITIONAL)
    proposer = Proposer(searched, make_sampler("tpe", {}, searched), lambda point: str(point["optimizer"]), 0, maximize=True)
    first = proposer.next([], set(), 0)
    assert first is not None
    second = proposer.next([], {first.configuration}, 1)
    assert second is not None
    assert {first.configuration, second.configuration} == {"adam", "sgd"}
    assert proposer.next([], {"adam", "sgd"}, 2) is None


def test_starting_points_come_first_and_what_they_leave_open_is_drawn_alike() -> None:
    searched = space(CONDITIONAL)
    started = SearchSpace(searched.parameters, ({"learning_rate": 1e-3, "frozen_layers": "all"}, {"dropout": 0.1}))
    proposer = Proposer(started, make_sampler("tpe", {}, started), identity, 0, maximize=True)
    first = proposer.next([], set(), 0)
    assert first is not None
    assert first == proposer.next([], set(), 0)
    assert (first.point["learning_rate"], first.point["frozen_layers"]) == (1e-3, "all")
    assert "bn_momentum" not in first.point
    second = proposer.next([], {first.configuration}, 1)
    assert second is not None
    assert second.point["dropout"] == 0.1
    third = proposer.next([], {first.configuration, second.configuration}, 2)
    assert third is not None
    assert third.point["dropout"] != 0.1


def test_running_trials_keep_parallel_proposals_apart() -> None:
    searched = space("{learning_rate: {float: [1.0e-5, 1.0e-1], log: true}}")
    for sampler, apart in (("tpe", 0.05), ("gp", 0.0)):
        proposer = Proposer(searched, make_sampler(sampler, {}, searched), identity, 0, maximize=True)
        points = np.geomspace(1e-5, 1e-1, 15)
        seen = [SeenTrial(n, f"c{n}", "COMPLETE", {"learning_rate": float(x)}, 1 - abs(math.log10(x) + 3), 9) for n, x in enumerate(points)]
        proposed: list[float] = []
        for number in range(15, 19):
            running = [SeenTrial(15 + n, f"r{n}", "RUNNING", {"learning_rate": x}, None, 0) for n, x in enumerate(proposed)]
            proposal = proposer.next([*seen, *running], set(), number)
            assert proposal is not None
            proposed.append(float(proposal.point["learning_rate"]))
        assert np.diff(np.sort(np.log10(proposed))).min() > 0, sampler
        assert np.ptp(np.log10(proposed)) > apart, sampler


def test_the_view_is_the_best_and_the_newest_others_one_a_configuration_inside_the_space() -> None:
    searched = space("{dropout: {float: [0.0, 0.5]}}")
    history = SearchHistory(searched, maximize=True)
    for number in range(3_000):
        history.add(SeenTrial(number, f"c{number}", "COMPLETE", {"dropout": 0.1}, 1 - number / 3_000, 9))
    history.add(SeenTrial(3_000, "outside", "COMPLETE", {"dropout": 0.9}, 2.0, 9))
    history.add(SeenTrial(3_001, "c2999", "COMPLETE", {"dropout": 0.1}, 0.0, 9))
    shown = [trial.number for trial in history.shown([SeenTrial(3_002, "r", "RUNNING", {"dropout": 0.2}, None, 1)])]
    assert shown == [*range(BEST), *range(3_000 - OTHERS, 3_000), 3_002]


def test_a_longer_trial_of_a_configuration_takes_the_place_of_a_shorter_one() -> None:
    searched = space("{dropout: {float: [0.0, 0.5]}}")
    history = SearchHistory(searched, maximize=True)
    history.add(SeenTrial(0, "c", "PRUNED", {"dropout": 0.1}, 0.9, 2))
    history.add(SeenTrial(1, "c", "COMPLETE", {"dropout": 0.1}, 0.5, 9))
    history.add(SeenTrial(2, "c", "PRUNED", {"dropout": 0.1}, 0.9, 3))
    assert [trial.number for trial in history.shown()] == [1]


def test_a_pruned_trial_never_counts_above_a_finished_one() -> None:
    import optuna

    from sweeps.search.view import View

    searched = space("{dropout: {float: [0.0, 0.5]}}")
    trials = [SeenTrial(0, "a", "PRUNED", {"dropout": 0.1}, 0.99, 2), SeenTrial(1, "b", "COMPLETE", {"dropout": 0.4}, 0.5, 9)]
    pruned, finished = View(pruned_as_complete=False).of(trials, searched)
    assert (pruned.state, pruned.intermediate_values) == (optuna.trial.TrialState.PRUNED, {2: 0.99})
    assert finished.value == 0.5


@pytest.mark.parametrize("maximize", [True, False])
def test_samplers_that_take_a_score_so_far_for_a_result_never_see_a_pruned_trial_above_a_finished_one(*, maximize: bool) -> None:
    sign = 1 if maximize else -1
    scores = (("COMPLETE", 0.5), ("COMPLETE", 0.7), ("COMPLETE", 0.9), ("PRUNED", 0.95), ("PRUNED", 0.4), ("RUNNING", None))
    trials = [SeenTrial(n, f"c{n}", state, {}, None if score is None else sign * score, 2) for n, (state, score) in enumerate(scores)]  # type: ignore[arg-type]
    worst = [trial.score for trial in pruned_below("worst", trials, maximize=maximize)]
    middle = [trial.score for trial in pruned_below("median", trials, maximize=maximize)]
    assert worst == [sign * 0.5, sign * 0.7, sign * 0.9, sign * 0.5, sign * 0.4, None]
    assert middle == [sign * 0.5, sign * 0.7, sign * 0.9, sign * 0.7, sign * 0.4, None]
    assert pruned_below("worst", trials[3:], maximize=maximize) == trials[3:]


EVERY_KIND = """
learning_rate: {float: [1.0e-5, 1.0e-1], log: true}
weight_decay: {float: [0.0, 0.1]}
dropout: {float: [0.0, 0.6], step: 0.15}
batch_size: {int: [8, 128], log: true}
warmup_epochs: {int: [0, 9], step: 3}
frozen_layers: {ordinal: [none, 50%, all]}
optimizer: {choice: [adam, sgd, rmsprop]}
momentum: {float: [0.5, 0.99], when: optimizer != adam}
"""


@pytest.mark.parametrize(
    ("sampler", "options"),
    [
        ("tpe", {"n_startup_trials": 3, "n_ei_candidates": 6, "constant_liar": False}),
        ("random", {}),
        ("gp", {"n_startup_trials": 3, "n_candidates": 50}),
        ("cmaes", {"n_startup_trials": 2, "sigma0": 0.2, "popsize": 4}),
        ("qmc", {"sequence": "halton", "scramble": False}),
        ("qmc", {"sequence": "sobol"}),
    ],
)
def test_every_kind_of_parameter_stays_on_its_values_with_every_option(sampler: str, options: dict[str, object]) -> None:
    searched = space(EVERY_KIND)
    proposer = Proposer(searched, make_sampler(sampler, options, searched), identity, 5, maximize=True)
    history, taken = SearchHistory(searched, maximize=True), set[str]()
    for number in range(9):
        proposal = proposer.next(history.shown(), taken, number)
        assert proposal is not None
        point = proposal.point
        assert inside(point, searched)
        assert round(float(point["dropout"]) / 0.15, 6) in {0, 1, 2, 3, 4}
        assert point["warmup_epochs"] in {0, 3, 6, 9}
        assert isinstance(point["batch_size"], int)
        assert ("momentum" in point) == (point["optimizer"] != "adam")
        state = "PRUNED" if number % 3 == 1 else "COMPLETE"
        history.add(SeenTrial(number, proposal.configuration, state, point, 1 - float(point["dropout"]), 9, proposal.memory))  # type: ignore[arg-type]
        taken.add(proposal.configuration)
    assert len(taken) == 9


def test_options_change_what_is_proposed() -> None:
    searched = space("{dropout: {float: [0.0, 0.4], step: 0.1}, frozen_layers: {ordinal: [none, all]}}")

    def first(sampler: str, **options: object) -> list[dict[str, PointValue]]:
        proposer = Proposer(searched, make_sampler(sampler, options, searched), identity, 3, maximize=True)
        taken: list[str] = []
        points = []
        for number in range(4):
            proposal = proposer.next([], set(taken), number)
            assert proposal is not None
            taken.append(proposal.configuration)
            points.append(dict(proposal.point))
        return points

    in_order = [{"dropout": 0.0, "frozen_layers": "none"}, {"dropout": 0.0, "frozen_layers": "all"}]
    assert first("grid", shuffle=False)[:2] == in_order
    assert first("grid")[:2] != in_order
    assert first("qmc", sequence="halton") != first("qmc")
    assert first("qmc", scramble=False)[0] == in_order[0]


def test_duplicates_are_proposed_where_they_are_allowed_and_starting_points_once() -> None:
    searched = space("{dropout: {choice: [0.0, 0.1]}}")
    started = SearchSpace(searched.parameters, ({"dropout": "0.1"},))
    proposer = Proposer(started, make_sampler("random", {}, started), identity, 0, maximize=True, duplicates=True)
    taken: set[str] = set()
    proposed = []
    for number in range(8):
        proposal = proposer.next([], taken, number)
        assert proposal is not None
        proposed.append(proposal.point["dropout"])
        taken.add(proposal.configuration)
    assert proposed[0] == "0.1"
    assert set(proposed) == {"0.0", "0.1"}


@pytest.mark.parametrize(
    ("sampler", "options", "message"),
    [
        ("tpee", {}, "'tpee' is unknown; expected one of tpe, random"),
        ("tpe", {"startup_trials": 3}, "no option 'startup_trials'.*Did you mean 'n_startup_trials'"),
        ("tpe", {"n_startup_trials": 0}, "n_startup_trials must be a whole number of at least 1, but got 0"),
        ("tpe", {"constant_liar": "no"}, "constant_liar must be true or false, but got 'no'"),
        ("random", {"x": 1}, "no option 'x'; expected one of none"),
        ("cmaes", {"sigma0": -1}, "sigma0 must be a number above 0, but got -1"),
        ("cmaes", {"popsize": 3}, "popsize must be at least 4, but got 3"),
        ("gp", {"n_candidates": 0.5}, "n_candidates must be a whole number of at least 1, but got 0.5"),
        ("qmc", {"sequence": "sobel"}, "sequence must be sobol or halton, but got 'sobel'"),
    ],
)
def test_unknown_samplers_and_options_are_refused_with_the_nearest(sampler: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(SweepInputError, match=message):
        make_sampler(sampler, options, space(CONDITIONAL))
