"""What the page shows of parameters stands beside what chance gives, and only finished trainings enter."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from reports.exports import to_json
from reports.page import render_report
from reports.page.parameters_view import importance_view, parameter_plots
from reports.records import ParameterRecord, StudyRecord, TrialRecord
from reports.verdict import build_report_data

SPACE = (ParameterRecord("learning_rate", "float", log=True, low=1e-5, high=1e-2), ParameterRecord("dropout", "float", low=0.0, high=0.6))


def study(*, matters: bool, num_trials: int = 12) -> StudyRecord:
    rng = np.random.default_rng(4)
    trials = []
    for number in range(num_trials):
        rate, dropout = float(10 ** rng.uniform(-5, -2)), float(rng.uniform(0, 0.6))
        curve = 0.8 + (0.03 * np.log10(rate) if matters else rng.normal(0, 0.03)) + rng.normal(0, 0.002, 16)
        params = {"learning_rate": rate, "dropout": dropout}
        trials.append(
            TrialRecord(number, f"c{number}", "search", "COMPLETE", number, params, {"val_accuracy": curve.astype(np.float32)}, 16)
        )
    return StudyRecord("s", "study", "val_accuracy", maximize=True, trials=tuple(trials), parameters=SPACE, num_val=5000)


def test_nothing_stands_out_is_printed_as_a_result() -> None:
    data = build_report_data(study(matters=False))
    view = importance_view(data.importance[0])
    assert view.title == "Nothing stands out with 12 runs: chance explains what goes with what is held"
    page = render_report(data)
    assert view.title in page
    assert "show what was tried, not what works" in page
    assert "goes with what is held more" not in page


def test_each_bar_has_its_band_and_the_headline_names_what_reaches_beyond_it() -> None:
    data = build_report_data(study(matters=True))
    view = importance_view(data.importance[0])
    assert view.title == "learning_rate goes with what is held more than chance explains"
    for bar in view.bars:
        assert 0 < bar.chance <= 100
        assert bar.stands_out == (bar.width >= bar.chance)
        assert bar.chance_text in render_report(data)
    document = json.loads(to_json(data))["importance"][0]
    assert document["stands_out"] == ["learning_rate"]
    assert document["parameters"]["learning_rate"] > document["chance"]["learning_rate"]


def test_plots_hold_finished_configurations_alone() -> None:
    record = study(matters=True)
    low = replace(record.trials[0], number=50, configuration="pruned", state="PRUNED", curves={"val_accuracy": np.full(8, 0.1, np.float32)})
    whole = parameter_plots(build_report_data(replace(record, trials=(*record.trials, low))))
    assert whole["ends"] == parameter_plots(build_report_data(record))["ends"]
    assert sum(cell[2] for cell in whole["pairs"][0]) == 12
