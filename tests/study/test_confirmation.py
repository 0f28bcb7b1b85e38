"""Which trainings confirm a search's leaders, when these are fixed, what it costs, and who sees the test images."""

from __future__ import annotations

import json
import shutil
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

from recorder import Recorder

from reports.stability import SCORE_RULE
from sweeps.executor.inline import InlineExecutor
from sweeps.progress.plain import confirmation
from sweeps.record.study_record import read_stored_study
from sweeps.study.plan import plan_of
from sweeps.study.running import run_study
from sweeps.study.state import StudyState
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reports.records import StudyRecord
    from sweeps.observer import StudyOutcome

NO_PRUNING = "{trials: %d, pruner: none}"


def test_leaders_are_confirmed_with_fresh_seeds(run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord]) -> None:
    outcome = run(search=NO_PRUNING % 4, confirm="{top: 2, seeds: 2}")
    trials = record().trials
    fresh = [trial for trial in trials if trial.role == "confirmation"]
    leaders = [trial.configuration for trial in sorted(trials[:4], key=lambda trial: -trial.score["stable"])[:2]]
    assert [trial.configuration for trial in fresh] == [*leaders, *leaders]
    assert len({trial.seed for trial in trials}) == len(trials) == 8
    assert outcome.snapshot.confirmations == outcome.snapshot.confirmations_target == 4
    assert run(search=NO_PRUNING % 4, confirm="{top: 2, seeds: 3}").snapshot.confirmations == 6


def test_leaders_are_fixed_when_their_confirmation_begins(
    sweep_text: Callable[..., str], record: Callable[[], StudyRecord], tmp_path: Path
) -> None:
    seen = Recorder()
    sweep = sweep_from_text(sweep_text(search=NO_PRUNING % 5, confirm="{top: 2, seeds: 2}"))
    outcome = run_study(
        sweep, InlineExecutor(), trainable="fast_training:train", observers=[seen], stop_requested=lambda: (5, 2) in seen.epochs
    )
    leaders, last = outcome.snapshot.leaders[:2], outcome.snapshot.leaders[-1].trials[0]
    score = json.dumps({"stable": 0.99, "level": 0.99, "best": 0.99, "last": 0.99, "provisional": False, "rule": SCORE_RULE})
    with sqlite3.connect(tmp_path / "fast.db") as database:  # as if the last one had become the best in the meantime
        (trial,) = database.execute("SELECT trial_id FROM trials WHERE number = ?", (last.number,)).fetchone()
        database.execute("UPDATE trial_user_attributes SET value_json = ? WHERE key = 'score' AND trial_id = ?", (score, trial))
    run_study(sweep, InlineExecutor(), trainable="fast_training:train")
    state = StudyState(plan_of(sweep, "fast_training:train"), read_stored_study(f"sqlite:///{tmp_path}/fast.db", "fast")[1])
    assert state.search_order()[0].number == last.number
    fresh = [trial.configuration for trial in record().trials if trial.role == "confirmation"]
    assert fresh == [leader.configuration for leader in leaders] * 2
    more = sweep_from_text(sweep_text(search=NO_PRUNING % 5, confirm="{top: 3, seeds: 2}"))
    run_study(more, InlineExecutor(), trainable="fast_training:train")
    assert [trial.configuration for trial in record().trials if trial.role == "confirmation"] == [
        *fresh,
        last.configuration,
        last.configuration,
    ]


def test_more_search_trials_choose_the_leaders_anew_and_train_no_confirmation_twice(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord]
) -> None:
    run(search="{trials: 2, sampler: random, pruner: none}", confirm="{top: 2, seeds: 1}")
    outcome = run(search="{trials: 12, sampler: random, pruner: none}", confirm="{top: 2, seeds: 1}")
    fresh = [trial.configuration for trial in record().trials if trial.role == "confirmation"]
    assert len(fresh) == len(set(fresh)) >= 3
    searched = sorted((trial for trial in record().trials if trial.role == "search"), key=lambda trial: -trial.score["stable"])
    assert {trial.configuration for trial in searched[:2]} <= set(fresh)
    assert all(leader.confirmed for leader in outcome.snapshot.leaders[:1])


def test_the_cost_of_confirmation_is_told_before_it_begins_and_again_when_it_goes_on(sweep_text: Callable[..., str]) -> None:
    seen = Recorder()
    sweep = sweep_from_text(sweep_text(search=NO_PRUNING % 3, confirm="{top: 2, seeds: 2}"))
    run_study(sweep, InlineExecutor(), trainable="fast_training:train", observers=[seen], stop_requested=lambda: (4, 2) in seen.epochs)
    run_study(sweep, InlineExecutor(), trainable="fast_training:train", observers=[seen])
    (first, started), (second, _) = seen.costs
    assert started == 3
    assert (first.leaders, first.seeds, first.trials, first.epochs) == (2, 2, 4, 20)
    assert first.seconds is not None
    assert first.seconds > 0
    assert (second.trials, second.epochs) == (3, 13)
    assert confirmation(replace(first, seconds=90)) == (
        "confirming the 2 leaders with 2 fresh seeds each: 4 trainings to go, at most 20 epochs, about 1 min 30 s"
    )


def test_only_confirmations_and_a_training_without_choice_see_the_test_images(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord], tmp_path: Path
) -> None:
    run(search=NO_PRUNING % 3, confirm="{top: 1, seeds: 2}")
    assert {trial.role for trial in record().trials if "test_accuracy" in trial.figures} == {"confirmation"}
    (tmp_path / "fast.db").unlink()
    shutil.rmtree(tmp_path / "runs")
    run(search=NO_PRUNING % 1, space="{}", training="{epochs: 5, learning_rate: 0.001}")
    (only,) = record().trials
    assert "test_accuracy" in only.figures
