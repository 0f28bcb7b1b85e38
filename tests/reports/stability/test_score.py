from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reports import stable_score
from reports.stability import level, smoothed_level, stability, stable

if TYPE_CHECKING:
    from typing import Any

DATA = Path(__file__).parents[2] / "data"
values = st.floats(0.0, 1.0, allow_nan=False, width=32)
curves = arrays(np.float64, st.integers(1, 60), elements=values)
FEW = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def alternating() -> np.ndarray:
    with (DATA / "alternating_plain_cnn.csv").open() as file:
        return np.array([float(row["val_acc"]) for row in csv.DictReader(file)])


@pytest.fixture(scope="module")
def labelled() -> list[dict[str, Any]]:
    return [of for name in ("labelled_curves.json", "labelled_curves_2.json") for of in json.loads((DATA / name).read_text())]


@FEW
@given(curves, st.data())
def test_smaller_falls_below_the_same_best_so_far_never_lower_stable(curve: np.ndarray, data: st.DataObject) -> None:
    best = np.maximum.accumulate(curve)
    kept = data.draw(arrays(np.float64, curve.size, elements=st.floats(0.0, 1.0)))
    assert stable(best - kept * (best - curve)) >= stable(curve) - 1e-9


@FEW
@given(curves, st.data())
def test_raising_one_of_the_last_four_epochs_never_lowers_stable(curve: np.ndarray, data: st.DataObject) -> None:
    raised = curve.copy()
    raised[data.draw(st.integers(max(0, curve.size - 4), curve.size - 1))] += data.draw(st.floats(0.0, 0.5))
    assert stable(raised) >= stable(curve) - 1e-9


def test_a_peak_that_is_not_kept_may_lower_stable() -> None:
    risen = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 0.9, 0.9])
    peaked = risen.copy()
    peaked[0] = 0.95
    assert stable(risen) == pytest.approx(0.9)
    assert stable(peaked) < 0.85


@FEW
@given(curves, st.data())
def test_raising_any_epoch_never_lowers_the_level_at_a_fixed_rate(curve: np.ndarray, data: st.DataObject) -> None:
    raised = curve.copy()
    raised[data.draw(st.integers(0, curve.size - 1))] += data.draw(st.floats(0.0, 0.5))
    assert smoothed_level(raised, 3.0) >= smoothed_level(curve, 3.0) - 1e-9


@FEW
@given(arrays(np.float64, st.integers(4, 60), elements=values).map(np.sort))
def test_progress_is_not_instability(rising: np.ndarray) -> None:
    assert stable(rising) >= rising[-4] - 1e-9
    assert stable(-rising, maximize=False) <= -rising[-4] + 1e-9


def test_half_the_swing_around_the_same_rising_trend_is_worth_no_less() -> None:
    draw, kept = np.random.default_rng(5), []
    for _ in range(500):
        epochs = int(draw.integers(8, 41))
        trend = 0.5 + draw.uniform(0.0, 0.01) * np.arange(epochs)
        swing, weights = draw.normal(0.0, 0.05, epochs), np.exp(-np.arange(epochs - 1, -1, -1) / 3.0)
        swing -= swing @ weights / weights.sum()  # no net progress among the late epochs
        kept.append(stable(trend + swing / 2.0) >= stable(trend + swing))
    assert np.mean(kept) >= 0.99


@FEW
@given(curves, st.floats(-0.5, 0.5))
def test_a_shift_of_the_curve_shifts_every_figure(curve: np.ndarray, shift: float) -> None:
    before, after = stability(curve), stability(curve + shift)
    assert after.stable == pytest.approx(before.stable + shift, abs=1e-9)
    assert smoothed_level(curve + shift, 6.0) == pytest.approx(smoothed_level(curve, 6.0) + shift, abs=1e-9)
    assert after.spread == pytest.approx(abs(after.level - after.stable), abs=1e-12)


@FEW
@given(curves, st.floats(0.01, 100.0))
def test_stable_scales_with_the_curve(curve: np.ndarray, factor: float) -> None:
    assert stable(factor * curve) == pytest.approx(factor * stable(curve), rel=1e-9, abs=1e-9)


@FEW
@given(curves)
def test_stable_is_at_most_level_and_level_at_most_best(curve: np.ndarray) -> None:
    score = stability(curve)
    assert score.stable <= score.level <= curve.max()
    assert curve.min() - 1e-12 <= score.stable
    mirrored = stability(-curve, maximize=False)
    assert mirrored.stable == pytest.approx(-score.stable)
    assert mirrored.level == pytest.approx(-score.level)


@FEW
@given(curves, st.floats(0.0, 1.0))
def test_contraction_towards_the_level_never_lowers_stable(curve: np.ndarray, factor: float) -> None:
    centre = level(curve)
    assert stable(centre + factor * (curve - centre)) >= stable(curve) - 1e-9


@FEW
@given(st.floats(0.0, 1.0), st.integers(1, 40))
def test_a_constant_curve_scores_its_value(value: float, epochs: int) -> None:
    score = stability(np.full(epochs, value))
    assert score.level == pytest.approx(value)
    assert score.stable == pytest.approx(value)
    assert score.spread == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("epochs", "provisional"), [(1, True), (2, True), (4, True), (5, False)])
def test_scores_on_fewer_than_five_epochs_are_provisional(epochs: int, *, provisional: bool) -> None:
    score = stability(np.linspace(0.5, 0.6, epochs))
    assert (score.epochs, score.provisional) == (epochs, provisional)
    assert 0.5 <= score.stable <= score.level <= 0.6


def test_missing_epochs_are_skipped_and_keep_their_age() -> None:
    gap = stability([0.9, np.nan, np.nan, np.nan, 0.5, 0.5])
    assert gap.epochs == 3
    steps = [0.9, 0.9, 0.9, 0.9, 0.9, 0.2, *[np.nan] * 5, 0.9, 0.9, 0.9, 0.9]
    assert stable(steps) > stable([value for value in steps if not np.isnan(value)])
    assert stable([*steps, np.nan, np.nan]) == pytest.approx(stable(steps))
    assert stable([0.5, 0.6, np.nan, 0.7, 0.8, np.nan, 0.9]) >= 0.6
    assert stability([]) is None
    assert stability([np.nan, np.nan]) is None
    assert math.isnan(level([np.nan]))


def test_an_infinite_epoch_is_a_failure_and_lowers_the_score() -> None:
    steady = np.full(10, 0.9)
    failed = steady.copy()
    failed[-2] = np.inf
    assert stable(failed) < 0.65
    assert math.isfinite(stability(failed).level)
    assert stability([np.inf, -np.inf]) is None
    loss = np.full(10, 0.4)
    loss[3] = 0.9
    spiked = stable(loss, maximize=False)
    loss[-1] = np.inf
    assert stable(loss, maximize=False) == stable(np.where(np.isinf(loss), 0.9, loss), maximize=False) > spiked


def test_a_rising_curve_is_followed_and_is_worth_its_last_epochs() -> None:
    rising = 0.9 - 0.6 * np.exp(-np.arange(30) / 8.0)
    score = stability(rising)
    assert score.level > rising[-3]
    assert rising[-4] <= score.stable < score.level


def test_a_fall_in_the_very_last_epochs_is_followed_slower_than_a_rise() -> None:
    steady, change = np.full(20, 0.7), np.array([0.05, 0.1, 0.15, 0.2, 0.25])
    rising, falling = level(np.concatenate([steady, 0.7 + change])), level(np.concatenate([steady, 0.7 - change]))
    assert rising > 0.87
    assert falling > 0.5 + 0.05
    assert level(-np.concatenate([steady, 0.7 - change]), maximize=False) == pytest.approx(-falling)


def test_the_level_of_the_alternating_reference_run_does_not_depend_on_where_it_stops(alternating: np.ndarray) -> None:
    levels = np.array([level(alternating[:stop]) for stop in range(5, alternating.size + 1)])
    assert np.abs(np.diff(levels)).max() <= 0.01
    score = stability(alternating)
    assert 0.865 <= score.level <= 0.885
    assert score.stable < 0.8
    assert alternating.max() > 0.98


def test_the_level_agrees_with_what_people_read_off_real_curves(labelled: list[dict[str, Any]]) -> None:
    errors = np.array([abs(level(of["val_accuracy"]) - of["holds"]) for of in labelled])
    swings = np.array([of["labels"]["oscillating"] == "yes" for of in labelled])
    assert errors.mean() <= 0.0035
    assert errors[swings].mean() <= 0.0075


def test_about_an_eighth_of_later_epochs_of_real_curves_fall_below_stable(labelled: list[dict[str, Any]]) -> None:
    shares = []
    for of in labelled:
        curve = np.array(of["val_accuracy"])
        seen = int(0.7 * curve.size)
        shares.append(np.mean(curve[seen:] < stable(curve[:seen]) - 1e-12))
    assert 0.11 <= np.mean(shares) <= 0.14


def test_the_size_of_the_validation_set_stands_beside_the_score_and_not_in_it() -> None:
    curve = np.tile([0.8, 0.9], 10)
    assert stable_score(curve, num_val=100).stable == stability(curve).stable
    assert stable_score(curve, num_val=100).sampling_sd == pytest.approx(0.036, abs=0.001)
    assert stable_score(curve).sampling_sd is None
