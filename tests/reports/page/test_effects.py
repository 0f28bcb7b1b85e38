"""The effect of a parameter: medians of stretches, and a band that holds the median as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from reports.page.effects import effects, median_band
from reports.page.parameters_view import parameter_cards, parameter_order, parameter_plots
from reports.ranking import rank
from reports.records import ParameterRecord, StudyRecord, TrialRecord
from reports.verdict import build_report_data

RATE = ParameterRecord("learning_rate", "float", log=True, low=1e-4, high=1.0)


@pytest.mark.parametrize("size", [6, 8, 13, 40])
@pytest.mark.parametrize("kind", ["normal", "skewed", "two groups"])
def test_the_band_holds_the_median_in_95_of_100_cases(size: int, kind: str) -> None:
    rng = np.random.default_rng(size)
    draws = {
        "normal": (rng.normal(size=(2000, size)), 0.0),
        "skewed": (rng.exponential(size=(2000, size)), float(np.log(2))),
        "two groups": (np.where(rng.random((2000, size)) < 0.4, rng.normal(0, 1, (2000, size)), rng.normal(50, 1, (2000, size))), None),
    }
    values, median = draws[kind]
    if median is None:  # 40 % below, so that the median lies at 1/6 of the upper group
        median = 50 - 0.9674
    inside = [low <= median <= high for low, high in map(median_band, values)]  # type: ignore[misc]
    assert np.mean(inside) >= 0.94


def test_fewer_than_six_have_no_band() -> None:
    assert median_band(np.arange(5.0)) is None
    assert median_band(np.arange(6.0)) == (0.0, 5.0)


def study(num_parameters: int = 1) -> StudyRecord:
    space = (RATE, *(ParameterRecord(f"p{place}", "float", low=0.0, high=1.0) for place in range(num_parameters - 1)))
    rng = np.random.default_rng(0)
    trials = []
    for number in range(24):
        rate = float(10 ** rng.uniform(-4, 0))
        params = {"learning_rate": rate, **{each.name: float(rng.random()) for each in space[1:]}}
        curve = np.full(16, 0.9 if rate < 0.01 else 0.6) + rng.normal(0, 0.002, 16)
        trials.append(
            TrialRecord(number, f"c{number}", "search", "COMPLETE", number, params, {"val_accuracy": curve.astype(np.float32)}, 16)
        )
    return StudyRecord("s", "study", "val_accuracy", maximize=True, trials=tuple(trials), parameters=space, num_val=2000)


def test_stretches_of_a_logarithmic_axis_have_equal_width_in_decades() -> None:
    finished = rank(study()).finished
    found = effects(RATE, finished, "val_accuracy")
    assert sum(each.configurations for each in found) == 24
    low, high = found[0], found[-1]
    assert low.median > 0.85
    assert high.median < 0.7
    assert low.text == "1e-4 to 0.001: median 89.9, 5 configurations"
    assert [(each.start, each.end) for each in found] == [(0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0)]


def test_every_parameter_has_a_card_and_what_matters_comes_first() -> None:
    data = build_report_data(study(30))
    cards = parameter_cards(data)
    assert len(cards) == 30
    assert cards[0].name == "learning_rate"
    assert cards[0].bars[0][1].stands_out
    plots = parameter_plots(data)
    assert plots["order"] == parameter_order(data)
    assert len(plots["effects"]) == 30
    assert plots["paired"][0] == "learning_rate"
