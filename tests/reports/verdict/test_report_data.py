"""Verdicts, progress, thinning, names and changes of the space."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import synthetic_studies as synthetic
import yaml

from reports import wording
from reports.diagnosis import diagnose_run, to_text
from reports.exports import to_csv, to_json
from reports.logs import LoggedRun, study_from_logs
from reports.page import render_report
from reports.page.drawing import kept_epochs
from reports.page.payload import pack_curves
from reports.page.sweep_view import sweep_view
from reports.records import ParameterRecord
from reports.verdict import build_report_data
from reports.verdict.association import Association, narrower
from reports.wording import short_ids


def test_verdict_names_the_best_epoch_pick_and_what_it_holds() -> None:
    data = build_report_data(synthetic.flowers())
    pick = data.configuration(data.verdict.best_epoch_pick or "")
    assert pick.oscillates
    assert pick.best == max(row.best for row in data.configurations if row.best is not None)
    assert pick.short in data.verdict.best_epoch
    assert "and oscillates around" in data.verdict.best_epoch


def test_verdict_of_everything_failed_and_of_nothing() -> None:
    study = synthetic.flowers()
    failed = replace(study, trials=tuple(replace(trial, state="FAIL", curves={}) for trial in study.trials))
    assert build_report_data(failed).verdict.headline == "Every training failed"
    assert build_report_data(replace(study, trials=())).verdict.headline == "Nothing has been trained yet"


def test_progress_counts_states_savings_and_failures() -> None:
    progress = build_report_data(synthetic.flowers()).progress
    assert progress.states["FAIL"] == 1
    assert progress.epochs_pruned == 4 * 21
    assert progress.budget == {"trials": 24.0, "time": 14400.0, "gpu_hours": 12.0}
    assert progress.tried == 24
    assert progress.failures[0].reason.startswith("ResourceExhaustedError")
    assert any(run.cause == "worker died" for run in progress.runs)
    assert [value for _, value in progress.leaders] == sorted(value for _, value in progress.leaders)
    assert sum(run.cause == "pruned" for run in progress.runs) == progress.states["PRUNED"], "a pruned trial is no lost one"
    assert progress.worker_seconds > (progress.seconds or 0)
    assert progress.gpu_seconds == pytest.approx(progress.worker_seconds / 2)


def test_gpu_hours_are_told_where_the_study_has_them_or_limits_them() -> None:
    study = synthetic.flowers()
    shown = {number.label: number for number in sweep_view(build_report_data(study)).numbers}
    assert shown["GPU-hours"].note == "of 12 allowed"
    assert float(shown["GPU-hours"].value) > 0
    assert shown["failed"].note == "1 attempt interrupted or lost"
    without = replace(
        study,
        sweep_file="",
        trials=tuple(replace(trial, attempts=tuple(replace(each, gpu=0.0) for each in trial.attempts)) for trial in study.trials),
    )
    assert "GPU-hours" not in {number.label for number in sweep_view(build_report_data(without)).numbers}


def test_gpu_memory_that_ran_out_stands_against_batch_size_and_boundary() -> None:
    """The batch size is searched; the boundary is the file's, but for trials of a space that searches it."""
    study = synthetic.flowers()
    settings = [("FAIL", 128, None), ("FAIL", 128, None), ("COMPLETE", 64, None), ("PRUNED", 128, "75%"), ("RUNNING", 128, None)]
    trials = tuple(
        replace(
            study.trials[number],
            number=number,
            role="search",
            state=state,
            cause="gpu out of memory" if state == "FAIL" else None,
            params={"batch_size": size} | ({} if boundary is None else {"frozen_layers": boundary}),
        )
        for number, (state, size, boundary) in enumerate(settings)
    )
    study = replace(study, trials=trials, sweep_file="model: {frozen_layers: 50%}\n")
    cells = build_report_data(study).progress.memory
    assert [(cell.batch_size, cell.boundary, cell.tried, cell.failed) for cell in cells] == [
        ("64", "50%", 1, ()),
        ("128", "50%", 2, (0, 1)),
        ("128", "75%", 1, ()),
    ]
    page = render_report(study)
    assert "Trainings that ran out of GPU memory" in page
    assert "2 of 2" in page
    assert json.loads(to_json(study))["gpu_out_of_memory"][1] == {"batch_size": "128", "frozen_layers": "50%", "tried": 2, "trials": [0, 1]}


def test_without_such_failures_nothing_is_said_of_gpu_memory() -> None:
    study = synthetic.flowers()
    fine = replace(study, trials=tuple(trial for trial in study.trials if trial.state != "FAIL"))
    assert build_report_data(fine).progress.memory == ()
    assert "ran out of GPU memory" not in render_report(fine)


@pytest.mark.parametrize(("epochs", "points"), [(10_000, 500), (101, 48), (5, 48)])
def test_thinning_keeps_every_extreme(epochs: int, points: int) -> None:
    rng = np.random.default_rng(0)
    curve = rng.normal(0.8, 0.01, epochs).astype(np.float32)
    curve[epochs // 3], curve[epochs // 2] = 0.1, 0.99
    kept = kept_epochs(curve, points)
    assert len(kept) <= max(points, epochs if epochs <= points else 0)
    assert {0, epochs - 1, epochs // 3, epochs // 2} <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()


def test_thinning_of_a_curve_with_gaps() -> None:
    curve = np.full(2000, np.nan, dtype=np.float32)
    curve[700] = 0.5
    assert 700 in kept_epochs(curve, 60)


def test_short_ids_stay_unique_and_names_of_logs_whole() -> None:
    ids = ["abcdef0123456789", "abcdef0999999999", "train.log"]
    short = short_ids(ids)
    assert short["train.log"] == "train.log"
    assert len(set(short.values())) == 3
    assert all(identifier.startswith(name) for identifier, name in short.items())


@pytest.mark.parametrize(
    ("parameter", "threshold", "worse", "expected"),
    [
        (ParameterRecord("learning_rate", "float", log=True, low=1e-5, high=1e-2), 1e-3, "above", {"float": [1e-5, 1e-3], "log": True}),
        (ParameterRecord("dropout", "float", low=0.0, high=0.6), 0.2, "below", {"float": [0.2, 0.6]}),
        (ParameterRecord("units", "int", low=16, high=512), 100.5, "below", {"int": [101, 512]}),
        (ParameterRecord("frozen_layers", "ordinal", labels=synthetic.FROZEN), "75%", "above", {"ordinal": ["none", "25%", "50%"]}),
        (ParameterRecord("augmentation", "choice", labels=("no", "a: b", "flip")), None, "flip", {"choice": ["no", "a: b"]}),
    ],
)
def test_a_finding_becomes_a_space_that_yaml_reads(
    parameter: ParameterRecord, threshold: float | str | None, worse: str, expected: dict[str, object]
) -> None:
    found = Association(parameter.name, "oscillating", 0.01, 0.01, threshold, worse, 0.2, 0.01, 24, 30, 0, 0)
    entry = yaml.safe_load(narrower(parameter, found))["space"][parameter.name]
    assert {
        key: value if isinstance(value, bool) else pytest.approx(value) if key in {"float", "int"} else value
        for key, value in entry.items()
    } == expected


def test_a_finding_that_leaves_nothing_proposes_nothing() -> None:
    parameter = ParameterRecord("augmentation", "choice", labels=("flip",))
    found = Association("augmentation", "oscillating", 0.01, 0.01, None, "flip", 0.2, 0.01, 24, 30, 0, 0)
    assert narrower(parameter, found) == ""


def test_the_verdict_of_a_confirmed_sweep_rests_on_fresh_seeds_and_tells_the_exported_files_test_accuracy() -> None:
    study = synthetic.flowers()
    searched = {trial.number: replace(trial, figures={**trial.figures, "test_accuracy": 0.123}) for trial in study.trials}
    trials = tuple(searched[trial.number] if trial.role == "search" else trial for trial in study.trials)
    data = build_report_data(replace(study, trials=trials))
    winner = data.configuration(data.verdict.leaders[0])
    fresh = [trial for trial in winner.trials if trial.role == "confirmation"]
    file = max(fresh, key=lambda trial: trial.figures["exported_val_accuracy"])
    assert winner.confirmed
    assert winner.seeds == len(fresh) == 2
    assert winner.test == file.figures["test_accuracy"] != 0.123
    assert all(data.configuration(leader).confirmed for leader in data.verdict.leaders)
    assert " A new training: " in data.verdict.sure
    assert winner.stable_interval is not None
    assert winner.reaches is not None
    assert winner.stable_interval[0] < winner.reaches < winner.stable_interval[1]
    assert data.verdict.sure.endswith(f", from 2 fresh seeds and the search; {wording.score(winner.reaches, study.metric)} is expected.")
    assert f"Its exported file scored {wording.score(winner.test, 'accuracy')} on the test images." == data.verdict.checkpoint


def test_the_verdict_names_fresh_trainings_that_failed() -> None:
    study = synthetic.flowers()
    leader = build_report_data(study).verdict.leaders[0]
    first = next(trial.number for trial in study.trials if trial.configuration == leader and trial.role == "confirmation")
    trials = tuple(replace(trial, state="FAIL", curves={}) if trial.number == first else trial for trial in study.trials)
    verdict = build_report_data(replace(study, trials=trials)).verdict
    assert f"1 of 2 fresh trainings of {build_report_data(study).configuration(leader).short} failed" in verdict.sure


def _log_of(rng: np.random.Generator, number: int, images: int, swing: float = 0.0) -> LoggedRun:
    skill = 0.75 + swing * np.where(np.arange(60) % 2, 1.0, -1.0)
    accuracy = rng.binomial(images, skill) / images
    printed = {"val_accuracy": tuple(f"{value:.6f}" for value in accuracy)}
    return LoggedRun(
        f"{number}.csv", "fit 1", "CSV table", {"val_accuracy": accuracy}, printed, num_val=images, first_epoch=40, epoch_stride=2
    )


def test_swings_that_few_images_may_explain_are_not_counted_as_oscillation() -> None:
    rng = np.random.default_rng(0)
    steady, swinging = _log_of(rng, 0, 100), _log_of(rng, 1, 100, swing=0.2)
    alone = build_report_data(study_from_logs([steady]))
    assert {flag.name for flag in alone.configurations[0].flags} >= {"oscillating", "noisy_validation"}
    assert not alone.configurations[0].oscillates
    assert alone.verdict.oscillating == ()
    assert alone.verdict.steadiness == "It swings, but its few validation images cannot tell whether the model does."
    assert "its few validation images cannot tell" in render_report(alone)
    assert "cannot tell" in to_text([diagnose_run(steady)])
    both = build_report_data(study_from_logs([steady, swinging]))
    assert both.verdict.oscillating == ("1.csv",)
    assert both.verdict.steadiness.startswith("1 of 2 runs oscillates")
    assert "1 more swings, but so few validation images cannot tell" in both.verdict.steadiness
    sweep = build_report_data(replace(study_from_logs([steady, swinging]), kind="study"))
    assert {count.flag: count.trials for count in sweep.causes.counts}["oscillating"] == 1


def test_epochs_of_a_log_keep_its_numbers_in_ranking_page_and_table() -> None:
    run = _log_of(np.random.default_rng(1), 0, 100)
    data = build_report_data(study_from_logs([run]))
    row = data.configurations[0]
    assert row.best_epoch == diagnose_run(run).val_accuracy.best_epoch
    packed = pack_curves(data)
    assert packed["thinned"] == [0]
    assert np.frombuffer(base64.b64decode(packed["epochs"]), "<u4").tolist() == list(range(40, 160, 2))
    assert [line.split(",")[4] for line in to_csv(data).epochs.splitlines()[1:]] == [str(epoch) for epoch in range(40, 160, 2)]


def test_a_tie_names_one_to_take_its_probabilities_and_a_command_for_knowing_more() -> None:
    study = replace(synthetic.alike(12), sweep_file="study: alike", name="my study")
    data = build_report_data(study)
    verdict, row = data.verdict, data.configuration(data.verdict.recommended)
    assert verdict.leaders[0] == verdict.recommended == data.ranking.recommended
    assert verdict.probability.startswith(
        f"{row.short} is the best of 12 with {wording.probability(row.probability_best)}, "
        f"within half a point of the best with {wording.probability(row.probability_near)}."
    )
    assert f"One of these {len(verdict.leaders)} is the best with" in verdict.probability
    number = re.search(r"about (\d+) more trainings?.*: steadysweep confirm 'my study' --trainings (\d+)$", verdict.price)
    assert number is not None
    assert number[1] == number[2]
    running = replace(study, trials=(replace(study.trials[0], state="RUNNING"), *study.trials[1:]))
    assert build_report_data(running).verdict.price == ""


def test_collapsed_trainings_alone_lead_to_no_recommendation() -> None:
    flat = {"val_accuracy": np.full(20, 0.556, np.float32)}
    study = synthetic.alike(4)
    collapsed = replace(study, trials=tuple(replace(trial, curves=flat) for trial in study.trials))
    verdict = build_report_data(collapsed).verdict
    assert (verdict.recommended, verdict.probability, verdict.price) == (None, "", "")
    assert verdict.headline.startswith("Nothing to recommend: ")
