"""Always one usable configuration to take for now: the most probable one, and among equals the cheaper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reports.ranking import rank
from reports.ranking.choice import chosen_elsewhere
from reports.records import StudyRecord, TrialRecord

EPOCHS = 30


def trial(
    number: int, value: float, *, seconds: float | None = None, parameters: float | None = None, state: str = "COMPLETE"
) -> TrialRecord:
    rng = np.random.default_rng(number)
    curves = {"val_accuracy": np.round(500 * (value - 0.5 * value * np.exp(-2.0 * np.arange(EPOCHS)) + rng.normal(0, 0.004, EPOCHS))) / 500}
    if seconds is not None:
        curves["seconds"] = np.r_[20.0, np.full(EPOCHS - 1, seconds)]
    figures = {} if parameters is None else {"parameters": parameters}
    return TrialRecord(number, f"c{number}", "search", state, number, {"learning_rate": 0.001}, curves, EPOCHS, figures)


def study(*trials: TrialRecord) -> StudyRecord:
    return StudyRecord("s", "study", "val_accuracy", maximize=True, trials=trials, num_val=500)


def test_the_one_that_stands_out_is_taken_and_nothing_else_is_as_good() -> None:
    ranking = rank(study(*(trial(i, value) for i, value in enumerate((0.95, 0.7, 0.69, 0.6)))))
    assert ranking.recommended == "c0"
    assert ranking.recommendation.reason == "only"
    assert ranking.recommendation.others == ()


@pytest.mark.parametrize("cost", ["seconds", "parameters"])
def test_among_equals_the_cheaper_one_is_taken_and_the_reason_said(cost: str) -> None:
    equals = [trial(i, 0.9) for i in range(4)]
    curve = equals[0].curves["val_accuracy"]
    costs = {"seconds": (8.0, 8.0, 2.0, 8.0), "parameters": (8e5, 8e5, 2e5, 8e5)}[cost]
    same = [
        replace(each, curves={**each.curves, "val_accuracy": curve})
        for each in (trial(i, 0.9, **{cost: value}) for i, value in enumerate(costs))
    ]
    choice = rank(study(*same)).recommendation
    assert (choice.configuration, choice.reason) == ("c2", "time" if cost == "seconds" else cost)
    assert set(choice.others) == {"c0", "c1", "c3"}


def test_a_cheap_one_that_is_less_probable_is_not_taken() -> None:
    ranking = rank(study(trial(0, 0.9, seconds=8.0), trial(1, 0.87, seconds=1.0), trial(2, 0.8, seconds=1.0)))
    assert ranking.recommended == "c0"


def test_a_failed_a_pruned_and_a_running_one_are_never_taken() -> None:
    ranking = rank(study(trial(0, 0.95, state="FAIL"), trial(1, 0.94, state="PRUNED"), trial(2, 0.93, state="RUNNING"), trial(3, 0.6)))
    assert ranking.recommended == "c3"
    assert rank(study(trial(0, 0.95, state="FAIL"))).recommended is None
    assert rank(study()).recommended is None


def test_a_file_that_was_chosen_among_equals_is_expected_to_score_what_they_all_do_elsewhere() -> None:
    """24 files of 12 epochs are right on 80 % of images by chance alone: what the best scores beyond that is the choice's."""
    rng = np.random.default_rng(0)
    left = []
    for _ in range(8):
        right = rng.random((24, 12, 200)) < 0.8
        best = right.mean(axis=2).max()
        left.append((best - 0.8, chosen_elsewhere(right, by_mean=False) - 0.8))
    raw, corrected = np.mean(left, axis=0)
    assert raw > 0.06
    assert abs(corrected) < 0.015


def test_one_training_of_one_epoch_was_not_chosen() -> None:
    right = np.random.default_rng(1).random((1, 1, 500)) < 0.8
    assert chosen_elsewhere(right, by_mean=True) == pytest.approx(right.mean(), abs=0.01)
