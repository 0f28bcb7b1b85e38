"""One driver per study: a lock that the operating system, or the database, takes back when its holder dies."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from sweeps.record.errors import StudyLockedError
from sweeps.record.url import sqlite_file

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import URL, Connection, Engine


class StudyLock(Protocol):
    """Held while a driver runs a study."""

    def hold(self) -> None:
        """Make sure that the lock is still held, after the database was away; raises `StudyLockedError` when another driver took it."""
        ...

    def release(self) -> None:
        """Let the next driver in."""
        ...


def driver_name() -> str:
    """Host and process of this driver."""
    return f"{socket.gethostname()}:{os.getpid()}"


def lock_file(database: Path, study: str) -> Path:
    """The lock of one study beside its SQLite file: studies that share a file can run side by side."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", study)[:40]
    unique = "" if slug == study else "-" + hashlib.blake2b(study.encode(), digest_size=4).hexdigest()
    return database.with_name(f"{database.name}.{slug}{unique}.lock")


def lock_study(url: URL, engine: Engine, study: str) -> StudyLock:
    """Become the study's only driver.

    Raises:
        StudyLockedError: another driver is alive; the message says who.
    """
    file = sqlite_file(url)
    return _FileLock(lock_file(file, study), study) if file is not None else _AdvisoryLock(engine, study)


class _FileLock:
    """``flock`` on a file beside the database; gone with the process, however it ends."""

    def __init__(self, path: Path, study: str) -> None:
        import fcntl

        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = _holder(os.pread(self._descriptor, 4096, 0))
            os.close(self._descriptor)
            raise StudyLockedError(
                f"study {study!r} is being run by {holder}; expected no other driver. Wait for it, watch it with `steadysweep status`, or stop it (lock: {path})."
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(
            self._descriptor, json.dumps({"driver": driver_name(), "since": datetime.now(UTC).isoformat(timespec="seconds")}).encode(), 0
        )

    def hold(self) -> None:
        """A file's lock is never lost."""

    def release(self) -> None:
        """Unlock; the file stays, empty, since removing it could race with another driver's opening it."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1


class _AdvisoryLock:
    """PostgreSQL's session lock: gone with the connection."""

    def __init__(self, engine: Engine, study: str) -> None:
        self._engine = engine
        self._study = study
        self._connection = self._take()

    def hold(self) -> None:
        """Take the lock again if its session ended."""
        try:
            self._connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            self.release()
            self._connection = self._take()

    def release(self) -> None:
        """Unlock by ending the session."""
        with suppress(SQLAlchemyError):
            self._connection.invalidate()
        self._connection.close()

    def _take(self) -> Connection:
        digest = hashlib.blake2b(f"steadysweep:{self._study}".encode(), digest_size=8).digest()
        key = int.from_bytes(digest, "big", signed=True)
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar_one():
            return connection
        connection.close()
        raise StudyLockedError(
            f"study {self._study!r} is being run by another driver on this database; expected none. "
            "Wait for it, watch it with `steadysweep status`, or stop it."
        )


def _holder(content: bytes) -> str:
    """Who holds the lock, from the lock file's content."""
    try:
        document = json.loads(content)
    except ValueError:
        return "another driver"
    return f"{document.get('driver', 'another driver')} since {document.get('since', 'some time')}"
