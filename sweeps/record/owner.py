"""Who a driver is: a name that no other driver ever has, and what tells another driver on the same machine that it is dead."""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path

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
        return Owner(f"{driver_name()}#{uuid.uuid4().hex[:8]}", _this_process())


def is_dead_here(process: str) -> bool:
    """Whether an owner's process ran on this machine and runs no more; False where that cannot be known from here."""
    kernel, _, rest = process.rpartition("/")[0].rpartition("/")
    started = process.rpartition("/")[2]
    if not kernel or kernel != _kernel() or not rest.isdecimal():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # another user's: it lives
    state = _state(int(rest))
    return state is not None and (state[0] in _GONE or state[1] != started)


def _this_process() -> str:
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
