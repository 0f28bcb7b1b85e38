"""Pruners judge the level at equal epochs."""

from __future__ import annotations

import numpy as np
import pytest

from sweeps.errors import SweepInputError
from sweeps.search.pruning import make_pruner
from sweeps.search.pruning.algorithms import LevelBook, MedianStopping, SuccessiveHalving


def book(*curves: list[float], maximize: bool = True, finished: bool = True) -> LevelBook:
    kept = LevelBook(metric="val_accuracy", maximize=maximize)
    for number, curve in enumerate(curves):
        kept.record(number, np.asarray(curve, dtype=np.float32), finished=finished)
    return kept


FOUR = ([0.1] * 8, [0.2] * 8, [0.3] * 8, [0.4] * 8)


def test_rungs_grow_by_the_reduction_and_leave_the_last_epoch_alone() -> None:
    assert SuccessiveHalving(30, 2, 3).rungs() == (2, 6, 18)
    assert SuccessiveHalving(18, 2, 3).rungs() == (2, 6)
    assert SuccessiveHalving(2, 2, 3).rungs() == ()


def test_halving_keeps_the_best_share_at_a_rung_and_says_why() -> None:
    pruner = make_pruner("asha", {"grace": 2, "reduction": 2}, 20)
    assert pruner is not None
    verdicts = [pruner.judge(book(*FOUR), trial, 2) for trial in range(4)]
    assert [verdict is not None for verdict in verdicts] == [True, True, False, False]
    assert verdicts[1] == "asha: level 20.0 % at epoch 2 ranks 3 of 4; the best 2 go on"
    assert all(pruner.judge(book(*FOUR), trial, 3) is None for trial in range(4))


def test_trials_are_compared_at_equal_epochs_not_by_where_they_are() -> None:
    late_bloomer, long_runner = [0.3, 0.3], [0.1, 0.1, 0.9, 0.9, 0.9]
    pruner = make_pruner("asha", {"grace": 2, "reduction": 2}, 20)
    assert pruner is not None
    assert pruner.judge(book(long_runner, late_bloomer), 1, 2) is None


def test_one_lucky_epoch_does_not_save_a_trial() -> None:
    pruner = make_pruner("asha", {"grace": 4, "reduction": 2}, 20)
    assert pruner is not None
    lucky, steady = [0.2, 0.2, 0.2, 0.9], [0.7, 0.7, 0.7, 0.7]
    kept = book(steady, lucky, steady, steady)
    assert pruner.judge(kept, 1, 4) is not None
    assert pruner.judge(kept, 0, 4) is None


def test_an_oscillating_curve_is_not_punished_for_its_risk() -> None:
    """The level is a centre: swinging around .6 beats a flat .5, whose worst epochs are higher."""
    pruner = make_pruner("asha", {"grace": 6, "reduction": 2}, 20)
    assert pruner is not None
    swinging, flat = [0.9, 0.3] * 3, [0.5] * 6
    kept = book([0.9, 0.3, 0.9, 0.3, 0.6, 0.6], flat)
    assert pruner.judge(kept, 0, 6) is None
    assert pruner.judge(kept, 1, 6) is not None
    del swinging


def test_a_loss_is_minimised() -> None:
    pruner = make_pruner("asha", {"grace": 2, "reduction": 2}, 20)
    assert pruner is not None
    kept = book(*FOUR, maximize=False)
    assert [pruner.judge(kept, trial, 2) is not None for trial in range(4)] == [False, False, True, True]


def test_too_few_trials_prove_nothing() -> None:
    pruner = make_pruner("asha", {"grace": 2, "reduction": 3}, 20)
    assert pruner is not None
    assert pruner.judge(book([0.9] * 2, [0.1] * 2), 1, 2) is None


def test_the_median_rule_waits_for_finished_trials_and_grace() -> None:
    pruner = make_pruner("median", {"grace": 3, "startup_trials": 4}, 8)
    assert pruner is not None
    kept = book(*FOUR)
    kept.record(4, np.asarray([0.2] * 5, dtype=np.float32), finished=False)
    assert pruner.judge(kept, 4, 2) is None
    assert pruner.judge(kept, 4, 3) == "median: level 20.0 % at epoch 3 is worse than 25.0 %, the median of 4 finished trials"
    assert pruner.judge(kept, 3, 8) is None
    unfinished = book(*FOUR, finished=False)
    assert pruner.judge(unfinished, 0, 3) is None


def test_a_curve_without_any_value_is_stopped_at_the_first_rung() -> None:
    pruner = make_pruner("asha", {"grace": 2, "reduction": 2}, 20)
    assert pruner is not None
    assert pruner.judge(book([float("nan")] * 2, [0.5] * 2, [0.5] * 2), 0, 2) == "asha: no value of the metric in 2 epochs"


def test_levels_of_trials_from_the_record_are_read_when_needed() -> None:
    read: list[int] = []

    def load() -> np.ndarray:
        read.append(1)
        return np.asarray([0.5, 0.6], dtype=np.float32)

    kept = LevelBook(metric="val_accuracy", maximize=True)
    kept.record_later(0, 2, load, finished=True)
    assert kept.level_at(0, 3) is None
    assert not read
    assert kept.levels_at(1) == [0.5]
    assert kept.level_at(0, 2) is not None
    assert read == [1]


@pytest.mark.parametrize(
    ("pruner", "options", "message"),
    [
        ("halving", {}, "'halving' is unknown; expected one of asha, median, none"),
        ("asha", {"grac": 1}, "no option 'grac'.*Did you mean 'grace'"),
        ("asha", {"reduction": 1}, "reduction must be a whole number of at least 2, but got 1"),
        ("median", {"grace": 0.5}, "grace must be a whole number of at least 1, but got 0.5"),
    ],
)
def test_unknown_pruners_and_options_are_refused(pruner: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(SweepInputError, match=message):
        make_pruner(pruner, options, 10)


def test_defaults_are_those_that_the_replays_chose() -> None:
    assert make_pruner("asha", {}, 20) == SuccessiveHalving(20, 5, 2)
    assert make_pruner("asha", {}, 3) == SuccessiveHalving(3, 2, 2)
    assert make_pruner("median", {}, 30) == MedianStopping(30, 8, 5)


def test_none_prunes_nothing() -> None:
    assert make_pruner("none", {}, 10) is None
