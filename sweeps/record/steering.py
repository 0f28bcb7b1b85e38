"""Orders to the drivers of a study from any other process, through its storage alone: stop, pause, end one trial, delete.

What is asked stands in the study's facts, or in an attribute of the trial; each driver looks there once a second (`RecordedStudy.news`).
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from optuna.storages._rdb import models
from optuna.trial import TrialState
from sqlalchemy import String, cast, delete, inspect, select
from sqlalchemy.exc import DBAPIError

from sweeps.errors import SweepInputError
from sweeps.record.errors import StorageTimes, StudyLockedError
from sweeps.record.foreign import has_request, is_own, refuse
from sweeps.record.leases import UNFINISHED
from sweeps.record.ownership import StudyLock, holder
from sweeps.record.reading import PRUNED
from sweeps.record.schema import METADATA, TRIALS, USER_ATTRIBUTES, check_version
from sweeps.record.storage import opened
from sweeps.record.study_record import existing_facts, read_leases, study_id_of, write_facts
from sweeps.record.transactions import Transactions
from sweeps.record.writing import finish_trial, lock_study_row, replace_user_attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Literal

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection

    from sweeps.record.storage import Database
    from sweeps.record.study_record import StudyFacts

STANDARD_TIMES = StorageTimes()
BY_HAND = "stopped by hand"
"""Why a trial was pruned that a person ended."""
DRIVERS_LOOK_SECONDS = 3.0
"""Within these every driver that is alive has read what it is asked."""


def living_drivers(where: Database | str, name: str) -> tuple[str, ...]:
    """Host and process of the drivers that run a study now. On a server a driver that has no trial, as of a paused study, is not seen.

    Raises:
        StudyNotFoundError: no such storage or study.
    """
    with opened(where) as database:
        file = database.storage.file
        if file is not None:
            driver = holder(file, name)
            return (driver,) if driver else ()
        return tuple(sorted({lease.driver for lease in read_leases(database, name).values() if not lease.free}))


def ask_to_stop(where: Database | str, name: str) -> tuple[str, ...]:
    """Ask the drivers of a study to save and stop, those that run it now and no later one; returns those that are known to run it.

    Raises:
        StudyNotFoundError: no such storage or study.
        StorageUnavailableError: the database is away for too long.
    """
    drivers = living_drivers(where, name)
    _change_facts(where, name, lambda facts: replace(facts, stops=facts.stops + 1))
    return drivers


def set_paused(where: Database | str, name: str, paused: str) -> str:
    """Let the drivers of a study begin no new trial, or let them go on; returns what was there before.

    Args:
        where: the storage.
        name: of the study.
        paused: since when and by whom, in words; empty: no longer.

    Raises:
        StudyNotFoundError: no such storage or study.
        StorageUnavailableError: the database is away for too long.
    """
    before: list[str] = []

    def changed(facts: StudyFacts) -> StudyFacts:
        before[:] = [facts.paused]
        return facts if facts.paused and paused else replace(facts, paused=paused)

    _change_facts(where, name, changed)
    return before[0]


@dataclass(frozen=True)
class EndedTrial:
    """What became of an order to end a trial.

    Attributes:
        number: of the trial.
        was: ``waiting``: a point that had not begun, which is withdrawn; ``running``: it ends where it stands; ``ending``: that was asked before.
        carries: trials that its training carries and that go on.
        carrier: the trial whose training carries it and goes on, or None.
    """

    number: int
    was: Literal["waiting", "running", "ending"]
    carries: tuple[int, ...] = ()
    carrier: int | None = None


def ask_to_end(where: Database | str, name: str, number: int) -> EndedTrial:
    """Ask that one trial of a study ends where it stands, as pruned; its driver does so within a second, else the next one.

    Raises:
        SweepInputError: there is no such trial, or it is over.
        StudyNotFoundError: no such storage or study.
        StorageUnavailableError: the database is away for too long.
    """
    ended: list[EndedTrial] = []

    def write(connection: Connection, study_id: int) -> None:
        lock_study_row(connection, study_id)
        ended[:] = [_end(connection, study_id, name, number)]

    _write(where, name, write)
    return ended[0]


def _end(connection: Connection, study_id: int, name: str, number: int) -> EndedTrial:
    of_study = TRIALS.c.study_id == study_id
    rows = select(TRIALS.c.trial_id, cast(TRIALS.c.state, String).label("state"), is_own().label("own"))
    row = connection.execute(rows.where(of_study, TRIALS.c.number == number).order_by(TRIALS.c.trial_id).with_for_update(of=TRIALS)).first()
    if row is not None and not row.own and has_request(connection, row.trial_id):
        refuse(connection, row.trial_id, BY_HAND)
        finish_trial(connection, row.trial_id, TrialState.FAIL, [])
        return EndedTrial(number, "waiting")
    if row is None or not row.own or row.state not in UNFINISHED:
        live = select(TRIALS.c.number).where(of_study, cast(TRIALS.c.state, String).in_(UNFINISHED)).order_by(TRIALS.c.number)
        there = ", ".join(str(each) for each in connection.execute(live).scalars()) or "none"
        what = (
            "has no such trial"
            if row is None
            else f"trial {number} is over ({row.state})"
            if row.own
            else f"trial {number} was not made by steadysweep"
        )
        raise SweepInputError(f"stop --trial {number}: study {name!r} {what}; expected one that is not over: {there}.")
    carried = dict(_carried(connection, study_id))
    family = tuple(each for each, carrier in carried.items() if carrier == number)
    pruned = select(USER_ATTRIBUTES.c.key).where(USER_ATTRIBUTES.c.trial_id == row.trial_id, USER_ATTRIBUTES.c.key == PRUNED)
    if connection.execute(pruned).first() is not None:
        return EndedTrial(number, "ending", family, carried.get(number))
    replace_user_attributes(connection, row.trial_id, {PRUNED: BY_HAND})
    return EndedTrial(number, "running", family, carried.get(number))


def _carried(connection: Connection, study_id: int) -> Iterator[tuple[int, int]]:
    """Number of each trial that is not over and whose training is another's, and of that other."""
    query = select(TRIALS.c.number, USER_ATTRIBUTES.c.value_json).join(USER_ATTRIBUTES, USER_ATTRIBUTES.c.trial_id == TRIALS.c.trial_id)
    live = (TRIALS.c.study_id == study_id) & cast(TRIALS.c.state, String).in_(UNFINISHED) & (USER_ATTRIBUTES.c.key == "carrier")
    for row in connection.execute(query.where(live).order_by(TRIALS.c.number)):
        yield row.number, int(json.loads(row.value_json))


class Deletion:
    """Removes a study's rows, while nobody runs it. As a context manager: what is done inside is done while no driver can begin.

    Args:
        database: the storage.
        name: of the study.

    Raises:
        StudyLockedError: a driver is running it.
        StudyNotFoundError: no such study.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._lock: StudyLock | None = None

    def __enter__(self) -> Self:
        file = self._database.storage.file
        if file is not None:
            self._lock = StudyLock(file, self._name)
            return self
        self._refuse_living()
        ask_to_stop(self._database, self._name)  # one that waits without a trial is not seen
        time.sleep(DRIVERS_LOOK_SECONDS)
        self._refuse_living()
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            self._lock.release()

    def remove_rows(self) -> int:
        """Remove everything of the study from the tables, Optuna's and ours, in one transaction; returns how many trials there were."""
        there = set(inspect(self._database.existing()).get_table_names())
        counted: list[int] = []

        def write(connection: Connection, study_id: int) -> None:
            lock_study_row(connection, study_id)
            trials = select(TRIALS.c.trial_id).where(TRIALS.c.study_id == study_id)
            counted[:] = [len(connection.execute(trials).all())]
            for table in _tables():
                if table.name not in there:
                    continue
                of_trials = "trial_id" in table.c and table.name != TRIALS.name
                connection.execute(delete(table).where(table.c.trial_id.in_(trials) if of_trials else table.c.study_id == study_id))

        _write(self._database, self._name, write)
        self._give_room_back()
        return counted[0]

    def _refuse_living(self) -> None:
        if drivers := living_drivers(self._database, self._name):
            raise StudyLockedError(
                f"study {self._name!r} is being run by {', '.join(drivers)}; expected no driver. Stop it first: steadysweep stop {self._name} --wait"
            )

    def _give_room_back(self) -> None:
        """A SQLite file keeps its size until it is packed, which nobody may hinder; where somebody does, its room is used again later."""
        if self._database.storage.file is not None:
            with suppress(DBAPIError), self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("PRAGMA busy_timeout = 1000")
                connection.exec_driver_sql("VACUUM")


def _tables() -> list[Table]:
    """Tables with rows of studies, those first whose rows name others'."""
    of_ours = list(METADATA.sorted_tables)
    tables = [*of_ours, *reversed(models.BaseModel.metadata.sorted_tables)]
    return [table for table in tables if {"study_id", "trial_id"} & set(table.c.keys())]


def _change_facts(where: Database | str, name: str, change: Callable[[StudyFacts], StudyFacts]) -> None:
    def write(connection: Connection, study_id: int) -> None:
        lock_study_row(connection, study_id)
        write_facts(connection, study_id, change(existing_facts(connection, study_id, name, "")))

    _write(where, name, write)


def _write(where: Database | str, name: str, statements: Callable[[Connection, int], None]) -> None:
    with opened(where) as database:
        check_version(database.existing(), database.place)

        def write(connection: Connection) -> None:
            statements(connection, study_id_of(connection, name, database.place))

        Transactions(database, STANDARD_TIMES.outage).write(write)
