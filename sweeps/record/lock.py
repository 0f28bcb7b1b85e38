"""One driver per SQLite study: a lock that the operating system takes back when its holder dies."""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sweeps.record.errors import StudyLockedError
from sweeps.record.owner import driver_name

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from sweeps.record.leases import Lease


def lock_file(database: Path, study: str) -> Path:
    """The lock of one study beside its SQLite file: studies that share a file can run side by side."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", study)[:40]
    unique = "" if slug == study else "-" + hashlib.blake2b(study.encode(), digest_size=4).hexdigest()
    return database.with_name(f"{database.name}.{slug}{unique}.lock")


class StudyLock:
    """``flock`` on a file beside the database; gone with the process, however it ends.

    Implements `Ownership`: whoever has the lock owns every trial of the study.

    Raises:
        StudyLockedError: another driver is alive; the message says who.
    """

    shared = False

    def __init__(self, database: Path, study: str) -> None:
        import fcntl

        path = lock_file(database, study)
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

    def take(self, connection: Connection, trial_id: int) -> None:
        """Nothing to write: a new trial is owned."""

    def keep(self, trial_id: int) -> None:
        """Nothing to remember."""

    def took(self, connection: Connection, trial_id: int) -> bool:  # noqa: ARG002 - the protocol's
        """Nobody else makes trials."""
        return True

    def claim(self, trial_id: int, lease: Lease | None) -> bool:  # noqa: ARG002 - the protocol's
        """Nobody else is there."""
        return True

    def check(self, connection: Connection, trial_id: int) -> bool:  # noqa: ARG002 - the protocol's
        """A file's lock is never lost."""
        return True

    def let_go(self, trial_id: int) -> None:
        """Nothing to delete."""

    def lost(self) -> set[int]:
        """Never any."""
        return set()

    def others(self, connection: Connection) -> tuple[str, ...]:  # noqa: ARG002 - the protocol's
        """Never any."""
        return ()

    def alone(self) -> AbstractContextManager[None]:
        """This driver always is."""
        return nullcontext()

    def release(self) -> None:
        """Unlock; the file stays, empty, since removing it could race with another driver's opening it."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1


def _holder(content: bytes) -> str:
    """Who holds the lock, from the lock file's content."""
    try:
        document = json.loads(content)
    except ValueError:
        return "another driver"
    return f"{document.get('driver', 'another driver')} since {document.get('since', 'some time')}"
