"""Statements on a storage that may be away for a while: a restart, a lock that is held for long, a full disk, a file that is gone.

`Transactions` waits and says for what; each transaction may run twice, because the answer to a commit may be lost with its connection.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError

from sweeps.record.errors import StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from sweeps.record.storage import Database

    Statements = Callable[[Connection], object]


_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")

_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.2, 5.0


def wait_out(operation: Callable[[], _Result], place: str, limit: float) -> _Result:
    """Run `operation`, again while the database is away.

    Args:
        operation: a transaction that may safely run twice: the answer to a commit may be lost with the connection.
        place: the storage's URL without password, for the message.
        limit: seconds after which it is given up.

    Raises:
        StorageUnavailableError: the database was away for longer.
    """
    started, wait = time.monotonic(), _FIRST_WAIT_SECONDS
    told: set[str] = set()
    while True:
        try:
            return operation()
        except (DBAPIError, StorageInternalError) as error:
            cause = (error.__cause__ or error) if isinstance(error, StorageInternalError) else error  # Optuna wraps SQLAlchemy's
            if not _is_away(cause):
                raise
            trouble = _trouble(cause)
            if (waited := time.monotonic() - started) >= limit:
                raise StorageUnavailableError(
                    f"storage {place}: {trouble.given_up.format(seconds=f'{waited:.0f} s')} ({_words(cause)}). "
                    f"What is on record is safe; {trouble.remedy} run the sweep again: it goes on where it was."
                ) from error
            if trouble.now not in told:
                told.add(trouble.now)
                _log.warning("storage %s: %s (%s); trying again for up to %s", place, trouble.now, _words(cause), f"{limit - waited:.0f} s")
        time.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT_SECONDS)


def _is_away(cause: BaseException) -> bool:
    """Whether an error may pass: no connection, a restart, a lock that is held for long; not one in what was asked."""
    return isinstance(cause, (OperationalError, InterfaceError)) or (isinstance(cause, DBAPIError) and cause.connection_invalidated)


class _Trouble(NamedTuple):
    """What keeps a database from taking a write, in words."""

    now: str
    given_up: str
    remedy: str


_FULL = _Trouble("its disk is full", "its disk was full for {seconds}", "make room there, then")
_READ_ONLY = _Trouble("it cannot be written", "it could not be written for {seconds}", "make it writable, then")
_AWAY = _Trouble("the database does not answer", "did not answer for {seconds}", "once the database is up,")
_SIGNS = {
    "disk is full": _FULL,
    "no space left": _FULL,
    "disk full": _FULL,
    "quota": _FULL,
    "readonly": _READ_ONLY,
    "read-only": _READ_ONLY,
}
"""What SQLite and PostgreSQL write of it (sqlite3.c ``sqlite3ErrStr``; ERRCODE_DISK_FULL)."""


def _trouble(cause: BaseException) -> _Trouble:
    """What is wrong, as far as the database's own words tell."""
    text = str(getattr(cause, "orig", None) or cause).lower()
    return next((trouble for sign, trouble in _SIGNS.items() if sign in text), _AWAY)


def _words(cause: BaseException) -> str:
    """The database's own message, on one line."""
    lines = str(getattr(cause, "orig", None) or cause).strip().splitlines()
    return lines[0] if lines else type(cause).__name__


class Transactions:
    """Runs statements on a storage.

    Args:
        database: the storage.
        outage: seconds that a database may be away. After one such wait in vain there is no other: what is still to be written when a run ends would
            take as long for each event.
    """

    def __init__(self, database: Database, outage: float) -> None:
        self._engine, self._place = database.engine, database.place
        self._outage = outage
        self._reason = ""
        self._file = database.storage.file
        self._identity = _identity(self._file)

    def read(self, query: Callable[[Connection], _Result]) -> _Result:
        """What a query of any number of statements finds."""

        def once() -> _Result:
            with self._engine.connect() as connection:
                return query(connection)

        return self.persist(once)

    def write(self, statements: Statements, check: Statements | None = None) -> None:
        """Run `check`, then `statements`, in one transaction; a try whose answer was lost may have committed it before."""
        tries = 0

        def once_more() -> None:
            nonlocal tries
            tries += 1
            try:
                with self._engine.begin() as connection:
                    if check is not None:
                        check(connection)
                    statements(connection)
            except IntegrityError:
                if tries == 1:
                    raise

        self.persist(once_more)

    def persist(self, operation: Callable[[], _Result]) -> _Result:
        """`wait_out`, with this storage's limit."""

        def checked() -> _Result:
            self._check_file()
            return operation()

        try:
            return wait_out(checked, self._place, self._outage)
        except StorageUnavailableError as error:
            self._outage = 0.0
            self._reason = self._reason or str(error)
            raise StorageUnavailableError(self._reason) from error

    def _check_file(self) -> None:
        """SQLite goes on writing to a file that was deleted, where nobody will ever read it."""
        if self._file is not None and (there := _identity(self._file)) != self._identity:
            what = "was deleted" if there is None else "was replaced by another file"
            raise StorageUnavailableError(
                f"storage: {self._file} {what} while this study was running. Put a copy of it back and run the sweep again: "
                "it goes on where the copy ends. Without a copy its trials are lost, and the same command begins the study anew."
            )


def _identity(file: Path | None) -> tuple[int, int] | None:
    """Device and inode of a file; None where there is none."""
    try:
        found = None if file is None else file.stat()
    except FileNotFoundError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)
