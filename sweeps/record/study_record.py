"""Studies in a storage, read without Optuna and without a driver."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect, select

from reports.records import StudyRecord, TrialRecord
from sweeps.record.errors import StudyNotFoundError
from sweeps.record.facts import StudyFacts, read_facts
from sweeps.record.leases import UNFINISHED, lease_columns, seen_lease
from sweeps.record.reading import Attribute, StoredTrial, read_trials
from sweeps.record.schema import FACTS, LEASES, STUDIES, TRIALS, check_version
from sweeps.record.storage import open_for_reading, shown, storage_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from sweeps.record.leases import Lease


SHOWN_CHANGES = 20


def list_studies(url: str) -> tuple[str, ...]:
    """Names of the studies in a storage, sorted.

    Raises:
        StudyNotFoundError: there is no such storage.
        SchemaError: it holds no studies of ours, or of another version.
    """
    with _reading(url) as (connection, _):
        return tuple(sorted(_studies(connection)))


def read_study(url: str, name: str) -> StudyRecord:
    """A whole study as the report sees it; curves are decoded when they are looked at.

    Raises:
        StudyNotFoundError: no such storage, or no such study in it.
        SchemaError: it holds no studies of ours, or of another version.
    """
    return study_record(name, *read_stored_study(url, name))


def read_stored_study(url: str, name: str) -> tuple[StudyFacts, list[StoredTrial]]:
    """A study's facts and its trials as the storage holds them, without becoming its driver.

    Raises:
        StudyNotFoundError: no such storage, or no such study in it.
        SchemaError: it holds no studies of ours, or of another version.
    """
    with _reading(url) as (connection, place):
        study_id = study_id_of(connection, name, place)
        return existing_facts(connection, study_id, name, place), read_trials(connection, study_id)


def read_study_facts(url: str, name: str) -> StudyFacts:
    """What a study is, without its trials (for ``resume``: its sweep file).

    Raises:
        StudyNotFoundError: no such storage, or no such study in it.
        SchemaError: it holds no studies of ours, or of another version.
    """
    with _reading(url) as (connection, place):
        return existing_facts(connection, study_id_of(connection, name, place), name, place)


def read_leases(url: str, name: str) -> Mapping[int, Lease]:
    """Trial number to lease of the trials that are running on a server; empty where one driver has all of them (SQLite).

    Raises:
        StudyNotFoundError: no such storage, or no such study in it.
        SchemaError: it holds no studies of ours, or of another version.
    """
    with _reading(url) as (connection, place):
        study_id = study_id_of(connection, name, place)
        if connection.dialect.name == "sqlite" or not inspect(connection).has_table(LEASES.name):
            return {}
        query = select(TRIALS.c.number, TRIALS.c.state, *lease_columns()).join(LEASES, LEASES.c.trial_id == TRIALS.c.trial_id)
        rows = connection.execute(query.where(LEASES.c.study_id == study_id)).all()
        leases = {row.number: seen_lease(row) for row in rows if row.state in UNFINISHED}
        return {number: lease for number, lease in leases.items() if lease is not None}


def existing_facts(connection: Connection, study_id: int, name: str, place: str) -> StudyFacts:
    """The facts of a study that must have some.

    Raises:
        StudyNotFoundError: the study was made by other software.
    """
    facts = read_facts(connection, study_id)
    if facts is None:
        raise StudyNotFoundError(f"storage {place}: study {name!r} was not made by steadysweep; expected its facts beside Optuna's tables.")
    return facts


def study_id_of(connection: Connection, name: str, place: str) -> int:
    """Optuna's ID of a study.

    Raises:
        StudyNotFoundError: with the names that are there.
    """
    studies = _studies(connection)
    if name not in studies:
        there = ", ".join(sorted(studies)) or "none"
        raise StudyNotFoundError(f"storage {place}: no study {name!r}; expected one of: {there}.")
    return studies[name]


def study_record(name: str, facts: StudyFacts, trials: list[StoredTrial]) -> StudyRecord:
    """What `reports` is given: imported trials apart from the study's own."""
    history = [trial for trial in trials if trial.role == "history"]
    trials = [trial for trial in trials if trial.role != "history"]
    return StudyRecord(
        name=name,
        kind="study",
        metric=facts.metric,
        maximize=facts.maximize,
        trials=tuple(trial_record(trial, facts.planned_epochs) for trial in trials),
        parameters=facts.parameters,
        num_val=facts.num_val if facts.num_val is not None else _told_num_val(trials),
        target_trials=facts.target_trials,
        sweep_file=facts.sweep_file,
        versions=facts.versions,
        hardware=facts.hardware,
        facts={**facts.facts, **_life(facts)},
        created=facts.created,
        updated=max((moment for trial in trials for moment in _moments(trial)), default=facts.created),
        history=tuple(trial_record(trial, facts.planned_epochs) for trial in history),
        history_source="" if facts.history is None else facts.history.study,
    )


def trial_record(trial: StoredTrial, planned_epochs: int) -> TrialRecord:
    """A stored trial as the report sees it."""
    attributes = trial.attributes
    return TrialRecord(
        number=trial.number,
        configuration=trial.configuration,
        role=trial.role,
        state=trial.state,
        seed=int(attributes.get(Attribute.SEED, 0)),
        params=trial.params,
        curves=trial.curves,
        planned_epochs=int(attributes.get(Attribute.PLANNED_EPOCHS, planned_epochs)),
        figures=attributes.get(Attribute.FIGURES, {}),
        cause=attributes.get(Attribute.CAUSE),
        error=attributes.get(Attribute.ERROR),
        attempts=tuple(attempt.record for attempt in trial.attempts),
        facts=attributes.get(Attribute.FACTS, {}),
        notices=tuple(str(text) for text in attributes.get(Attribute.NOTICES, ())),
        source=_source(attributes.get(Attribute.SOURCE)),
    )


def _life(facts: StudyFacts) -> dict[str, str]:
    """What became of a study since it was made: with what it began, what later runs changed, why its search ended early."""
    told: dict[str, str] = {}
    if facts.history is not None:
        left = "; ".join(f"{number} {reason}" for reason, number in facts.history.left_out.items())
        told["history"] = f"{facts.history.imported} trials of {facts.history.study}" + (f" (left out: {left})" if left else "")
    for change in facts.changes[-SHOWN_CHANGES:]:
        moment, _, what = change.partition(" ")
        key = f"changed {moment}"  # to the second, in which more than one may fall
        told[key] = f"{told[key]}; {what}" if key in told else what
    if facts.settled:
        told["search settled"] = facts.settled
    return told


def _source(written: Mapping[str, Any] | None) -> tuple[str, int] | None:
    """Study and number that an imported trial had."""
    return None if written is None else (str(written["study"]), int(written["trial"]))


def _told_num_val(trials: list[StoredTrial]) -> int | None:
    """Validation images as the trials have told: the most, since a trial that validates on other images each epoch tells those of one epoch."""
    told = (trial.attributes.get(Attribute.FIGURES, {}).get("num_val") for trial in trials)
    return max((int(number) for number in told if number), default=None)


def _moments(trial: StoredTrial) -> tuple[datetime, ...]:
    """When something was written for a trial."""
    return tuple(moment for moment in (trial.started, trial.completed) if moment is not None)


@contextmanager
def _reading(url: str) -> Iterator[tuple[Connection, str]]:
    """A connection to an existing storage of our version, and its URL as shown; closed at the end of the block."""
    parsed = storage_url(url)
    engine, place = open_for_reading(parsed), shown(parsed)
    try:
        with engine.connect() as connection:
            check_version(engine, place)
            yield connection, place
    finally:
        engine.dispose()


def _studies(connection: Connection) -> dict[str, int]:
    """Name to ID of every study of ours."""
    if not inspect(connection).has_table("studies"):
        return {}
    ours = select(FACTS.c.study_id)
    rows = connection.execute(select(STUDIES.c.study_name, STUDIES.c.study_id).where(STUDIES.c.study_id.in_(ours)))
    return {row.study_name: row.study_id for row in rows}
