"""The surroundings of a run: versions, hardware and owner for the record, versions of two machines compared."""

from __future__ import annotations

import getpass
import os
import platform
import shlex
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


PACKAGES = ("steadysweep", "keras", "tensorflow", "ray", "optuna", "numpy", "scikit-learn")


def versions() -> dict[str, str]:
    """Package to version, Python's included; packages that are not installed are left out."""
    from importlib.metadata import PackageNotFoundError, version

    installed = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return installed


def has_gpu() -> bool:
    """Whether a GPU of NVIDIA is at hand, by what its driver leaves on the system: TensorFlow is not asked, which takes seconds."""
    return Path("/dev/nvidia0").exists() or Path("/dev/dxg").exists()


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


REFUSED: Mapping[str, int | None] = {"steadysweep": None, "keras": 2, "tensorflow": 2, "python": 2}
"""Parts of a version that must agree, None for all: another Keras or TensorFlow trains other numbers, another Steadysweep speaks another protocol to workers."""

WARNED = ("python", "keras", "tensorflow", "ray", "numpy", "scikit-learn")
"""Other packages that take part in a training; a difference is reported and trials run all the same."""

LACKED = "not installed"


@dataclass(frozen=True)
class Differences:
    """Between a machine and the driver, one text each, e.g. ``keras 3.14.0, the driver has 3.15.1``.

    Attributes:
        refused: trials must not run there.
        warned: they may.
    """

    refused: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()


def compare_versions(driver: Mapping[str, str], machine: Mapping[str, str]) -> Differences:
    """Compare what the driver has with what a machine has: package to version, those it lacks left out."""
    refused: list[str] = []
    warned: list[str] = []
    for package in dict.fromkeys((*REFUSED, *WARNED)):
        expected, found = driver.get(package), machine.get(package)
        if expected is None or found == expected:
            continue
        text = f"{package} {found or LACKED}, the driver has {expected}"
        parts = REFUSED.get(package, 0)  # a version that is not installed has none of them
        (refused if (found or "").split(".")[:parts] != expected.split(".")[:parts] else warned).append(text)
    return Differences(tuple(refused), tuple(warned))
