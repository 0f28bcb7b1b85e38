"""What a study does with what happens to its trials."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import numpy as np
import optuna
import pytest
from recorder import Recorder

from sweeps.errors import SweepInputError
from sweeps.executor.inline import InlineExecutor
from sweeps.progress.plain import ending
from sweeps.record.errors import StudyLockedError
from sweeps.record.opening import create_study, open_study
from sweeps.record.study_record import read_study_facts
from sweeps.study.finishing import SweepAbortedError
from sweeps.study.plan import StudyOptions, plan_of
from sweeps.study.running import _facts, run_study
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reports.records import StudyRecord
    from sweeps.observer import StudyOutcome

NO_PRUNING = "{trials: %d, pruner: none}"


def test_a_finished_study_run_again_does_nothing(run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord]) -> None:
    first = run(search=NO_PRUNING % 3)
    before = record()
    again = run(search=NO_PRUNING % 3)
    assert (first.reason, again.reason) == ("done", "done")
    assert [trial.number for trial in record().trials] == [0, 1, 2]
    assert record().updated == before.updated
    assert [(each.configuration, each.stable) for each in again.snapshot.leaders] == [
        (each.configuration, each.stable) for each in first.snapshot.leaders
    ]


def test_observers_see_starts_epochs_ends_and_where_the_study_stands(sweep_text: Callable[..., str]) -> None:
    seen = Recorder()
    sweep = sweep_from_text(sweep_text(search=NO_PRUNING % 2))
    outcome = run_study(sweep, InlineExecutor(), trainable="fast_training:train", observers=[seen])
    assert seen.epochs == [(trial, epoch) for trial in (0, 1) for epoch in (1, 2, 3, 4, 5)]
    assert [trial.number for trial in seen.started] == [0, 1]
    assert seen.started[0].attempts[-1].worker.rpartition(":")[2].isdigit()
    last = seen.ticks[-1]
    assert (last.done, last.complete, last.target, last.phase, last.running) == (2, 2, 2, "over", ())
    assert last.trial_hours > 0
    best = max(seen.finished, key=lambda trial: trial.score["stable"])
    assert outcome.snapshot.leaders[0].configuration == best.configuration


def test_the_value_is_the_stable_accuracy_of_the_curve_on_record(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord], tmp_path: Path
) -> None:
    from reports.stability import stable

    run(search=NO_PRUNING % 2)
    for told, trial in zip(
        optuna.load_study(study_name="fast", storage=f"sqlite:///{tmp_path}/fast.db").trials, record().trials, strict=True
    ):
        assert told.value == stable(trial.curves["val_accuracy"])
        assert told.intermediate_values == pytest.approx(dict(enumerate(trial.curves["val_accuracy"].tolist(), start=1)))
        assert told.user_attrs["role"] == "search"
        assert told.user_attrs["configuration"] == trial.configuration


def test_pruned_trials_keep_their_curve_and_say_why(run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord]) -> None:
    outcome = run(search="{trials: 12, sampler: random, pruner: asha, pruner_options: {grace: 2, reduction: 2}}")
    pruned = [trial for trial in record().trials if trial.state == "PRUNED"]
    assert len(pruned) == outcome.snapshot.pruned >= 3
    assert {trial.num_epochs for trial in pruned} <= {2, 4}
    assert all(trial.cause and trial.cause.startswith("asha: level ") for trial in pruned)
    assert all(trial.attempts[-1].cause == "stopped" for trial in pruned)
    for trial in pruned:
        assert "stable" not in trial.score
        level = f"level {100 * trial.score['level']:.1f} % at epoch {trial.num_epochs} of 5 (best"
        assert f"pruned after {trial.num_epochs} of 5 epochs: {level}" in ending(trial, "val_accuracy")


def test_the_first_trials_failing_alike_stop_the_sweep_with_that_error(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord]
) -> None:
    with pytest.raises(SweepAbortedError, match=r"first 3 trials.*\n(.*\n)*.*no such layer: conv9"):
        run("faulty_training:always_the_same", search=NO_PRUNING % 20)
    trials = record().trials
    assert [trial.state for trial in trials] == ["FAIL"] * 3
    assert all("no such layer: conv9" in (trial.error or "") for trial in trials)


def test_each_failure_is_told_apart_and_the_sweep_goes_on(run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord]) -> None:
    outcome = run("faulty_training:sometimes", search="{trials: 14, sampler: random, pruner: none, seed: 3}")
    trials = record().trials
    causes = {trial.cause for trial in trials if trial.state == "FAIL"}
    assert causes == {"exception", "non-finite loss", "gpu out of memory"}
    assert all(len(trial.attempts) == 1 for trial in trials)
    assert outcome.reason == "done"
    assert outcome.snapshot.failed + outcome.snapshot.complete == 14


def test_memory_is_tried_again_twice_and_then_failed_with_its_cause(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord]
) -> None:
    run("faulty_training:memory_always", search=NO_PRUNING % 1)
    (trial,) = record().trials
    assert (trial.state, trial.cause) == ("FAIL", "out of memory (3 attempts)")
    assert [attempt.cause for attempt in trial.attempts] == ["out of memory"] * 3


def test_a_retried_trial_keeps_its_epochs(run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord]) -> None:
    run("faulty_training:memory_once", search=NO_PRUNING % 1)
    (trial,) = record().trials
    assert trial.state == "COMPLETE"
    assert trial.curves["val_accuracy"].tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert [(attempt.from_epoch, attempt.cause) for attempt in trial.attempts] == [(0, "out of memory"), (2, "completed")]


def test_missing_values_are_ranked_without_and_a_missing_curve_fails(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord]
) -> None:
    run("faulty_training:nan_metric", search=NO_PRUNING % 2)
    without, some = record().trials
    assert without.state == "FAIL"
    assert "no value of 'val_accuracy'" in (without.error or "")
    assert some.state == "COMPLETE"
    assert np.isnan(some.curves["val_accuracy"]).tolist() == [True, False, True, False, False]


@pytest.mark.parametrize(
    ("trainable", "error"),
    [
        ("other_metric", "reported no value of 'val_accuracy', which is ranked; it reported: accuracy"),
        ("silent", "returned without reporting an epoch"),
        ("leaps", "reported epoch 3, expected 2"),
    ],
)
def test_a_trainable_that_breaks_the_rules_is_told_which(
    trainable: str, error: str, run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord]
) -> None:
    try:
        run(f"faulty_training:{trainable}", search=NO_PRUNING % 1)
    except SweepAbortedError as aborted:
        assert error in str(aborted)  # noqa: PT017 - some of these are seen as the trainable's own exceptions
    (trial,) = record().trials
    assert trial.state == "FAIL"
    assert error in (trial.error or "")


def test_a_finite_space_is_exhausted_and_says_so(run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord]) -> None:
    space = "{dropout: {choice: [0.0, 0.1, 0.2]}, head_bn: {choice: [true, false]}}"
    outcome = run(search=NO_PRUNING % 50, space=space, training="{epochs: 5, learning_rate: 0.001}")
    assert outcome.reason == "space exhausted"
    assert len({trial.configuration for trial in record().trials}) == len(record().trials) == 6


def test_a_time_budget_ends_the_run_and_the_next_run_continues_its_trial(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAST_TRAINING_SECONDS", "0.15")
    outcome = run(search=NO_PRUNING % 2, budget="{time: 0.4}")
    assert outcome.reason == "time budget"
    assert outcome.unfinished == (0,)
    (cut,) = record().trials
    assert cut.state == "RUNNING"
    assert 1 <= cut.num_epochs < 5
    assert cut.attempts[0].cause == "interrupted"
    monkeypatch.setenv("FAST_TRAINING_SECONDS", "0")
    assert run(search=NO_PRUNING % 2).reason == "done"
    first = record().trials[0]
    assert first.state == "COMPLETE"
    assert [attempt.from_epoch for attempt in first.attempts] == [0, cut.num_epochs]


def test_gpu_hours_count_over_runs(sweep_text: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAST_TRAINING_SECONDS", "0.05")
    text = sweep_text(search=NO_PRUNING % 50, resources="{gpu: 4}", budget=f"{{gpu_hours: {4 * 0.6 / 3600}}}")
    sweep = sweep_from_text(text)
    outcome = run_study(sweep, InlineExecutor(), trainable="fast_training:train")
    assert outcome.reason == "gpu-hours budget"
    assert outcome.snapshot.gpu_hours == pytest.approx(4 * outcome.snapshot.trial_hours)
    started = time.monotonic()
    again = run_study(sweep, InlineExecutor(), trainable="fast_training:train")
    assert again.reason == "gpu-hours budget"
    assert time.monotonic() - started < 5


def test_a_stop_leaves_trials_that_the_next_run_continues(sweep_text: Callable[..., str], record: Callable[[], StudyRecord]) -> None:
    seen = Recorder()
    sweep = sweep_from_text(sweep_text(search=NO_PRUNING % 3))
    outcome = run_study(
        sweep, InlineExecutor(), trainable="fast_training:train", observers=[seen], stop_requested=lambda: (1, 2) in seen.epochs
    )
    assert (outcome.reason, outcome.unfinished) == ("interrupted", (1,))
    assert [trial.state for trial in record().trials] == ["COMPLETE", "RUNNING"]
    assert run_study(sweep, InlineExecutor(), trainable="fast_training:train", observers=[seen]).reason == "done"
    assert len(seen.epochs) == len(set(seen.epochs)) == 15


def test_a_deleted_checkpoint_costs_time_but_no_result_and_is_told(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord], sweep_text: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAST_TRAINING_SECONDS", "0.15")
    run(search=NO_PRUNING % 1, budget="{time: 0.4}")
    cut = record().trials[0].curves["val_accuracy"].tolist()
    monkeypatch.setenv("FAST_TRAINING_SECONDS", "0")
    seen = Recorder()
    run_study(sweep_from_text(sweep_text(search=NO_PRUNING % 1)), InlineExecutor(), trainable="faulty_training:forgets", observers=[seen])
    trial = record().trials[0]
    assert trial.state == "COMPLETE"
    assert trial.num_epochs == 5
    assert trial.curves["val_accuracy"].tolist()[: len(cut)] == cut
    assert trial.notices == ("no checkpoint is left: the training starts over",)
    assert seen.notices == [(0, trial.notices[0])]


def test_duplicates_are_trained_again_only_where_that_is_asked_for(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord]
) -> None:
    keys = {"space": "{dropout: {choice: [0.0, 0.1]}}", "training": "{epochs: 5, learning_rate: 0.001}", "confirm": "{top: 1, seeds: 2}"}
    outcome = run(search="{trials: 6, sampler: random, pruner: none, duplicates: true}", **keys)
    trials = record().trials
    searched = [trial for trial in trials if trial.role == "search"]
    assert outcome.reason == "done"
    assert len(searched) == 6
    assert len({trial.configuration for trial in searched}) == 2
    assert len({trial.seed for trial in trials}) == len(trials) == 8


def test_more_trials_extend_a_study_as_if_it_had_been_longer(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord], tmp_path: Path
) -> None:
    run(search="{trials: 4}")
    run(search="{trials: 9}")
    extended = [dict(trial.params) for trial in record().trials]
    facts = read_study_facts(f"sqlite:///{tmp_path}/fast.db", "fast")
    assert facts.target_trials == 9
    assert "search.trials: 4 -> 9" in facts.changes[0]
    (tmp_path / "fast.db").unlink()
    shutil.rmtree(tmp_path / "runs")
    run(search="{trials: 9}")
    assert [dict(trial.params) for trial in record().trials] == extended


def test_a_narrowed_space_continues_inside_it(run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord]) -> None:
    space = (
        "{learning_rate: {float: [1.0e-5, 1.0e-1], log: true}, dropout: {float: [0.0, 0.6], step: 0.05}, head_bn: {choice: [true, false]}}"
    )
    narrowed = "{learning_rate: {float: [1.0e-4, 1.0e-2], log: true}, dropout: {float: [0.0, 0.6], step: 0.05}, head_bn: {choice: [true]}}"
    run(search=NO_PRUNING % 12, space=space)
    run(search=NO_PRUNING % 18, space=narrowed)
    later = record().trials[12:]
    assert len(later) == 6
    assert all(1e-4 <= trial.params["learning_rate"] <= 1e-2 and trial.params["head_bn"] == "true" for trial in later)


def test_another_sweep_under_the_same_name_is_refused(run: Callable[..., StudyOutcome]) -> None:
    run(search=NO_PRUNING % 1)
    with pytest.raises(SweepInputError, match=r"training\.epochs: 5 -> 9"):
        run(search=NO_PRUNING % 1, training="{epochs: 9}")


def test_other_data_under_the_same_file_is_refused(sweep_text: Callable[..., str]) -> None:
    sweep = sweep_from_text(sweep_text(search=NO_PRUNING % 1))
    run_study(sweep, InlineExecutor(), trainable="fast_training:train", options=StudyOptions(facts={"data_fingerprint": "one"}))
    with pytest.raises(SweepInputError, match="fingerprint two, expected one"):
        run_study(sweep, InlineExecutor(), trainable="fast_training:train", options=StudyOptions(facts={"data_fingerprint": "two"}))


def test_a_second_driver_is_refused_while_the_first_lives(sweep_text: Callable[..., str], tmp_path: Path) -> None:
    sweep = sweep_from_text(sweep_text(search=NO_PRUNING % 1))
    plan = plan_of(sweep, "fast_training:train")
    held = create_study(f"sqlite:///{tmp_path}/fast.db", "fast", _facts(sweep, plan, StudyOptions()))
    with pytest.raises(StudyLockedError, match=r"is being run by .*:\d+ since"):
        run_study(sweep, InlineExecutor(), trainable="fast_training:train")
    held.close()
    assert run_study(sweep, InlineExecutor(), trainable="fast_training:train").reason == "done"
    open_study(f"sqlite:///{tmp_path}/fast.db", "fast").close()


def test_a_search_ends_when_no_improvement_is_credible_and_the_next_run_knows(
    sweep_text: Callable[..., str], record: Callable[[], StudyRecord]
) -> None:
    def run(trials: int, limit: str) -> StudyOutcome:
        sweep = sweep_from_text(
            sweep_text(search=f"{{trials: {trials}, sampler: random, pruner: none}}", budget=f"{{stop_when_settled: {limit}}}")
        )
        return run_study(sweep, InlineExecutor(), trainable="fast_training:train")

    never = run(22, "0.0001")
    assert (never.reason, never.note) == ("done", "")
    settled = run(25, "0.2")
    assert settled.reason == "settled"
    assert settled.note.startswith("after 22 complete trials an untried configuration may hold at most ")
    assert settled.note.endswith("less than 20.00 points, as the sweep file asks")
    assert len(record().trials) == settled.snapshot.done == 22
    assert record().facts["search settled"] == settled.note
    assert "search.trials: 22 -> 25" in " ".join(record().facts.values())
    again = run(25, "0.2")
    assert (again.reason, again.note, len(record().trials)) == ("settled", settled.note, 22)
    assert run(25, "false").reason == "done"
    assert len(record().trials) == 25


def test_a_settled_search_is_still_confirmed(sweep_text: Callable[..., str], record: Callable[[], StudyRecord]) -> None:
    text = sweep_text(search="{trials: 40, sampler: random, pruner: none}", budget="{stop_when_settled: 0.5}", confirm="{top: 2, seeds: 1}")
    outcome = run_study(sweep_from_text(text), InlineExecutor(), trainable="fast_training:train")
    assert outcome.reason == "settled"
    assert [trial.role for trial in record().trials] == ["search"] * 20 + ["confirmation"] * 2


def test_a_loss_needs_to_be_told_what_is_not_worth_a_search(sweep_text: Callable[..., str]) -> None:
    with pytest.raises(SweepInputError, match="expected a number for val_loss"):
        sweep_from_text(sweep_text(search="{metric: val_loss}", budget="{stop_when_settled: true}"))
