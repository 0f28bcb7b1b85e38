"""What makes a driver the one that may write a trial: the leases that it renews (PostgreSQL), or the lock on the whole study (SQLite)."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import re
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from sweeps.record import leases
from sweeps.record.errors import StudyLockedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy.engine import Connection, Engine


class Ownership:
    """Held while a driver runs a study. As it stands here: of the whole study, so that nobody else is there.

    Attributes:
        shared: whether other drivers may run trials of the same study.
    """

    shared = False

    def take(self, connection: Connection, trial_id: int) -> None:
        """Own a new trial, in the transaction that makes it; `keep` follows once that is committed."""

    def keep(self, trial_id: int) -> None:
        """A trial that was taken is on record."""

    def took(self, connection: Connection, trial_id: int) -> bool:  # noqa: ARG002 - for those who share
        """Whether it was this driver that made a trial: asked when the answer to its commit was lost."""
        return True

    def claim(self, trial_id: int, lease: leases.Lease | None) -> bool:  # noqa: ARG002 - for those who share
        """Own an unfinished trial that nobody owns any more, `lease` being what was seen of it; False when somebody was quicker."""
        return True

    def check(self, connection: Connection, trial_id: int) -> bool:  # noqa: ARG002 - for those who share
        """Whether this driver still owns a trial; nobody can take it over before the transaction ends."""
        return True

    def let_go(self, trial_id: int) -> None:
        """Own a trial no longer: it is over."""

    def lost(self) -> set[int]:
        """Trials that were taken over by others since the last call."""
        return set()

    def others(self, connection: Connection) -> tuple[str, ...]:  # noqa: ARG002 - for those who share
        """Host and process of the other drivers that own trials of the study."""
        return ()

    def alone(self) -> AbstractContextManager[None]:
        """A block that one driver of the study is in at a time."""
        return nullcontext()

    def release(self) -> None:
        """Let others in."""


_ALONE = 0x5354_4541  # "STEA": first half of an advisory lock's key, of which the study's ID is the second
_log = logging.getLogger(__name__)

RENEWALS_PER_LEASE = 12
ALONE_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 1.0  # between tries while the database is away
_LAST_WAIT_SECONDS = 15.0  # for a renewal under way, when the study is closed


class LeasedTrials(Ownership):
    """Owns single trials of a study that several drivers share.

    A thread renews, so that a loop that waits for the database or for a slow sampler loses nothing. It is a thread, not a process: a driver that hangs as a whole,
    is stopped, or dies must lose its trials. A lease is `seconds` long.
    """

    shared = True

    def __init__(self, engine: Engine, study_id: int, seconds: float) -> None:
        self._engine = engine
        self._study_id = study_id
        self._seconds = seconds
        self.owner = leases.Owner.new()
        self._held: dict[int, int] = {}
        self._lost: set[int] = set()
        self._changing = threading.Lock()
        self._closing = threading.Event()
        with engine.begin() as connection:
            leases.clear_finished(connection, study_id)
        self._thread = threading.Thread(target=self._renew_until_closed, name="leases", daemon=True)
        self._thread.start()

    def take(self, connection: Connection, trial_id: int) -> None:
        """The first lease of a new trial."""
        leases.insert_lease(connection, self._study_id, trial_id, self.owner, self._seconds)

    def keep(self, trial_id: int) -> None:
        """Renew a new trial's lease from now on."""
        with self._changing:
            self._held[trial_id] = 1

    def took(self, connection: Connection, trial_id: int) -> bool:
        """Whether the first lease of a trial is this driver's."""
        return leases.lock_lease(connection, trial_id, self.owner, 1)

    def claim(self, trial_id: int, lease: leases.Lease | None) -> bool:
        """Take an unfinished trial over."""
        with self._engine.begin() as connection:
            fence = leases.claim_lease(connection, self._study_id, trial_id, self.owner, self._seconds, lease)
        if fence is None:
            return False
        with self._changing:
            self._held[trial_id] = fence
        return True

    def check(self, connection: Connection, trial_id: int) -> bool:
        """Whether the lease is still this driver's; a trial whose lease was lost is held no more."""
        with self._changing:
            fence = self._held.get(trial_id)
        if fence is not None and leases.lock_lease(connection, trial_id, self.owner, fence):
            return True
        with self._changing:
            self._held.pop(trial_id, None)
            self._lost.discard(trial_id)
        return False

    def let_go(self, trial_id: int) -> None:
        """Delete the lease of a trial that is over; where the database is away, the next driver that opens the study does."""
        with self._changing:
            self._held.pop(trial_id, None)
        with suppress(SQLAlchemyError), self._engine.begin() as connection:
            leases.delete_lease(connection, trial_id, self.owner)

    def lost(self) -> set[int]:
        """Trials that others have taken over, as the last renewals found."""
        with self._changing:
            lost, self._lost = self._lost, set()
        return lost

    def others(self, connection: Connection) -> tuple[str, ...]:
        """Host and process of the other drivers that hold trials."""
        return leases.living_owners(connection, self._study_id, self.owner)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold a lock of the study's own, which ends with this driver's connection however that ends."""
        lock, waiting = func.pg_try_advisory_lock(_ALONE, self._study_id), False
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not connection.execute(select(lock)).scalar_one():
                if not waiting:
                    _log.warning("another driver is preparing the study; waiting for it")
                waiting = True
                time.sleep(ALONE_PAUSE_SECONDS)
            try:
                yield
            finally:
                connection.invalidate()

    def release(self) -> None:
        """Stop renewing and give every lease back; where the database is away, they expire."""
        self._closing.set()
        self._thread.join(_LAST_WAIT_SECONDS)
        with suppress(SQLAlchemyError), self._engine.begin() as connection:
            leases.give_back(connection, self.owner)

    def _renew_until_closed(self) -> None:
        pause = interval = self._seconds / RENEWALS_PER_LEASE
        while not self._closing.wait(pause):
            try:
                self._renew()
            except SQLAlchemyError as error:
                _log.debug("leases: renewal failed: %s", type(error).__name__)
                pause = min(interval, LONGEST_PAUSE_SECONDS)
            else:
                pause = interval

    def _renew(self) -> None:
        with self._changing:
            before = dict(self._held)
        if not before:
            return
        with self._engine.begin() as connection:
            mine = leases.renew_leases(connection, self.owner, before.keys(), self._seconds)
        with self._changing:
            for trial_id, fence in before.items():
                if mine.get(trial_id) != fence and self._held.get(trial_id) == fence:
                    del self._held[trial_id]
                    self._lost.add(trial_id)


def lock_file(database: Path, study: str) -> Path:
    """The lock of one study beside its SQLite file: studies that share a file can run side by side."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", study)[:40]
    unique = "" if slug == study else "-" + hashlib.blake2b(study.encode(), digest_size=4).hexdigest()
    return database.with_name(f"{database.name}.{slug}{unique}.lock")


class StudyLock(Ownership):
    """One driver a study in SQLite, by a file beside the database; the operating system takes the lock back when its holder dies.

    The driver that has the lock owns every trial of the study.

    Raises:
        StudyLockedError: another driver is alive; the message says who.
    """

    def __init__(self, database: Path, study: str) -> None:
        self._path = lock_file(database, study)
        self._lock = FileLock(self._path, mode=0o644, thread_local=False)
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            who = _holder(self._path.read_bytes())
            raise StudyLockedError(
                f"study {study!r} is being run by {who}; expected no other driver. Wait for it, watch it with `steadysweep status {study} --watch`, "
                f"or stop it with `steadysweep stop {study}` (lock: {self._path})."
            ) from None
        written = {
            "driver": leases.driver_name(),
            "process": leases.this_process(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self._path.write_text(json.dumps(written))

    def release(self) -> None:
        """Unlock; the file stays, empty, since removing it could race with another driver's opening it."""
        if self._lock.is_locked:
            self._path.write_text("")
            self._lock.release()


def is_left(database: Path, study: str) -> bool | None:
    """Whether no driver runs a study in SQLite any more; None where that cannot be told.

    The lock file's content tells it of drivers of this machine; of others a look at the lock, which could turn away a driver that starts in the same microseconds.
    """
    path = lock_file(database, study)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return True
    except OSError:
        return None
    process = _written(content).get("process")
    if isinstance(process, str) and leases.ran_here(process):
        return leases.is_dead_here(process)
    return not content or _is_unlocked(path)


def holder(database: Path, study: str) -> str:
    """Host and process of the driver that runs a study in SQLite; empty where none does."""
    if is_left(database, study):
        return ""
    try:
        return str(_written(lock_file(database, study).read_bytes()).get("driver", "another driver"))
    except OSError:
        return "another driver"


def _is_unlocked(path: Path) -> bool | None:
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _written(content: bytes) -> dict[str, Any]:
    """What a driver wrote into its lock file."""
    try:
        document = json.loads(content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _holder(content: bytes) -> str:
    """Who holds the lock, from the lock file's content."""
    written = _written(content)
    return f"{written.get('driver', 'another driver')} since {written.get('since', 'some time')}" if written else "another driver"
