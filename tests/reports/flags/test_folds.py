"""Findings about a training with folds: each fold by its own curves, since their mean hides what one of them does."""

from __future__ import annotations

import numpy as np
import pytest

from reports.flags import find_flags
from reports.flags.find import folds_needed
from reports.folds import by_fold, fold_figure

EPOCHS, FOLDS, NUM_VAL = 30, 5, 1000
RISE = 0.9 - 0.4 * np.exp(-np.arange(EPOCHS) / 4.0)
SWING = 0.12 * (-1.0) ** np.arange(EPOCHS)


def of_folds(curves: list[np.ndarray], name: str = "val_accuracy") -> dict[str, np.ndarray]:
    """A training's curves: the mean, and each fold's."""
    return {name: np.mean(curves, axis=0), **{fold_figure(fold, name): curve for fold, curve in enumerate(curves, 1)}}


def test_folds_that_swing_against_each_other_are_found_where_their_mean_is_smooth() -> None:
    curves = of_folds([RISE - 0.1 + SWING, RISE - 0.1 - SWING, RISE, RISE, RISE])
    assert not any(flag.name == "oscillating" for flag in find_flags({"val_accuracy": curves["val_accuracy"]}, num_val=NUM_VAL * FOLDS))
    (flag,) = (flag for flag in find_flags(curves, num_val=NUM_VAL * FOLDS) if flag.name == "oscillating")
    assert flag.summary.startswith("in 2 of 5 folds; fold 1: ")
    assert flag.evidence["folds"] == "2 of 5"
    assert flag.evidence["fold"] == 1


def test_what_one_fold_shows_is_no_finding_about_the_training() -> None:
    curves = of_folds([RISE - 0.1 + SWING, RISE, RISE, RISE, RISE])
    assert not any(flag.name == "oscillating" for flag in find_flags(curves, num_val=NUM_VAL * FOLDS))


@pytest.mark.parametrize(("collapsed", "found"), [(2, False), (3, True)])
def test_a_mean_is_worthless_once_half_of_the_folds_collapse(collapsed: int, found: bool) -> None:  # noqa: FBT001 - a table of cases
    accuracies = of_folds([np.full(EPOCHS, 0.1) if fold < collapsed else RISE for fold in range(FOLDS)])
    shares = of_folds([np.ones(EPOCHS) if fold < collapsed else np.full(EPOCHS, 0.1) for fold in range(FOLDS)], "val_predicted_share")
    names = {flag.name for flag in find_flags({**accuracies, **shares}, num_val=NUM_VAL * FOLDS, num_classes=10)}
    assert ("collapsed" in names) is found
    assert folds_needed("collapsed", FOLDS) == 3


def steady(rng: np.random.Generator, expected: np.ndarray, num_val: int) -> np.ndarray:
    """The same images every epoch, most of which keep their fate."""
    fate, curve = rng.random(num_val), []
    for share in expected:
        fate = np.where(rng.random(num_val) < 0.3, rng.random(num_val), fate)
        curve.append((fate < share).mean())
    return np.array(curve)


def test_steady_folds_are_hardly_ever_called_oscillating() -> None:
    """Also where the folds move together, as models of shared training images do."""
    rng = np.random.default_rng(0)
    raised = []
    for accuracy in (0.6, 0.9):
        for expected in (np.full(EPOCHS, accuracy), accuracy - (accuracy - 0.3) * np.exp(-np.arange(EPOCHS) / 5.0)):
            for _ in range(10):
                level = np.clip(expected + rng.normal(0, 0.01, EPOCHS), 0, 1)
                curves = of_folds([steady(rng, level, 60) for _ in range(FOLDS)])
                raised.append(any(flag.name == "oscillating" for flag in find_flags(curves, num_val=60 * FOLDS)))
    assert np.mean(raised) <= 0.025


def test_figures_of_folds_are_found_by_their_names() -> None:
    assert by_fold({"val_accuracy": 1, "fold_2_val_loss": 2, "fold_1_val_loss": 3, "fold_12_num_val": 4}) == {
        1: {"val_loss": 3},
        2: {"val_loss": 2},
        12: {"num_val": 4},
    }
