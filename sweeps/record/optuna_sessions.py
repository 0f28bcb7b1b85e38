"""Statements of ours inside the transactions of Optuna's storage, which offers no other way to write both or neither."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from optuna.storages import RDBStorage
    from sqlalchemy.engine import Connection
    from sqlalchemy.orm import Session

    Statements = Callable[[Connection], object]


class OptunaSessions:
    """Hooks into the sessions of one storage (SQLAlchemy's ``after_begin`` and ``before_commit``); for the driver's thread alone."""

    def __init__(self, storage: RDBStorage) -> None:
        self._first: Statements | None = None
        self._last: Statements | None = None
        event.listen(storage.scoped_session.session_factory, "after_begin", self._after_begin)
        event.listen(storage.scoped_session.session_factory, "before_commit", self._before_commit)

    @contextmanager
    def with_statements(self, first: Statements | None = None, last: Statements | None = None) -> Iterator[None]:
        """Run `first` at the beginning and `last` before the commit of each transaction of the block; what they raise rolls it back."""
        self._first, self._last = first, last
        try:
            yield
        finally:
            self._first = self._last = None

    def _after_begin(self, _session: Session, _transaction: object, connection: Connection) -> None:
        if self._first is not None:
            self._first(connection)

    def _before_commit(self, session: Session) -> None:
        if self._last is not None:
            session.flush()
            self._last(session.connection())
