"""What a study was run with: versions, hardware, owner. For the record and the report."""

from __future__ import annotations

import getpass
import os
import platform
import shlex
import socket
import sys
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("steadysweep", "keras", "tensorflow", "ray", "optuna", "numpy", "scikit-learn")


def versions() -> dict[str, str]:
    """Package to version, Python's included; packages that are not installed are left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, str]:
    """Cores, memory and system of the driver's host."""
    import psutil

    return {
        "cpus": str(os.cpu_count() or 1),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
    }


def provenance() -> dict[str, str]:
    """Host, owner and command of this run. The command line holds no secret: a password there is refused before."""
    return {**host_and_owner(), "command": shlex.join(["steadysweep", *sys.argv[1:]])}


def host_and_owner() -> dict[str, str]:
    """Where a driver runs, and for whom."""
    return {"host": socket.gethostname(), "owner": _owner()}


def _owner() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user ID without a name, as in containers
        return str(os.getuid())
