"""Creating and opening a study for its driver."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import optuna
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _VersionManager
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import scoped_session, sessionmaker

from sweeps.record.errors import StorageTimes, StorageUnavailableError, StudyExistsError, StudyNotFoundError
from sweeps.record.ledgers import clear_images
from sweeps.record.ownership import LeasedTrials, StudyLock
from sweeps.record.recorded_study import RecordedStudy
from sweeps.record.schema import check_version, create_or_migrate
from sweeps.record.storage import Database, opened, refuse_unsafe_place
from sweeps.record.study_record import existing_facts, read_facts, study_exists, study_id_of, write_facts
from sweeps.record.transactions import Transactions
from sweeps.record.writing import insert_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy.engine import Connection, Engine

    from search_spaces.conditions import PointValue
    from sweeps.record.study_record import StudyFacts

OPENING_SECONDS = 60
STANDARD_TIMES = StorageTimes()
_OPENING = 0x5354_4541_4459  # "STEADY": the key of an advisory lock that only drivers of ours take


def create_study(where: Database | str, name: str, facts: StudyFacts, times: StorageTimes = STANDARD_TIMES) -> RecordedStudy:
    """Make a new study and become a driver of it.

    Raises:
        StudyExistsError: the name is taken.
        StudyLockedError: another driver is making it right now (SQLite).
    """

    def make(storage: OptunaStorage, database: Database) -> tuple[int, StudyFacts]:
        study_id = _new_study(storage, database.place, name, facts)
        with database.engine.begin() as connection:
            clear_images(connection, study_id)
            write_facts(connection, study_id, facts)
        return study_id, facts

    database = where if isinstance(where, Database) else Database(where)
    return _driven(database, name, times, make, shared=database is where)


def ask_for(where: Database | str, name: str, given: Mapping[str, PointValue], times: StorageTimes = STANDARD_TIMES) -> int:
    """Ask for a point of a study to be trained, without becoming its driver; returns the number of its trial.

    Raises:
        StudyNotFoundError: no such storage or study.
        StorageUnavailableError: the database is away for too long.
    """
    numbers: list[int] = []
    with opened(where) as database:
        check_version(database.existing(), database.place)
        refuse_unsafe_place(database.storage)

        def write(connection: Connection) -> None:
            numbers[:] = [insert_request(connection, study_id_of(connection, name, database.place), given)]

        Transactions(database, times.outage).write(write)
    return numbers[0]


def open_study(where: Database | str, name: str, times: StorageTimes = STANDARD_TIMES) -> RecordedStudy:
    """Become a driver of an existing study: the only one (SQLite), or one of several (PostgreSQL).

    Raises:
        StudyNotFoundError: no such storage or study.
        StudyLockedError: another driver is alive (SQLite).
        SchemaError: the storage was written by a newer version, or is used by an older one right now.
    """

    def find(_storage: OptunaStorage, database: Database) -> tuple[int, StudyFacts]:
        with database.engine.connect() as connection:
            study_id = study_id_of(connection, name, database.place)
            return study_id, existing_facts(connection, study_id, name, database.place)

    database = where if isinstance(where, Database) else Database(where)
    if not study_exists(database, name):
        try:
            database.existing()
        finally:
            database.close()
        raise StudyNotFoundError(
            f"storage {database.place}: no study {name!r}; `steadysweep status --storage ...` lists those that are there."
        )
    return _driven(database, name, times, find, shared=database is where)


def _driven(
    database: Database,
    name: str,
    times: StorageTimes,
    study: Callable[[OptunaStorage, Database], tuple[int, StudyFacts]],
    *,
    shared: bool,
) -> RecordedStudy:
    """Make or migrate the tables, make or find the study, and own it or share it. Closing it closes the database, unless others share that."""
    refuse_unsafe_place(database.storage)
    file = database.storage.file
    lock: StudyLock | None = None
    try:
        with _one_at_a_time(database):
            storage = OptunaStorage(database.engine)
            lock = StudyLock(file, name) if file is not None else None
            create_or_migrate(database.engine, database.place)
            study_id, facts = study(storage, database)
    except BaseException:
        if lock is not None:
            lock.release()
        database.close()
        raise
    ownership = lock or LeasedTrials(database.engine, study_id, times.lease)
    storage.remove_session()
    close = (lambda: None) if shared else database.close
    return RecordedStudy(name, study_id, facts, ownership=ownership, transactions=Transactions(database, times.outage), close=close)


@contextmanager
def _one_at_a_time(database: Database) -> Iterator[None]:
    """Drivers that open a server's storage wait for each other: tables or a study made twice at once would fail.

    Raises:
        StorageUnavailableError: another driver has been at it for too long.
    """
    if database.storage.file is not None:
        yield
        return
    with database.engine.begin() as connection:
        for timeout in ("lock_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET LOCAL {timeout} = '{OPENING_SECONDS}s'"))
        try:
            connection.execute(select(func.pg_advisory_xact_lock(_OPENING)))
        except OperationalError:
            raise StorageUnavailableError(
                f"storage {database.place}: another driver has been opening it for {OPENING_SECONDS} s; expected a second or two. Is that driver stopped?"
            ) from None
        yield


class OptunaStorage(optuna.storages.RDBStorage):
    """Optuna's storage on an engine that is there; its own constructor would make another.

    Makes Optuna's tables and checks their version.
    """

    def __init__(self, engine: Engine) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.engine = engine
        self.engine_kwargs = {}
        self.url = engine.url.render_as_string(hide_password=False)
        self.skip_compatibility_check = False
        self.heartbeat_interval = self.grace_period = None
        self.heartbeat_stale_trial_callback = self.failed_trial_callback = None
        self.scoped_session = scoped_session(sessionmaker(bind=engine))
        models.BaseModel.metadata.create_all(engine)
        self._version_manager = _VersionManager(self.url, engine, self.scoped_session)
        self._version_manager.check_table_schema_compatibility()


def _new_study(storage: OptunaStorage, place: str, name: str, facts: StudyFacts) -> int:
    """Create Optuna's study, or take over one whose driver died before it wrote the study's facts."""
    direction = optuna.study.StudyDirection.MAXIMIZE if facts.maximize else optuna.study.StudyDirection.MINIMIZE
    directions = [direction] if facts.cost is None else [direction, optuna.study.StudyDirection.MINIMIZE]
    try:
        study_id = storage.create_new_study(directions, name)
    except optuna.exceptions.DuplicatedStudyError:
        study_id = storage.get_study_id_from_name(name)
        with storage.engine.connect() as connection:
            unfinished = read_facts(connection, study_id) is None and storage.get_n_trials(study_id) == 0
        if not unfinished:
            raise StudyExistsError(
                f"storage {place}: study {name!r} exists; expected a new name. Continue it with `resume`, or choose another name."
            ) from None
    storage.set_study_system_attr(study_id, "study:metric_names", [f"stable {facts.metric}", *([] if facts.cost is None else [facts.cost])])
    storage.set_study_user_attr(study_id, "made_by", "steadysweep")
    return study_id
