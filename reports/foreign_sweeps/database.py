"""A database of another tool, opened for reading only."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.errors import ReportInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnClause
    from sqlalchemy.engine import Connection


class Database:
    """An open connection that asks for named columns of named tables."""

    def __init__(self, connection: Connection) -> None:
        """Look at which tables there are."""
        from sqlalchemy import inspect

        self._connection = connection
        self._inspector = inspect(connection)
        self.tables = frozenset(self._inspector.get_table_names())

    def rows(self, table: str, *columns: str, **equal: object) -> list[dict[str, Any]]:
        """Rows of a table, by column; a column that this version of the tool does not have is left out.

        Args:
            table: its name; none of this name gives no rows.
            columns: that are wanted.
            equal: column to the value that it must have.
        """
        from sqlalchemy import column, select
        from sqlalchemy import table as named_table

        if table not in self.tables:
            return []
        there = {each["name"] for each in self._inspector.get_columns(table)}
        wanted: list[ColumnClause[Any]] = [column(name) for name in columns if name in there]
        query = select(*wanted).select_from(named_table(table))
        for name, value in equal.items():
            if name in there:
                query = query.where(column(name) == value)
        return [dict(row) for row in self._connection.execute(query).mappings()]


def read_only_uri(file: Path) -> str:
    """Where SQLite reads a file and writes nothing, also of a study of somebody else's, whose folder takes no files of ours.

    A file in WAL mode that nobody has open is read as if nothing could change it, since SQLite would have to create the files of its log beside it
    (sqlite.org/wal.html#readonly).
    """
    is_open = file.with_name(f"{file.name}-wal").exists()
    return f"{file.absolute().as_uri()}?mode=ro{'' if is_open or is_writable(file) else '&immutable=1'}"


def is_writable(file: Path) -> bool:
    """Whether this user may write a database: the file, and its log beside it."""
    return os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)


@contextmanager
def open_database(url: str) -> Iterator[Database]:
    """Open a database for reading; nothing is written or created.

    Raises:
        ReportInputError: it cannot be opened; a password in the address is not repeated.
    """
    from sqlalchemy import create_engine, event
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    try:
        address = make_url(url)
        if address.get_backend_name() == "sqlite" and address.database:
            place, _, query = read_only_uri(Path(address.database)).partition("?")
            address = address.set(database=place, query={"uri": "true", **dict(each.split("=") for each in query.split("&"))})
        if address.drivername in {"postgresql", "postgres"}:
            address = address.set(drivername="postgresql+psycopg")
        engine = create_engine(address)
    except ImportError as error:
        raise ReportInputError(f"{shown_address(url)}: only SQLite and PostgreSQL are read ({error}).") from error
    except (ArgumentError, SQLAlchemyError) as error:
        raise ReportInputError(f"{shown_address(url)}: is no database address that can be opened: {error}.") from error
    if address.get_backend_name() == "postgresql":
        event.listen(engine, "connect", lambda connection, _: setattr(connection, "read_only", True))
    try:
        with engine.connect() as connection:
            yield Database(connection)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise ReportInputError(f"{shown_address(url)}: cannot be read: {reason}.") from error
    finally:
        engine.dispose()


def shown_address(url: str) -> str:
    """An address without its password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url.partition("://")[0] + "://..."
