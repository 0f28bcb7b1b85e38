"""Riding out a database that is away for a while."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, TypeVar

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from sweeps.record.errors import StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")

_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.2, 5.0


def ride_out(operation: Callable[[], _Result], place: str, limit: float) -> _Result:
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
