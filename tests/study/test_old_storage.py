"""A sweep that a driver of schema 1 left in its fifth trial is finished by a driver of today."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sweeps.executor.inline import InlineExecutor
from sweeps.record import read_study, read_study_facts
from sweeps.study import run_study
from sweeps.sweep_file import sweep_from_text

DUMP = Path(__file__).parents[1] / "data/record/version_1.sqlite.sql"


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
