"""The lease table: who may write a trial, for how long, by the database's clock. PostgreSQL only: a SQLite study has one driver.

A lease is renewed by its owner and taken over by others once it is free. Each takeover counts the fence up, and every write of a trial asks in its own transaction
whether owner and fence are still the writer's: a driver that slept through its lease writes nothing more.

`Owner` names a driver as no other driver is ever named, and lets another driver on the same machine see that it is dead. The start time of its process is read in
clock ticks from /proc: psutil's is in seconds since 1970 and moves when the machine's clock is set, which would declare a living driver dead.
"""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import DateTime, Float, String, cast, delete, func, insert, literal_column, or_, select, update
from sqlalchemy.dialects import postgresql

from sweeps.record.schema import LEASES, TRIALS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from typing import Any

    from sqlalchemy.engine import Connection

_PROC = Path("/proc")
_GONE = ("Z", "X")  # a zombie runs no more, although its parent has not asked for its end


def driver_name() -> str:
    """Host and process of this driver."""
    return f"{socket.gethostname()}:{os.getpid()}"


@dataclass(frozen=True)
class Owner:
    """A driver as the lease table names it.

    Attributes:
        name: host, process and a random part: a process that opens a study twice is two owners.
        process: kernel, PID namespace, PID and start time, which together name one process for ever; empty where the system does not tell them.
    """

    name: str
    process: str

    @staticmethod
    def new() -> Owner:
        """An owner of this process."""
        return Owner(f"{driver_name()}#{uuid.uuid4().hex[:8]}", this_process())


def is_dead_here(process: str) -> bool:
    """Whether an owner's process ran on this machine and runs no more; False where that cannot be known from here."""
    rest, started = process.rpartition("/")[0].rpartition("/")[2], process.rpartition("/")[2]
    if not ran_here(process) or not rest.isdecimal():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # another user's: it lives
    state = _state(int(rest))
    return state is not None and (state[0] in _GONE or state[1] != started)


def ran_here(process: str) -> bool:
    """Whether an owner's process is, or was, one of this machine since it was started, so that its end can be seen."""
    kernel = process.rpartition("/")[0].rpartition("/")[0]
    return bool(kernel) and kernel == _kernel()


def this_process() -> str:
    """This process as `Owner.process` names it."""
    kernel, state = _kernel(), _state(os.getpid())
    return f"{kernel}/{os.getpid()}/{state[1]}" if kernel and state else ""


def _kernel() -> str:
    """Boot and PID namespace: process IDs mean the same for all who share them."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def _state(pid: int) -> tuple[str, str] | None:
    """State letter and start time in clock ticks of a process (proc(5), fields 3 and 22), or None where they cannot be read."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], fields[19]


NOBODY = ""
UNFINISHED = ("RUNNING", "WAITING")

SECONDS_LEFT = literal_column(
    f"extract(epoch FROM greatest({LEASES.name}.expires, pg_postmaster_start_time() + {LEASES.name}.seconds * interval '1 second') - clock_timestamp())",
    Float,
)
"""Until a lease expires. While the server was down nobody could renew: from its start, every lease has its whole length."""


@dataclass(frozen=True)
class Lease:
    """What is seen of a trial's lease.

    Attributes:
        owner: `Owner.name`, or empty once it was given back.
        process: `Owner.process`.
        fence: counts its owners.
        expires: by the database's clock; later with each renewal.
        left: seconds until it expires, negative since it did.
    """

    owner: str
    process: str
    fence: int
    expires: datetime
    left: float

    @property
    def free(self) -> bool:
        """Whether another driver may take the trial over: given back, expired, or its owner is known to be dead."""
        return self.owner == NOBODY or self.left <= 0 or is_dead_here(self.process)

    @property
    def driver(self) -> str:
        """Host and process of its owner."""
        return self.owner.partition("#")[0]


def lease_columns() -> tuple[Any, ...]:
    """What `seen_lease` needs of a row."""
    return LEASES.c.owner, LEASES.c.process, LEASES.c.fence, LEASES.c.expires, SECONDS_LEFT.label("seconds_left")


def seen_lease(row: Any) -> Lease | None:  # noqa: ANN401 - a row of `lease_columns` and others
    """The lease in a row of an outer join, or None where there is none."""
    return None if row.fence is None else Lease(row.owner, row.process, row.fence, row.expires, float(row.seconds_left))


def insert_lease(connection: Connection, study_id: int, trial_id: int, owner: Owner, seconds: float) -> None:
    """The first lease of a new trial."""
    connection.execute(insert(LEASES).values(_values(study_id, trial_id, owner, seconds, 1)))


def claim_lease(connection: Connection, study_id: int, trial_id: int, owner: Owner, seconds: float, lease: Lease | None) -> int | None:
    """Take an unfinished trial over, unless its lease is no longer as it was seen; returns the fence.

    A row that somebody has locked is being written or renewed: its owner lives.
    """
    if lease is None:
        new = postgresql.insert(LEASES).values(_values(study_id, trial_id, owner, seconds, 1))
        fence = connection.execute(new.on_conflict_do_nothing().returning(LEASES.c.fence)).scalar_one_or_none()
    else:
        unchanged = (LEASES.c.trial_id == trial_id, LEASES.c.owner == lease.owner, LEASES.c.fence == lease.fence)
        free = () if is_dead_here(lease.process) else (or_(LEASES.c.owner == NOBODY, SECONDS_LEFT <= 0),)
        locked = select(LEASES.c.fence).where(*unchanged, *free).with_for_update(skip_locked=True)
        if connection.execute(locked).first() is None:
            return None
        fence = lease.fence + 1
        connection.execute(update(LEASES).where(LEASES.c.trial_id == trial_id).values(_values(study_id, trial_id, owner, seconds, fence)))
    state = connection.execute(select(TRIALS.c.state).where(TRIALS.c.trial_id == trial_id)).scalar_one_or_none()
    if fence is not None and state not in UNFINISHED:  # its last owner finished it in between
        connection.execute(delete(LEASES).where(LEASES.c.trial_id == trial_id))
        return None
    return fence


def lock_lease(connection: Connection, trial_id: int, owner: Owner, fence: int) -> bool:
    """Whether a lease is still this owner's; if so, nobody can take it before the transaction ends."""
    mine = (LEASES.c.trial_id == trial_id, LEASES.c.owner == owner.name, LEASES.c.fence == fence)
    return connection.execute(select(LEASES.c.trial_id).where(*mine).with_for_update()).first() is not None


def renew_leases(connection: Connection, owner: Owner, trial_ids: Collection[int], seconds: float) -> Mapping[int, int]:
    """Lengthen leases; returns trial to fence of those that are still this owner's."""
    mine = (LEASES.c.owner == owner.name, LEASES.c.trial_id.in_(trial_ids))
    rows = connection.execute(update(LEASES).where(*mine).values(expires=_expiry(seconds)).returning(LEASES.c.trial_id, LEASES.c.fence))
    return {row.trial_id: row.fence for row in rows}


def living_owners(connection: Connection, study_id: int, owner: Owner) -> tuple[str, ...]:
    """Host and process of the other drivers whose leases run."""
    others = (LEASES.c.study_id == study_id, LEASES.c.owner.not_in((NOBODY, owner.name)))
    leases = (seen_lease(row) for row in connection.execute(select(*lease_columns()).where(*others)))
    return tuple(sorted({lease.driver for lease in leases if lease is not None and not lease.free}))


def delete_lease(connection: Connection, trial_id: int, owner: Owner) -> None:
    """The trial is over."""
    connection.execute(delete(LEASES).where(LEASES.c.trial_id == trial_id, LEASES.c.owner == owner.name))


def give_back(connection: Connection, owner: Owner) -> None:
    """Let others take this owner's trials over at once."""
    connection.execute(update(LEASES).where(LEASES.c.owner == owner.name).values(owner=NOBODY, process=""))


def clear_finished(connection: Connection, study_id: int) -> None:
    """Delete leases of trials that are over, left by a driver that died between the two."""
    over = select(TRIALS.c.trial_id).where(TRIALS.c.study_id == study_id, cast(TRIALS.c.state, String).not_in(UNFINISHED))
    connection.execute(delete(LEASES).where(LEASES.c.study_id == study_id, LEASES.c.trial_id.in_(over)))


def _values(study_id: int, trial_id: int, owner: Owner, seconds: float, fence: int) -> dict[str, Any]:
    return {
        "trial_id": trial_id,
        "study_id": study_id,
        "owner": owner.name,
        "process": owner.process,
        "fence": fence,
        "seconds": seconds,
        "expires": _expiry(seconds),
    }


def _expiry(seconds: float) -> Any:  # noqa: ANN401 - an SQL expression
    return func.clock_timestamp(type_=DateTime(timezone=True)) + timedelta(seconds=seconds)
