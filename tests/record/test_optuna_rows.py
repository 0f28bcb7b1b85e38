"""Rows that we write to Optuna's tables are those that Optuna would have written."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import text

from sweeps.record.writing import finish_trial, insert_shown, insert_trial, replace_user_attributes

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import PostgresServer

TABLES = ("trials", "trial_params", "trial_user_attributes", "trial_system_attributes", "trial_values", "trial_intermediate_values")


def template(state: TrialState, value: float | None = None, shown: dict[int, float] | None = None) -> FrozenTrial:
    return FrozenTrial(
        number=-1,
        trial_id=-1,
        state=state,
        value=value,
        datetime_start=datetime(2026, 7, 1, 12, 30),  # noqa: DTZ001 - as Optuna takes it
        datetime_complete=datetime(2026, 7, 1, 13) if state.is_finished() else None,  # noqa: DTZ001 - as above
        params={"rate": 0.01, "units": 12, "layers": "all"},
        distributions={
            "rate": FloatDistribution(1e-5, 0.1, log=True),
            "units": IntDistribution(2, 20, step=2),
            "layers": CategoricalDistribution(("none", "all")),
        },
        user_attrs={"role": "search", "seed": 3, "figures": {"a": 0.5}},
        system_attrs={"cma:state": "abc"},
        intermediate_values=shown or {},
    )


def rows(storage: optuna.storages.RDBStorage, study_id: int) -> dict[str, list[dict[str, Any]]]:
    """What stands in Optuna's tables about the trials of a study, without keys and the times of ends, trials by their numbers."""
    found: dict[str, list[dict[str, Any]]] = {}
    with storage.engine.connect() as connection:
        numbers = dict(connection.execute(text("SELECT trial_id, number FROM trials WHERE study_id = :id"), {"id": study_id}).all())
        for table in TABLES:
            every = [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()]  # noqa: S608 - names from above
            kept = [{**row, "trial_id": numbers[row["trial_id"]]} for row in every if row["trial_id"] in numbers]
            for row in kept:
                for name in [
                    name
                    for name in row
                    if name == "study_id" or (name.endswith("_id") and name != "trial_id") or name == "datetime_complete"
                ]:
                    del row[name]
            found[table] = sorted(kept, key=repr)
    return found


def check_against_optuna(url: str) -> None:
    storage = optuna.storages.RDBStorage(url)
    theirs, ours = (storage.create_new_study([optuna.study.StudyDirection.MAXIMIZE], name) for name in ("theirs", "ours"))
    history = template(TrialState.PRUNED, shown={1: 0.1, 3: float("nan"), 5: float("inf")})
    finished = template(TrialState.COMPLETE, value=0.75)
    first, second, third = (storage.create_new_trial(theirs, each) for each in (template(TrialState.RUNNING), history, finished))
    del second, third
    storage.set_trial_intermediate_value(first, 1, 0.5)
    storage.set_trial_intermediate_value(first, 1, 0.6)
    for key, value in {"seed": 4, "diagnosis": {"flags": ["oscillating"]}}.items():
        storage.set_trial_user_attr(first, key, value)
    storage.set_trial_state_values(first, TrialState.COMPLETE, [0.25])
    with storage.engine.begin() as connection:
        mine = insert_trial(connection, ours, 0, template(TrialState.RUNNING))
        insert_trial(connection, ours, 1, history)
        insert_trial(connection, ours, 2, finished)
    with storage.engine.begin() as connection:
        insert_shown(connection, mine, 1, 0.5)
        insert_shown(connection, mine, 1, 0.6)
        replace_user_attributes(connection, mine, {"seed": 4, "diagnosis": {"flags": ["oscillating"]}})
        assert finish_trial(connection, mine, TrialState.COMPLETE, [0.25])
        assert not finish_trial(connection, mine, TrialState.FAIL, ())
    assert rows(storage, ours) == rows(storage, theirs)
    for own, other in zip(storage.get_all_trials(ours), storage.get_all_trials(theirs), strict=True):
        assert (own.params, own.distributions, own.state, own.value) == (other.params, other.distributions, other.state, other.value)
        assert own.datetime_start == other.datetime_start
        assert abs((own.datetime_complete - other.datetime_complete).total_seconds()) < 60  # type: ignore[operator]
    storage.engine.dispose()


def test_rows_on_sqlite(tmp_path: Path) -> None:
    check_against_optuna(f"sqlite:///{tmp_path}/rows.db")


def test_rows_on_postgresql(postgres: PostgresServer) -> None:
    check_against_optuna(postgres.url)
