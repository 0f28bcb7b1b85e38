"""A sweep that a driver of schema 1 left in its fifth trial is finished by a driver of today."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from reports.ranking import rank
from reports.stability import level, stable
from sweeps.executor.inline import InlineExecutor
from sweeps.record import read_study
from sweeps.record.study_record import read_stored_study, read_study_facts
from sweeps.study.plan import plan_of
from sweeps.study.running import run_study
from sweeps.study.state import StudyState
from sweeps.sweep_file import sweep_from_text

DUMP = Path(__file__).parents[1] / "data/record/version_1.sqlite.sql"


def test_scores_of_an_earlier_rule_are_computed_anew_from_the_curves(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "old.db") as connection:
        connection.executescript(DUMP.read_text())
    connection.close()
    url = f"sqlite:///{tmp_path}/old.db"
    facts, trials = read_stored_study(url, "old")
    sweep = sweep_from_text(facts.sweep_file).model_copy(update={"storage": url})
    state = StudyState(plan_of(sweep, "fast_training:train"), trials)
    ranked = {row.configuration: row for row in rank(read_study(url, "old")).configurations}
    complete = [trial for trial in state.finished.values() if trial.state == "COMPLETE"]
    assert len(complete) >= 2
    for trial in complete:
        row = ranked[trial.configuration]
        assert trial.score["stable"] == row.stable == stable(trial.curves["val_accuracy"]) > 0.5  # the earlier rule said less than .47
        assert next(seen.score for seen in state.seen() if seen.number == trial.number) == row.stable
    pruned = [trial for trial in state.finished.values() if trial.state == "PRUNED"]
    assert pruned
    for trial in pruned:
        assert "stable" not in trial.score
        assert next(seen.score for seen in state.seen() if seen.number == trial.number) == level(trial.curves["val_accuracy"])


def test_it_goes_on_where_it_was_and_nothing_is_lost(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "old.db") as connection:
        connection.executescript(DUMP.read_text())
    connection.close()
    url = f"sqlite:///{tmp_path}/old.db"
    before = read_study(url, "old")
    sweep = sweep_from_text(read_study_facts(url, "old").sweep_file).model_copy(
        update={"storage": url, "storage_path": str(tmp_path / "runs")}
    )
    outcome = run_study(sweep, InlineExecutor(), trainable="fast_training:train")
    after = read_study(url, "old")
    assert outcome.reason == "done"
    assert [trial.number for trial in after.trials] == list(range(6))
    assert len({trial.configuration for trial in after.trials}) == 6
    assert {trial.state for trial in after.trials} <= {"COMPLETE", "PRUNED"}
    for old, new in zip(before.trials, after.trials, strict=False):
        assert list(new.curves["val_accuracy"])[: old.num_epochs] == list(old.curves["val_accuracy"])
        assert (new.seed, dict(new.params)) == (old.seed, dict(old.params))
    assert [attempt.from_epoch for attempt in after.trials[4].attempts] == [0, 2]
