"""Storage URLs: expanded at use, checked, and shown without their password."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from sweeps.errors import SweepInputError
from sweeps.record.errors import StorageUrlError
from sweeps.variables import expand

SUPPORTED = "sqlite:///FILE.db or postgresql+psycopg://USER@HOST/DATABASE"


def storage_url(text: str) -> URL:
    """The URL that `text` means, variables expanded.

    Raises:
        StorageUrlError: not SQLite in a file, not PostgreSQL by psycopg.
    """
    try:
        url = make_url(expand(text, os.environ))
    except SweepInputError as error:
        raise StorageUrlError(f"storage: {error}") from None
    except ArgumentError:
        raise StorageUrlError(
            f"storage: not a URL; expected {SUPPORTED}. A file is written sqlite:///PATH, an absolute one sqlite:////PATH."
        ) from None
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite")
    if backend == "sqlite":
        raise StorageUrlError(f"storage: expected a file, as in {SUPPORTED}; a study in memory would be lost with the driver.")
    if backend == "postgresql" and url.drivername in ("postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    raise StorageUrlError(f"storage: {url.drivername!r} is not supported; expected {SUPPORTED}.")


def shown(url: URL) -> str:
    """`url` for people and logs: its password hidden."""
    return url.render_as_string(hide_password=True)


def secrets(url: URL) -> tuple[str, ...]:
    """Texts of `url` that must not appear in the record, in logs or in reports."""
    return tuple(
        part for part in (str(url.password) if url.password else "", url.render_as_string(hide_password=False)) if url.password and part
    )


def sqlite_file(url: URL) -> Path | None:
    """The database file of a SQLite URL, or None for a server."""
    return Path(str(url.database)).absolute() if url.get_backend_name() == "sqlite" else None
