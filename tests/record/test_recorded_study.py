"""The record: what is written comes back, from SQLite and from PostgreSQL, to us and to Optuna's tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import optuna
import pytest
from large_study import POINT, add_trial, new_study
from optuna.trial import TrialState
from sqlalchemy import create_engine, text

from sweeps.record import list_studies, read_study
from sweeps.record.errors import SchemaError, StudyExistsError, StudyLockedError, StudyNotFoundError
from sweeps.record.opening import open_study
from sweeps.record.reading import shown_epochs
from sweeps.record.study_record import read_study_facts, study_exists

if TYPE_CHECKING:
    from pathlib import Path

    from sweeps.record.recorded_study import RecordedStudy


def add(study: RecordedStudy, configuration: str = "c", seed: int = 7) -> int:
    return add_trial(study, configuration, seed)


def test_a_trial_comes_back_as_it_was_written(study: RecordedStudy, url: str, name: str) -> None:
    number = add(study)
    study.begin_attempt(number, 0, driver="driver:1", from_epoch=0, gpu=0.5)
    study.set_worker(number, 0, "worker:2")
    study.add_epoch(number, 0, 1, {"val_accuracy": 0.25, "loss": 2.0}, None)
    study.begin_attempt(number, 1, driver="driver:3", from_epoch=1, gpu=0.5)
    study.add_epoch(number, 1, 2, {"val_accuracy": 0.5, "late": 1.0}, "there/2")
    study.end_attempt(number, 1, "completed")
    running = read_study(url, name).trials[0]
    assert (running.state, running.num_epochs, running.planned_epochs, running.seed) == ("RUNNING", 2, 100, 7)
    assert running.params == POINT
    assert {key: values.tolist() for key, values in running.curves.items()} == {
        "val_accuracy": [0.25, 0.5],
        "loss": [2.0, pytest.approx(np.nan, nan_ok=True)],
        "late": [pytest.approx(np.nan, nan_ok=True), 1.0],
    }
    assert [(attempt.driver, attempt.worker, attempt.from_epoch, attempt.cause) for attempt in running.attempts] == [
        ("driver:1", "worker:2", 0, "interrupted"),
        ("driver:3", "", 1, "completed"),
    ]
    study.compact(number, running.curves)
    study.set_attributes(number, {"figures": {"num_val": 321.0}, "cause": "asha: ...", "error": "Traceback\né"})
    study.tell(number, TrialState.PRUNED, ())
    whole = read_study(url, name)
    pruned = whole.trials[0]
    assert (pruned.state, pruned.cause, pruned.error, pruned.figures) == ("PRUNED", "asha: ...", "Traceback\né", {"num_val": 321.0})
    assert pruned.curves["val_accuracy"].tolist() == [0.25, 0.5]
    assert whole.num_val == 321
    assert whole.updated is not None
    assert whole.parameters[0].log
    assert whole.parameters[1].labels == ("none", "flip")
    assert whole.created is not None
    assert whole.created.year == 2026


def test_an_epoch_is_never_written_twice(study: RecordedStudy) -> None:
    from sqlalchemy.exc import IntegrityError

    number = add(study)
    study.begin_attempt(number, 0, driver="d", from_epoch=0, gpu=0)
    study.add_epoch(number, 0, 1, {"val_accuracy": 0.25}, None)
    with pytest.raises(IntegrityError):
        study.add_epoch(number, 0, 1, {"val_accuracy": 0.3}, None)


def test_numbers_are_those_of_the_study_not_of_the_storage(study: RecordedStudy, url: str, name: str) -> None:
    other = new_study(url, f"{name} beside")
    assert [add(study), add(other), add(study), add(other)] == [0, 0, 1, 1]
    other.add_epoch(1, 0, 1, {"val_accuracy": 1.0}, None)
    other.close()
    assert [trial.num_epochs for trial in read_study(url, name).trials] == [0, 0]
    assert [trial.num_epochs for trial in read_study(url, f"{name} beside").trials] == [0, 1]
    assert {name, f"{name} beside"} <= set(list_studies(url))


def test_optuna_opens_the_study_and_sees_values_attributes_and_at_most_32_epochs(study: RecordedStudy, url: str, name: str) -> None:
    number = add(study)
    for epoch in range(1, 101):
        study.show_epoch(number, epoch, epoch / 100, 100)
    study.tell(number, TrialState.COMPLETE, [0.75])
    (trial,) = optuna.load_study(study_name=name, storage=url).trials
    assert (trial.state, trial.value, trial.params) == (TrialState.COMPLETE, 0.75, POINT)
    assert trial.user_attrs["configuration"] == "c"
    assert len(trial.intermediate_values) == 32
    assert {1, 100} <= set(trial.intermediate_values)
    assert optuna.load_study(study_name=name, storage=url).metric_names == ["stable val_accuracy"]


@pytest.mark.parametrize("planned", [1, 2, 31, 32, 33, 57, 100, 1000])
def test_shown_epochs_are_few_and_hold_both_ends(planned: int) -> None:
    epochs = shown_epochs(planned)
    assert len(epochs) == min(planned, 32)
    assert {1, planned} <= epochs
    assert max(epochs) == planned


def test_one_driver_a_study_in_a_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/one.db"
    study = new_study(url, "one")
    with pytest.raises(StudyLockedError, match="is being run by"):
        open_study(url, "one")
    study.close()
    open_study(url, "one").close()


def test_the_next_driver_opens_the_same_study(study: RecordedStudy, url: str, name: str) -> None:
    assert study_exists(url, name)
    study.close()
    again = open_study(url, name)
    assert again.facts == study.facts
    again.close()


def test_facts_change_with_a_note(study: RecordedStudy, url: str, name: str) -> None:
    study.update_facts(change="search.trials: 10 -> 20", target_trials=20)
    facts = read_study_facts(url, name)
    assert facts.target_trials == 20
    assert facts.changes[0].endswith("search.trials: 10 -> 20")
    assert facts == study.facts


def test_a_name_is_taken_once(study: RecordedStudy, url: str, name: str) -> None:
    study.close()
    with pytest.raises(StudyExistsError, match="expected a new name"):
        new_study(url, name)


def test_a_study_whose_driver_died_while_making_it_is_made_again(url: str, name: str) -> None:
    optuna.create_study(study_name=name, storage=url)
    assert not study_exists(url, name)
    new_study(url, name).close()
    assert study_exists(url, name)


def test_missing_studies_are_named_with_those_that_are_there(study: RecordedStudy, url: str, name: str, tmp_path: Path) -> None:
    del study
    with pytest.raises(StudyNotFoundError, match=f"no study 'flowres'; expected one of: .*{name}"):
        read_study(url, "flowres")
    with pytest.raises(StudyNotFoundError, match=r"no file .*nothing\.db"):
        read_study(f"sqlite:///{tmp_path}/nothing.db", name)
    assert not (tmp_path / "nothing.db").exists()
    with pytest.raises(StudyNotFoundError, match="no study 'flowres'"):
        open_study(url, "flowres")


def test_a_newer_schema_and_a_foreign_storage_are_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/newer.db"
    new_study(url, "newer").close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE steadysweep_schema SET version = 99"))
    engine.dispose()
    for reader in (read_study, open_study):
        with pytest.raises(SchemaError, match="schema 99; this version reads up to 3"):
            reader(url, "newer")
    optuna.create_study(study_name="theirs", storage=f"sqlite:///{tmp_path}/theirs.db")
    with pytest.raises(SchemaError, match="holds no study of steadysweep"):
        list_studies(f"sqlite:///{tmp_path}/theirs.db")


def test_rows_of_a_deleted_study_do_not_reach_a_new_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/reused.db"
    first = new_study(url, "first")
    number = add(first)
    first.begin_attempt(number, 0, driver="d", from_epoch=0, gpu=0)
    first.add_epoch(number, 0, 1, {"val_accuracy": 1.0}, None)
    first.close()
    optuna.delete_study(study_name="first", storage=url)
    second = new_study(url, "second")
    add(second)
    second.close()
    (trial,) = read_study(url, "second").trials
    assert (trial.num_epochs, trial.attempts) == (0, ())
