"""Errors of the record, and how long it waits for a database or another driver."""

from __future__ import annotations

from dataclasses import dataclass

from sweeps.errors import SweepError, SweepInputError


class StorageUrlError(SweepInputError):
    """The storage's URL is not one that is supported; the message names those that are."""


class StudyNotFoundError(SweepInputError):
    """No such study in the storage; the message lists those that are there."""


class StudyExistsError(SweepInputError):
    """A study of this name is there already."""


class StudyLockedError(SweepError):
    """Another driver is running the study; the message says who."""


class StorageUnavailableError(SweepError):
    """The database does not answer, or the file is no database."""


class StudyGoneError(SweepError):
    """Other software has deleted the study in its storage while this driver was running it."""

    def __init__(self) -> None:
        super().__init__(
            "the study was deleted in its storage by other software while it was running (Optuna Dashboard deletes a study that it renames, and its copy has "
            "no curves). Put a copy of the storage back and run the sweep again: it goes on where the copy ends. Without a copy its trials are lost, and the "
            "same command begins the study anew."
        )


class SchemaError(SweepError):
    """The storage was written by another version; it is migrated or refused, never misread."""


class LeaseLostError(SweepError):
    """Another driver has taken a trial over: this driver may write nothing more of it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"trial {number} was taken over by another driver")
        self.number = number


class ChangedByHandError(LeaseLostError):
    """A running trial was ended or deleted in the storage by other software: this driver leaves it as it is."""

    def __init__(self, number: int, became: str) -> None:
        super().__init__(number)
        self.args = (f"trial {number} {became} in the storage by other software",)
        self.became = became


class StudyMovedOnError(SweepError):
    """Another driver has added trials that this driver has not read: what it wanted to add was decided without them."""


@dataclass(frozen=True)
class StorageTimes:
    """Waits of a driver, in seconds.

    Attributes:
        lease: a trial whose driver has given no sign of life for so long may be taken over; longer than a database's restart. Only PostgreSQL has leases.
        outage: a database that is away for so long ends the run; shorter than a person's patience.
    """

    lease: float = 60.0
    outage: float = 300.0

    def __post_init__(self) -> None:
        if self.lease <= 0 or self.outage < 0:
            raise ValueError(f"lease must be above 0 s and outage at least 0 s, but got {self.lease} and {self.outage}")
