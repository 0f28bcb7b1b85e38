"""Studies in a storage, read without Optuna and without a driver."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import inspect, select

from reports.records import StudyRecord
from sweeps.record.errors import StudyNotFoundError
from sweeps.record.facts import StudyFacts, read_facts
from sweeps.record.leases import UNFINISHED, lease_columns, seen_lease
from sweeps.record.reading import read_trials
from sweeps.record.schema import FACTS, LEASES, STUDIES, TRIALS, check_version
from sweeps.record.storage import opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy.engine import Connection

    from reports.records import TrialRecord
    from sweeps.record.leases import Lease
    from sweeps.record.storage import Database


SHOWN_CHANGES = 20


def list_studies(where: Database | str) -> tuple[str, ...]:
    """Names of the studies in a storage, sorted.

    Raises:
        StudyNotFoundError: there is no such storage.
        SchemaError: it holds no studies of ours, or of another version.
    """
    with _reading(where) as (connection, _):
        return tuple(sorted(_studies(connection)))


def read_study(where: Database | str, name: str) -> StudyRecord:
    """A whole study as the report sees it; curves are decoded when they are looked at.

    Raises:
        StudyNotFoundError: no such storage, or no such study in it.
        SchemaError: it holds no studies of ours, or of another version.
    """
    return study_record(name, *read_stored_study(where, name))


def read_stored_study(where: Database | str, name: str) -> tuple[StudyFacts, list[TrialRecord]]:
    """A study's facts and its trials, those of its history among them, without becoming its driver.

    Raises:
        StudyNotFoundError: no such storage, or no such study in it.
        SchemaError: it holds no studies of ours, or of another version.
    """
    with _reading(where) as (connection, place):
        study_id = study_id_of(connection, name, place)
        facts = existing_facts(connection, study_id, name, place)
        return facts, list(read_trials(connection, study_id, facts.planned_epochs).values())


def read_study_facts(where: Database | str, name: str) -> StudyFacts:
    """What a study is, without its trials (for ``resume``: its sweep file).

    Raises:
        StudyNotFoundError: no such storage, or no such study in it.
        SchemaError: it holds no studies of ours, or of another version.
    """
    with _reading(where) as (connection, place):
        return existing_facts(connection, study_id_of(connection, name, place), name, place)


def read_leases(where: Database | str, name: str) -> Mapping[int, Lease]:
    """Trial number to lease of the trials that are running on a server; empty where one driver has all of them (SQLite).

    Raises:
        StudyNotFoundError: no such storage, or no such study in it.
        SchemaError: it holds no studies of ours, or of another version.
    """
    with _reading(where) as (connection, place):
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


def study_record(name: str, facts: StudyFacts, trials: Iterable[TrialRecord]) -> StudyRecord:
    """What `reports` is given: imported trials apart from the study's own."""
    trials = list(trials)
    own = [trial for trial in trials if trial.role != "history"]
    return StudyRecord(
        name=name,
        kind="study",
        metric=facts.metric,
        maximize=facts.maximize,
        trials=tuple(own),
        parameters=facts.parameters,
        num_val=facts.num_val if facts.num_val is not None else _num_val_of(own),
        target_trials=facts.target_trials,
        sweep_file=facts.sweep_file,
        versions=facts.versions,
        hardware=facts.hardware,
        facts={**facts.facts, **_life(facts)},
        created=facts.created,
        updated=max((moment for trial in own for moment in (trial.started, trial.completed) if moment is not None), default=facts.created),
        history=tuple(trial for trial in trials if trial.role == "history"),
        history_source="" if facts.history is None else facts.history.study,
    )


def _life(facts: StudyFacts) -> dict[str, str]:
    """What became of a study since it was made: with what it began, what later runs changed, why its search ended early."""
    entries: dict[str, str] = {}
    if facts.history is not None:
        left = "; ".join(f"{number} {reason}" for reason, number in facts.history.left_out.items())
        entries["history"] = f"{facts.history.imported} trials of {facts.history.study}" + (f" (left out: {left})" if left else "")
    for change in facts.changes[-SHOWN_CHANGES:]:
        moment, _, what = change.partition(" ")
        key = f"changed {moment}"  # to the second, in which more than one may fall
        entries[key] = f"{entries[key]}; {what}" if key in entries else what
    if facts.settled:
        entries["search settled"] = facts.settled
    return entries


def _num_val_of(trials: list[TrialRecord]) -> int | None:
    """Validation images as the trials report them: the most, since a trial that validates on other images each epoch reports those of one epoch."""
    numbers = (trial.figures.get("num_val") for trial in trials)
    return max((int(number) for number in numbers if number), default=None)


@contextmanager
def _reading(where: Database | str) -> Iterator[tuple[Connection, str]]:
    """A connection to an existing storage of our version, and its URL as shown."""
    with opened(where) as database, database.existing().connect() as connection:
        check_version(database.engine, database.place)
        yield connection, database.place


def _studies(connection: Connection) -> dict[str, int]:
    """Name to ID of every study of ours."""
    if not inspect(connection).has_table("studies"):
        return {}
    ours = select(FACTS.c.study_id)
    rows = connection.execute(select(STUDIES.c.study_name, STUDIES.c.study_id).where(STUDIES.c.study_id.in_(ours)))
    return {row.study_name: row.study_id for row in rows}
