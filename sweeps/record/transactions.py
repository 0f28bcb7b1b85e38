"""Transactions of a driver: each waits while the database is away, and each write of a trial asks first whether the trial is still the driver's."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, TypeVar

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError

from sweeps.record.errors import StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

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
    while True:
        try:
            return operation()
        except (DBAPIError, StorageInternalError) as error:
            if not _away(error):
                raise
            if time.monotonic() - started >= limit:
                raise StorageUnavailableError(
                    f"storage {place}: did not answer for {limit:g} s ({_words(error)}). "
                    "What is on record is safe; once the database is up, run the sweep again: it goes on where it was."
                ) from error
            _log.warning("storage: the database does not answer (%s); trying again in %.1f s", type(error).__name__, wait)
        time.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT_SECONDS)


def _away(error: BaseException) -> bool:
    """Whether an error may pass: no connection, a restart, a lock that is held for long; not one in what was asked."""
    cause = _cause(error)
    return isinstance(cause, (OperationalError, InterfaceError)) or (isinstance(cause, DBAPIError) and cause.connection_invalidated)


def _cause(error: BaseException) -> BaseException:
    """SQLAlchemy's error; Optuna wraps it."""
    return (error.__cause__ or error) if isinstance(error, StorageInternalError) else error


def _words(error: BaseException) -> str:
    """The database's own message, on one line."""
    original = getattr(_cause(error), "orig", None) or _cause(error)
    lines = str(original).strip().splitlines()
    return lines[0] if lines else type(error).__name__


class Transactions:
    """Runs statements on a storage.

    Args:
        database: the storage.
        outage: seconds that a database may be away. After one such wait in vain there is no other: what is still to be written when a run ends would
            take as long for each event.
    """

    def __init__(self, database: Database, outage: float) -> None:
        self._engine = database.engine
        self._outage = outage
        self._place = database.place

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
        """Run an operation, again while the database is away.

        Raises:
            StorageUnavailableError: it was away for too long.
        """
        try:
            return wait_out(operation, self._place, self._outage)
        except StorageUnavailableError:
            self._outage = 0.0
            raise
