"""The record of a study: Optuna's storage, our curves, attempts and facts beside it, and its reading.

Writing needs Optuna (`create_study`, `open_study`); reading (`read_study`, `list_studies`) does not import it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.record.errors import (
    LeaseLostError,
    SchemaError,
    StorageTimes,
    StorageUnavailableError,
    StorageUrlError,
    StudyExistsError,
    StudyLockedError,
    StudyMovedOnError,
    StudyNotFoundError,
)
from sweeps.record.facts import HistorySource, StudyFacts
from sweeps.record.storage import Database, Storage
from sweeps.record.study_record import list_studies, read_leases, read_stored_study, read_study, read_study_facts

if TYPE_CHECKING:
    from sweeps.record.recorded_study import RecordedStudy

__all__ = [
    "Database",
    "HistorySource",
    "LeaseLostError",
    "SchemaError",
    "Storage",
    "StorageTimes",
    "StorageUnavailableError",
    "StorageUrlError",
    "StudyExistsError",
    "StudyFacts",
    "StudyLockedError",
    "StudyMovedOnError",
    "StudyNotFoundError",
    "create_study",
    "list_studies",
    "open_study",
    "read_leases",
    "read_stored_study",
    "read_study",
    "read_study_facts",
    "study_exists",
]

_TIMES = StorageTimes()


def create_study(where: Database | str, name: str, facts: StudyFacts, times: StorageTimes = _TIMES) -> RecordedStudy:
    """Make a new study and become a driver of it; see `sweeps.record.opening.create_study`."""
    from sweeps.record.opening import create_study as create

    return create(where, name, facts, times)


def open_study(where: Database | str, name: str, times: StorageTimes = _TIMES) -> RecordedStudy:
    """Become a driver of an existing study; see `sweeps.record.opening.open_study`."""
    from sweeps.record.opening import open_study as open_existing

    return open_existing(where, name, times)


def study_exists(where: Database | str, name: str) -> bool:
    """Whether `open_study` would find a study."""
    from sweeps.record.opening import study_exists as exists

    return exists(where, name)
