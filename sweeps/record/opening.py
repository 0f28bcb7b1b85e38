"""Creating and opening a study for its driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
from sqlalchemy import select

from sweeps.record.database import engine_options, open_for_reading, prepare, refuse_unsafe_place
from sweeps.record.errors import StudyExistsError, StudyNotFoundError
from sweeps.record.facts import read_facts, write_facts
from sweeps.record.lock import lock_study
from sweeps.record.optuna_tables import STUDIES
from sweeps.record.recorded_study import RecordedStudy
from sweeps.record.schema import FACTS, create_or_migrate, stored_version
from sweeps.record.study_record import existing_facts, study_id_of
from sweeps.record.url import shown, sqlite_file, storage_url

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from sweeps.record.facts import StudyFacts


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


def create_study(url: str, name: str, facts: StudyFacts) -> RecordedStudy:
    """Make a new study and become its driver.

    Raises:
        StudyExistsError: the name is taken.
        StudyLockedError: another driver is making it right now.
    """
    parsed = storage_url(url)
    refuse_unsafe_place(parsed)
    storage = _storage(parsed)
    lock = lock_study(parsed, storage.engine, name)
    try:
        create_or_migrate(storage.engine, shown(parsed))
        study_id = _new_study(storage, parsed, name, facts)
        with storage.engine.begin() as connection:
            write_facts(connection, study_id, facts)
    except BaseException:
        lock.release()
        raise
    return RecordedStudy(name, study_id, facts, storage, lock)


def open_study(url: str, name: str) -> RecordedStudy:
    """Become the driver of an existing study.

    Raises:
        StudyNotFoundError: no such storage or study.
        StudyLockedError: another driver is alive.
        SchemaError: the storage was written by a newer version.
    """
    parsed = storage_url(url)
    if not study_exists(url, name):
        open_for_reading(parsed).dispose()
        raise StudyNotFoundError(
            f"storage {shown(parsed)}: no study {name!r}; `steadysweep status --storage ...` lists those that are there."
        )
    refuse_unsafe_place(parsed)
    storage = _storage(parsed)
    lock = lock_study(parsed, storage.engine, name)
    try:
        create_or_migrate(storage.engine, shown(parsed))
        with storage.engine.connect() as connection:
            study_id = study_id_of(connection, name, shown(parsed))
            facts = existing_facts(connection, study_id, name, shown(parsed))
    except BaseException:
        lock.release()
        raise
    return RecordedStudy(name, study_id, facts, storage, lock)


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
