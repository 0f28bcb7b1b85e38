"""A study that several drivers ran says which."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import synthetic_studies as synthetic

from reports.exports import to_json
from reports.page.sweep_view import sweep_view
from reports.verdict import build_report_data

if TYPE_CHECKING:
    from reports.records import StudyRecord


def study_of(*drivers: str) -> StudyRecord:
    study = synthetic.flowers()
    trials = [
        replace(trial, attempts=tuple(replace(run, driver=drivers[trial.number % len(drivers)]) for run in trial.attempts))
        for trial in study.trials
    ]
    return replace(study, trials=tuple(trials))


def test_the_drivers_are_counted_and_named() -> None:
    data = build_report_data(study_of("box:1", "node:2"))
    view = sweep_view(data)
    (drivers,) = [number for number in view.numbers if number.label == "drivers"]
    assert (drivers.value, drivers.note) == ("2", "box:1, node:2")
    assert view.timeline is not None
    titles = [bar.title for worker in view.timeline.workers for bar in worker.bars]
    assert all(title.endswith((", for driver box:1", ", for driver node:2")) for title in titles)
    attempts = [run for entry in json.loads(to_json(data))["ranking"] for trial in entry["trials"] for run in trial["attempts"]]
    assert {run["driver"] for run in attempts} == {"box:1", "node:2"}


def test_a_single_driver_is_not_worth_a_word() -> None:
    view = sweep_view(build_report_data(study_of("box:1")))
    assert "drivers" not in [number.label for number in view.numbers]
    assert view.timeline is not None
    assert "driver" not in view.timeline.workers[0].bars[0].title
