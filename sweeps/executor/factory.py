"""Executors by name."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sweeps.executor.protocol import Executor
    from sweeps.executor.ray_session import RaySession
    from sweeps.executor.worker import WorkerSettings
    from sweeps.sweep_file.settings import ResourceSettings

ExecutorKind = str
"""A name in `EXECUTORS`."""


@dataclass(frozen=True)
class ExecutorEntry:
    """An executor that can be chosen.

    Attributes:
        module: it has the executor's class.
        about: what runs the trials, for ``--help``.
    """

    module: str
    about: str


EXECUTORS: dict[str, ExecutorEntry] = {
    "ray-core": ExecutorEntry(
        "sweeps.executor.ray_core", "worker processes of our own on Ray, kept warm and given the trials that they are warm for"
    ),
    "ray-tune": ExecutorEntry("sweeps.executor.ray_tune", "Ray Tune"),
    "inline": ExecutorEntry("sweeps.executor.inline", "this process"),
}
DEFAULT_EXECUTOR = "ray-core"


def make_executor(
    resources: ResourceSettings,
    *,
    kind: ExecutorKind = "ray-core",
    address: str | None = None,
    worker: WorkerSettings | None = None,
    runtime_env: Mapping[str, Any] | None = None,
    private: Collection[str] = (),
    say: Callable[[str], object] | None = None,
) -> Executor:
    """Make an executor; ``close`` ends it and the Ray that was started for it.

    Args:
        resources: what one trial gets, and how many run at a time.
        kind: ``ray-tune`` (Ray Tune runs the trials), ``ray-core`` (warm actors of our own, tasks routed to the one that is warm for them), ``inline``
            (this process).
        address: of a Ray cluster to join; None starts Ray on this machine, or uses the one that this process has already joined.
        worker: when a worker process is replaced, and what it needs; default: the driver's own import paths.
        runtime_env: Ray's ``working_dir``, ``py_modules``, ``pip`` for the workers.
        private: environment variables that the workers of an own Ray do not inherit, e.g. the storage's password.
        say: told what is worth knowing about the machines; default: stderr.

    Raises:
        SweepInputError: not one trial fits, or the executor's name is unknown.
        SweepError: Ray cannot be started or joined, packages cannot be installed, or a machine of the cluster would not train as the driver does.
    """
    if kind == "inline":
        from sweeps.executor.inline import InlineExecutor

        return InlineExecutor(resources.concurrent or 1)
    if kind not in EXECUTORS:
        raise SweepInputError(f"executor {kind!r} is unknown; expected one of {', '.join(EXECUTORS)}")
    from sweeps.executor.ray_session import close_ray, open_ray

    session = open_ray(address, num_cpus=_logical_cpus(resources, kind, address), runtime_env=runtime_env, private=private)
    try:
        return _on_ray(resources, kind, session, worker, say or _to_stderr, (runtime_env or {}).get("pip", ()))
    except BaseException:
        close_ray(session)
        raise


def _to_stderr(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _on_ray(
    resources: ResourceSettings,
    kind: ExecutorKind,
    session: RaySession,
    worker: WorkerSettings | None,
    say: Callable[[str], object],
    packages: Sequence[str],
) -> Executor:
    """An executor of a Ray that is there, once each machine has installed the packages; on machines that may differ from this one, one that watches them."""
    from sweeps.executor.worker import driver_settings

    settings = worker or driver_settings()
    if session.address is None and not packages:
        return _executor(resources, kind, session, settings)
    from sweeps.environment import versions
    from sweeps.executor.nodes import NodeCheck, WatchedExecutor

    own = versions()
    nodes = NodeCheck(resources, own, say)
    if packages:
        say(
            f"installing {', '.join(packages)} on each machine; where Ray runs in a virtual environment, that is copied first, for a minute or more ..."
        )
    nodes.check_all()
    if session.address is None:
        return _executor(resources, kind, session, settings)
    return WatchedExecutor(_executor(resources, kind, session, replace(settings, versions=tuple(own.items()))), nodes, say)


def _executor(resources: ResourceSettings, kind: ExecutorKind, session: RaySession, settings: WorkerSettings) -> Executor:
    if kind == "ray-tune":
        from sweeps.executor.ray_tune import RayTuneExecutor

        return RayTuneExecutor(resources, worker=settings, session=session)
    from sweeps.executor.ray_core import RayCoreExecutor

    return RayCoreExecutor(resources, worker=settings, session=session)


def _logical_cpus(resources: ResourceSettings, kind: ExecutorKind, address: str | None) -> int | None:
    """CPUs of a Ray of our own, or None for all: Tune starts spare processes for as long as there is room, so room is made for the trials alone."""
    if kind != "ray-tune" or address is not None or resources.concurrent is None:
        return None
    return min(os.cpu_count() or 1, math.ceil(resources.cpu * resources.concurrent))
