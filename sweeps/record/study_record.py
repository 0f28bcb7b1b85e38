"""What a study is besides its trials (a table of ours, a JSON value a key), and studies in a storage, read without Optuna and without a driver."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import delete, insert, inspect, select

from reports.ledger import NO_LEDGERS
from reports.records import ParameterRecord, StudyRecord
from sweeps.record.errors import SchemaError, StudyNotFoundError
from sweeps.record.foreign import read_left_alone, read_requests
from sweeps.record.leases import UNFINISHED, lease_columns, seen_lease
from sweeps.record.ledgers import StoredLedgers
from sweeps.record.ownership import is_left
from sweeps.record.reading import read_trials
from sweeps.record.schema import FACTS, LEASES, STUDIES, TRIALS, check_version, stored_version
from sweeps.record.storage import opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy.engine import Connection

    from reports.ledger import LedgerSource
    from reports.records import TrialRecord
    from sweeps.record.foreign import Request
    from sweeps.record.leases import Lease
    from sweeps.record.ledgers import Query, Rows
    from sweeps.record.storage import Database


@dataclass(frozen=True)
class HistorySource:
    """The study whose trials a study began with.

    Attributes:
        study: its name.
        storage: its URL, ``${VARIABLES}`` unexpanded.
        complete: whether all its trials were imported; until then the next run goes on importing.
        imported: trials that were taken over.
        left_out: reason to number of trials that were not.
    """

    study: str
    storage: str
    complete: bool = False
    imported: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RaceFacts:
    """Fresh trainings that were planned; on record before the first of them begins. What was spent of them are the study's confirmations since.

    Attributes:
        rule: the setting ``confirm`` when it was planned.
        after: search configurations on record by then.
        begun: fresh trainings on record by then.
        trainings: that may be added to them.
        configurations: whose they are, in turn; empty where each goes to the contender where it helps most.
        ended: why it ended before all were trained, or empty.
    """

    rule: str
    after: int
    begun: int
    trainings: int
    configurations: tuple[str, ...] = ()
    ended: Literal["", "decided", "no contender"] = ""


@dataclass(frozen=True)
class StudyFacts:
    """Everything that identifies a study.

    Attributes:
        metric: what is ranked.
        maximize: whether more is better.
        seed: the study's seed.
        target_trials: search configurations wanted; grows with ``--trials +N``.
        planned_epochs: epochs of a complete training.
        sweep_file: the resolved sweep file as YAML, ``${VARIABLES}`` unexpanded.
        parameters: the space as it is now (it may be narrowed).
        distributions: name to Optuna's JSON, frozen when the study was made.
        num_val: validation images, once a trial has reported them.
        versions: package to version.
        hardware: of the driver's host; texts.
        facts: fingerprints, owner, host, command; texts.
        created: UTC.
        changes: what later runs changed, oldest first: time and text.
        history: the study whose trials it began with, or None.
        exhausted: whether every configuration of the space was proposed.
        settled: why the search ended before its last trial, in words, or empty.
        leaders: configurations that are confirmed with a fixed number of seeds, best first; fixed when confirmation begins.
        leaders_after: how many search configurations they were chosen from.
        race: the fresh trainings that were planned last, or None.
        cost: that a trial's second value is, where the frontier of two is searched (``search.cost``); or None.
        paused: since when and by whom, in words, while its drivers begin no new trial; else empty.
        stops: how often its drivers were asked to stop: one that began before the last time ends (`sweeps.record.steering`).
    """

    metric: str
    maximize: bool
    seed: int
    target_trials: int | None
    planned_epochs: int
    sweep_file: str = ""
    parameters: tuple[ParameterRecord, ...] = ()
    distributions: Mapping[str, str] = field(default_factory=dict)
    num_val: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    hardware: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    created: datetime | None = None
    changes: tuple[str, ...] = ()
    history: HistorySource | None = None
    exhausted: bool = False
    settled: str = ""
    cost: str | None = None
    leaders: tuple[str, ...] = ()
    leaders_after: int = 0
    race: RaceFacts | None = None
    paused: str = ""
    stops: int = 0


def read_facts(connection: Connection, study_id: int) -> StudyFacts | None:
    """The facts of a study, or None when it is not one of ours."""
    rows = connection.execute(select(FACTS.c.key, FACTS.c.value_json).where(FACTS.c.study_id == study_id))
    stored: dict[str, Any] = {key: json.loads(value) for key, value in rows}
    if not stored:
        return None
    try:
        return _facts_of(stored)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise SchemaError(
            f"storage: the facts of a study cannot be read ({error}); they were damaged, or written by something else."
        ) from error


_MAPPINGS = ("distributions", "versions", "hardware", "facts")


def _facts_of(stored: Mapping[str, Any]) -> StudyFacts:
    """Facts from their JSON values."""
    for name in _MAPPINGS:
        if not isinstance(stored.get(name, {}), dict):
            raise TypeError(f"{name} is no mapping")
    known = {each.name for each in fields(StudyFacts)}
    values = {key: value for key, value in stored.items() if key in known}
    values["parameters"] = tuple(ParameterRecord(**{**each, "labels": tuple(each["labels"])}) for each in stored.get("parameters", ()))
    values["changes"] = tuple(stored.get("changes", ()))
    values["leaders"] = tuple(stored.get("leaders", ()))
    race = stored.get("race")
    values["race"] = RaceFacts(**{**race, "configurations": tuple(race["configurations"])}) if race else None
    values["created"] = datetime.fromisoformat(stored["created"]) if stored.get("created") else None
    values["history"] = HistorySource(**stored["history"]) if stored.get("history") else None
    values["paused"], values["stops"] = str(stored.get("paused", "")), int(stored.get("stops", 0))
    return StudyFacts(**values)


def write_facts(connection: Connection, study_id: int, facts: StudyFacts) -> None:
    """Replace the facts of a study."""
    connection.execute(delete(FACTS).where(FACTS.c.study_id == study_id))
    rows = [{"study_id": study_id, "key": each.name, "value_json": _json(getattr(facts, each.name))} for each in fields(StudyFacts)]
    connection.execute(insert(FACTS), rows)


def _json(value: object) -> str:
    """`value` as JSON: records as objects, times in ISO 8601."""

    def plain(other: object) -> object:
        if isinstance(other, datetime):
            return other.isoformat()
        if isinstance(other, ParameterRecord | HistorySource | RaceFacts):
            return {each.name: getattr(other, each.name) for each in fields(other)}
        if hasattr(other, "items"):
            return dict(other.items())
        raise TypeError(f"a study fact holds a {type(other).__name__}; expected JSON values, a time or a ParameterRecord")

    return json.dumps(value, default=plain)


SHOWN_CHANGES = 20


def list_studies(where: Database | str) -> tuple[str, ...]:
    """Names of the studies in a storage, sorted.

    Raises:
        StudyNotFoundError: there is no such storage.
        SchemaError: it holds no studies of ours, or of another version.
    """
    with _reading(where) as (connection, _):
        return tuple(sorted(_studies(connection)))


def study_exists(where: Database | str, name: str) -> bool:
    """Whether `open_study` would find a study."""
    with opened(where) as database:
        file = database.storage.file
        if (file is not None and not file.exists()) or stored_version(database.existing()) is None:
            return False
        with database.engine.connect() as connection:
            named = select(STUDIES.c.study_id).where(STUDIES.c.study_name == name, STUDIES.c.study_id.in_(select(FACTS.c.study_id)))
            return connection.execute(named).first() is not None


def read_study(where: Database | str, name: str) -> StudyRecord:
    """A whole study as the report sees it; curves are decoded when they are looked at.

    Raises:
        StudyNotFoundError: no such storage, or no such study in it.
        SchemaError: it holds no studies of ours, or of another version.
    """
    with opened(where) as database:
        record = study_record(name, *read_stored_study(database, name), ledgers=stored_ledgers(where, name))
        return replace(record, facts={**record.facts, **_of_others(database, name)})


def waiting_points(where: Database | str, name: str) -> tuple[Request, ...]:
    """The points of a study that wait to be trained, in the order in which they were asked for; raises as `read_study` does."""
    with _reading(where) as (connection, place):
        return tuple(read_requests(connection, study_id_of(connection, name, place)))


def _of_others(where: Database | str, name: str) -> dict[str, str]:
    """What stands in a study besides its own trials, in words."""
    with _reading(where) as (connection, place):
        study_id = study_id_of(connection, name, place)
        waiting, left = read_requests(connection, study_id), read_left_alone(connection, study_id)
    entries = {}
    if waiting:
        entries["points that wait"] = "; ".join(
            f"trial {each.number}: {', '.join(f'{key}={value}' for key, value in each.given.items())}" for each in waiting
        )
    if left:
        entries["rows of other software"] = (
            f"{', '.join(f'{number} ({state})' for number, state in left.items())}: neither ranked nor counted"
        )
    return entries


def stored_ledgers(where: Database | str, name: str) -> LedgerSource:
    """The ledgers of a study, of which nothing is read before somebody asks."""

    def run(query: Query) -> Rows:
        with _reading(where) as (connection, place):
            return query(connection, study_id_of(connection, name, place))

    return StoredLedgers(run)


def read_stored_study(where: Database | str, name: str) -> tuple[StudyFacts, list[TrialRecord]]:
    """A study's facts and its trials, those of its history among them, without becoming its driver; raises as `read_study` does."""
    with _reading(where) as (connection, place):
        study_id = study_id_of(connection, name, place)
        facts = existing_facts(connection, study_id, name, place)
        return facts, list(read_trials(connection, study_id, facts.planned_epochs).values())


def read_study_facts(where: Database | str, name: str) -> StudyFacts:
    """What a study is, without its trials (for ``resume``: its sweep file); raises as `read_study` does."""
    with _reading(where) as (connection, place):
        return existing_facts(connection, study_id_of(connection, name, place), name, place)


def read_leases(where: Database | str, name: str) -> Mapping[int, Lease]:
    """Trial number to lease of the trials that are running on a server; empty where one driver has all of them (SQLite). Raises as `read_study` does."""
    with _reading(where) as (connection, place):
        study_id = study_id_of(connection, name, place)
        if connection.dialect.name == "sqlite" or not inspect(connection).has_table(LEASES.name):
            return {}
        query = select(TRIALS.c.number, TRIALS.c.state, *lease_columns()).join(LEASES, LEASES.c.trial_id == TRIALS.c.trial_id)
        rows = connection.execute(query.where(LEASES.c.study_id == study_id)).all()
        leases = {row.number: seen_lease(row) for row in rows if row.state in UNFINISHED}
        return {number: lease for number, lease in leases.items() if lease is not None}


def left_by_drivers(where: Database | str, name: str) -> bool | None:
    """Whether nobody runs a study in SQLite any more, so that its unfinished trials wait for the next run.

    None where single trials are leased (a server: `read_leases`), or where it cannot be told.
    """
    with opened(where) as database:
        file = database.storage.file
        return None if file is None else is_left(file, name)


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


def study_record(name: str, facts: StudyFacts, trials: Iterable[TrialRecord], ledgers: LedgerSource = NO_LEDGERS) -> StudyRecord:
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
        facts={**facts.facts, **_life(facts, own)},
        created=facts.created,
        updated=max((moment for trial in own for moment in (trial.started, trial.completed) if moment is not None), default=facts.created),
        history=tuple(trial for trial in trials if trial.role == "history"),
        history_source="" if facts.history is None else facts.history.study,
        ledgers=ledgers,
    )


def _life(facts: StudyFacts, own: Iterable[TrialRecord]) -> dict[str, str]:
    """What became of a study since it was made: with what it began, what later runs changed, why its search ended early, what its confirmation spent."""
    entries: dict[str, str] = {}
    if facts.history is not None:
        left = "; ".join(f"{number} {reason}" for reason, number in facts.history.left_out.items())
        entries["history"] = f"{facts.history.imported} trials of {facts.history.study}" + (f" (left out: {left})" if left else "")
    for change in facts.changes[-SHOWN_CHANGES:]:
        moment, _, what = change.partition(" ")
        key = f"changed {moment}"  # to the second, in which more than one may fall
        entries[key] = f"{entries[key]}; {what}" if key in entries else what
    if facts.paused:
        entries["paused"] = facts.paused
    if facts.settled:
        entries["search settled"] = facts.settled
    if facts.race is not None:
        entries["confirmation"] = _spent(facts.race, sum(trial.role == "confirmation" for trial in own))
    return entries


def _spent(race: RaceFacts, fresh: int) -> str:
    """What was spent of the fresh trainings that were planned last; `fresh` are on record in all."""
    spent = max(0, fresh - race.begun)
    before = f", after {race.begun} before them" if race.begun else ""
    whose = f" of {', '.join(race.configurations)}" if race.configurations else ""
    end = {
        "": "",
        "decided": "; ended early, because the best is known",
        "no contender": "; ended early, because nothing is left to compare",
    }
    return (
        f"{spent} of at most {max(race.trainings, spent)} fresh trainings{whose}{before}, "
        f"planned when {race.after} configurations were searched{end[race.ended]}"
    )


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
