"""Connections to a storage: SQLite in WAL mode, or PostgreSQL."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.exc import DatabaseError

from sweeps.record.errors import StorageUnavailableError, StudyNotFoundError
from sweeps.record.network_files import refuse_network_file
from sweeps.record.url import shown, sqlite_file

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Engine

BUSY_SECONDS = 60  # how long a statement waits for another process's write
IDLE_SECONDS = 30  # how long a driver that is stalled inside a transaction may hinder others

KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
"""A server that vanished without a word is noticed in half a minute (libpq's parameters)."""


def engine_options(url: URL) -> dict[str, Any]:
    """Arguments of `sqlalchemy.create_engine` for `url`, also handed to Optuna's storage."""
    if sqlite_file(url) is not None:
        return {"connect_args": {"timeout": BUSY_SECONDS}}
    return {"pool_pre_ping": True, "isolation_level": "READ COMMITTED", "connect_args": {"connect_timeout": 10, **KEEPALIVE}}


def prepare(engine: Engine) -> None:
    """Set what every new connection needs; connections made before are closed."""
    event.listen(engine, "connect", _on_sqlite_connect if engine.dialect.name == "sqlite" else _on_server_connect)
    engine.dispose()


def open_for_reading(url: URL) -> Engine:
    """An engine on an existing storage.

    Raises:
        StudyNotFoundError: there is no such file.
        StorageUnavailableError: it is no database, or its server does not answer.
    """
    file = sqlite_file(url)
    if file is not None and not file.exists():
        raise StudyNotFoundError(
            f"storage: no file {file}; expected a study's database. Check --storage ({shown(url)}), or run the sweep first."
        )
    engine = create_engine(url, **engine_options(url))
    prepare(engine)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA schema_version" if file is not None else "SELECT 1")
    except DatabaseError as error:
        engine.dispose()
        what = f"{file} is no SQLite database" if file is not None else "the server does not answer"
        raise StorageUnavailableError(
            f"storage {shown(url)}: {what} ({str(error.orig).strip()}). Check the URL, and that the database is up."
        ) from None
    return engine


def refuse_unsafe_place(url: URL) -> None:
    """Refuse a SQLite file where it would be damaged, and make its folder.

    Raises:
        StorageUrlError: the file lies on a network file system.
    """
    file = sqlite_file(url)
    if file is not None:
        refuse_network_file(file)
        file.parent.mkdir(parents=True, exist_ok=True)


def _on_sqlite_connect(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DB-API connection
    """Write-ahead logging lets readers work beside the driver; NORMAL syncs at checkpoints, which a killed process cannot hurt (sqlite.org/wal.html)."""
    cursor = connection.cursor()
    with suppress(DatabaseError):
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _on_server_connect(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DB-API connection
    """A driver that is stopped in the middle of a transaction keeps its locks, but not for ever; others wait a little longer than that."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
        cursor.execute(f"SET lock_timeout = '{2 * IDLE_SECONDS}s'")
    connection.commit()
