"""Riding out a database that is away for a while."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, TypeVar

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import InterfaceError, OperationalError

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")

OUTAGE_SECONDS = 300.0  # longer than a database's restart, shorter than a person's patience
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.2, 5.0


def ride_out(operation: Callable[[], _Result], returned: Callable[[], None], limit: float = OUTAGE_SECONDS) -> _Result:
    """Run `operation`, again while the database is away.

    Args:
        operation: a transaction that may safely run twice.
        returned: called before each new try (the study's lock is taken again there).
        limit: seconds after which the database's error is raised.
    """
    started, wait = time.monotonic(), _FIRST_WAIT_SECONDS
    while True:
        try:
            return operation()
        except (OperationalError, InterfaceError, StorageInternalError) as error:
            if time.monotonic() - started > limit:
                raise
            _log.warning("storage: the database does not answer (%s); trying again in %.1f s", type(error).__name__, wait)
        time.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
        try:
            returned()
        except (OperationalError, InterfaceError):
            continue
