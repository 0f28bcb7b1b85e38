"""Executors by name. A further one is a file with a function ``make`` and a line in `EXECUTORS`."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sweeps.errors import SweepInputError
from sweeps.executor.worker import WorkerSettings, driver_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from sweeps.executor.protocol import Executor
    from sweeps.sweep_file.runtime import TuneSettings
    from sweeps.sweep_file.settings import ResourceSettings

ExecutorKind = str
"""A name in `EXECUTORS`."""


@dataclass(frozen=True)
class ExecutorEntry:
    """An executor that can be chosen.

    Attributes:
        module: it has a function ``make(request: ExecutorRequest) -> Executor``; imported when the executor is wanted.
        about: what runs the trials, for ``--help``.
    """

    module: str
    about: str


EXECUTORS: dict[str, ExecutorEntry] = {
    "ray-core": ExecutorEntry(
        "sweeps.executor.ray_core", "worker processes of our own on Ray, kept warm and given the trials that they are warm for"
    ),
    "ray-tune": ExecutorEntry("sweeps.executor.ray_tune", "Ray Tune, for its experiment folder and callbacks (runtime.tune)"),
    "inline": ExecutorEntry("sweeps.executor.inline", "this process"),
}
DEFAULT_EXECUTOR = "ray-core"


def _to_stderr(text: str) -> None:
    sys.stderr.write(f"{text}\n")


@dataclass(frozen=True)
class ExecutorRequest:
    """What an executor is made of.

    Attributes:
        resources: what one trial gets, and how many run at a time.
        address: of a Ray cluster to join; None starts Ray on this machine, or uses the one that this process has already joined.
        worker: when a worker process is replaced, and what it needs; default: the driver's own import paths.
        runtime_env: Ray's ``working_dir``, ``py_modules``, ``pip`` for the workers.
        private: environment variables that the workers of an own Ray do not inherit, e.g. the storage's password.
        tune: what Ray Tune keeps and whom it tells, for ``ray-tune`` alone.
        name: of the study.
        say: shows one line to the person watching; default: on stderr.
    """

    resources: ResourceSettings
    address: str | None = None
    worker: WorkerSettings = field(default_factory=driver_settings)
    runtime_env: Mapping[str, Any] | None = None
    private: Collection[str] = ()
    tune: TuneSettings | None = None
    name: str = "sweep"
    say: Callable[[str], object] = _to_stderr


def make_executor(request: ExecutorRequest, kind: ExecutorKind = DEFAULT_EXECUTOR) -> Executor:
    """Make an executor; ``close`` ends it and the Ray that was started for it.

    Args:
        request: what it is made of.
        kind: a name in `EXECUTORS`.

    Raises:
        SweepInputError: not one trial fits, a callback of Ray Tune cannot be used, or the executor's name is unknown.
        SweepError: Ray cannot be started or joined, packages cannot be installed, or a machine of the cluster would not train as the driver does.
    """
    if kind not in EXECUTORS:
        raise SweepInputError(f"executor {kind!r} is unknown; expected one of {', '.join(EXECUTORS)}")
    executor: Executor = import_module(EXECUTORS[kind].module).make(request)
    return executor
