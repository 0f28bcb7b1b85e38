"""Creating and opening a study for its driver."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import optuna
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.exc import OperationalError

from sweeps.record.errors import StorageTimes, StorageUnavailableError, StudyExistsError, StudyNotFoundError
from sweeps.record.facts import read_facts, write_facts
from sweeps.record.lock import StudyLock
from sweeps.record.ownership import LeasedTrials
from sweeps.record.recorded_study import RecordedStudy
from sweeps.record.schema import FACTS, STUDIES, create_or_migrate, stored_version
from sweeps.record.storage import engine_options, open_for_reading, prepare, refuse_unsafe_place, shown, sqlite_file, storage_url
from sweeps.record.study_record import existing_facts, study_id_of
from sweeps.record.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import URL

    from sweeps.record.facts import StudyFacts

OPENING_SECONDS = 60
STANDARD_TIMES = StorageTimes()
_OPENING = 0x5354_4541_4459  # "STEADY": the key of an advisory lock that only drivers of ours take


def study_exists(url: str, name: str) -> bool:
    """Whether `open_study` would find a study."""
    parsed = storage_url(url)
    file = sqlite_file(parsed)
    if file is not None and not file.exists():
        return False
    engine = open_for_reading(parsed)
    try:
        if stored_version(engine) is None:
            return False
        with engine.connect() as connection:
            found = select(STUDIES.c.study_id).where(STUDIES.c.study_name == name, STUDIES.c.study_id.in_(select(FACTS.c.study_id)))
            return connection.execute(found).first() is not None
    finally:
        engine.dispose()


def create_study(url: str, name: str, facts: StudyFacts, times: StorageTimes = STANDARD_TIMES) -> RecordedStudy:
    """Make a new study and become a driver of it.

    Raises:
        StudyExistsError: the name is taken.
        StudyLockedError: another driver is making it right now (SQLite).
    """

    def make(storage: optuna.storages.RDBStorage) -> tuple[int, StudyFacts]:
        study_id = _new_study(storage, storage_url(url), name, facts)
        with storage.engine.begin() as connection:
            write_facts(connection, study_id, facts)
        return study_id, facts

    return _opened(storage_url(url), name, times, make)


def open_study(url: str, name: str, times: StorageTimes = STANDARD_TIMES) -> RecordedStudy:
    """Become a driver of an existing study: the only one (SQLite), or one of several (PostgreSQL).

    Raises:
        StudyNotFoundError: no such storage or study.
        StudyLockedError: another driver is alive (SQLite).
        SchemaError: the storage was written by a newer version, or is used by an older one right now.
    """
    parsed = storage_url(url)
    if not study_exists(url, name):
        open_for_reading(parsed).dispose()
        raise StudyNotFoundError(
            f"storage {shown(parsed)}: no study {name!r}; `steadysweep status --storage ...` lists those that are there."
        )

    def find(storage: optuna.storages.RDBStorage) -> tuple[int, StudyFacts]:
        with storage.engine.connect() as connection:
            study_id = study_id_of(connection, name, shown(parsed))
            return study_id, existing_facts(connection, study_id, name, shown(parsed))

    return _opened(parsed, name, times, find)


def _opened(
    url: URL, name: str, times: StorageTimes, study: Callable[[optuna.storages.RDBStorage], tuple[int, StudyFacts]]
) -> RecordedStudy:
    """Make or migrate the tables, make or find the study, and own it or share it."""
    refuse_unsafe_place(url)
    file = sqlite_file(url)
    with _one_at_a_time(url):
        storage = _storage(url)
        lock = StudyLock(file, name) if file is not None else None
        try:
            create_or_migrate(storage.engine, shown(url))
            study_id, facts = study(storage)
        except BaseException:
            if lock is not None:
                lock.release()
            storage.engine.dispose()
            raise
    ownership = lock or LeasedTrials(storage.engine, study_id, times.lease)
    return RecordedStudy(name, study_id, facts, storage, ownership=ownership, transactions=Transactions(storage, times.outage))


@contextmanager
def _one_at_a_time(url: URL) -> Iterator[None]:
    """Drivers that open a server's storage wait for each other: tables or a study made twice at once would fail.

    Raises:
        StorageUnavailableError: another driver has been at it for too long.
    """
    if sqlite_file(url) is not None:
        yield
        return
    engine = create_engine(url, **engine_options(url))
    try:
        with engine.begin() as connection:
            for timeout in ("lock_timeout", "idle_in_transaction_session_timeout"):
                connection.execute(text(f"SET LOCAL {timeout} = '{OPENING_SECONDS}s'"))
            try:
                connection.execute(select(func.pg_advisory_xact_lock(_OPENING)))
            except OperationalError:
                raise StorageUnavailableError(
                    f"storage {shown(url)}: another driver has been opening it for {OPENING_SECONDS} s; expected a second or two. Is that driver stopped?"
                ) from None
            yield
    finally:
        engine.dispose()


def _storage(url: URL) -> optuna.storages.RDBStorage:
    """Optuna's storage, which makes and checks Optuna's tables."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(url.render_as_string(hide_password=False), engine_kwargs=engine_options(url))
    prepare(storage.engine)
    return storage


def _new_study(storage: optuna.storages.RDBStorage, url: URL, name: str, facts: StudyFacts) -> int:
    """Create Optuna's study, or take over one whose driver died before it wrote the study's facts."""
    direction = optuna.study.StudyDirection.MAXIMIZE if facts.maximize else optuna.study.StudyDirection.MINIMIZE
    try:
        study_id = storage.create_new_study([direction], name)
    except optuna.exceptions.DuplicatedStudyError:
        study_id = storage.get_study_id_from_name(name)
        with storage.engine.connect() as connection:
            unfinished = read_facts(connection, study_id) is None and storage.get_n_trials(study_id) == 0
        if not unfinished:
            raise StudyExistsError(
                f"storage {shown(url)}: study {name!r} exists; expected a new name. Continue it with `resume`, or choose another name."
            ) from None
    storage.set_study_system_attr(study_id, "study:metric_names", [f"stable {facts.metric}"])
    storage.set_study_user_attr(study_id, "made_by", "steadysweep")
    return study_id
