"""Transactions of a driver: each rides out an outage, and each write of a trial asks first whether the trial is still the driver's."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.exc import IntegrityError

from sweeps.record.errors import StorageUnavailableError
from sweeps.record.outage import ride_out
from sweeps.record.url import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from optuna.storages import RDBStorage
    from sqlalchemy.engine import Connection

    Statements = Callable[[Connection], object]

_Result = TypeVar("_Result")


class Transactions:
    """Runs statements on a storage.

    Args:
        storage: Optuna's.
        outage: seconds that a database may be away. Whoever was disappointed once does not wait again: what is still to be written when a run ends would
            take as long for each event.
    """

    def __init__(self, storage: RDBStorage, outage: float) -> None:
        self._engine = storage.engine
        self._outage = outage
        self._place = shown(storage.engine.url)

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
            return ride_out(operation, self._place, self._outage)
        except StorageUnavailableError:
            self._outage = 0.0
            raise
