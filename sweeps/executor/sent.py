"""What Ray itself loads in its worker processes. It travels as code and not by name (`as_code`).

Ray puts the driver's folder and ``runtime.working_dir`` first on a worker's search path, where a person's own ``sweeps.py`` would stand in for this package. So
what Ray loads names nothing of ours before `use_ours` has found our packages; tasks and settings come pickled for the same reason.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from collections import defaultdict
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from types import ModuleType

    from sweeps.executor.worker import Batch

SENT_FOLDERS = ("/working_dir_files/", "/py_modules_files/")
"""In the paths of what Ray has unpacked of a person's own code (``runtime.working_dir``, ``runtime.py_modules``)."""


def as_code(module: ModuleType) -> ModuleType:
    """`module`, whose functions and classes Ray sends as code from now on."""
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(module)
    return module


def use_ours() -> None:
    """Make a worker process import our packages as ours, and a person's own modules after all others."""
    here = str(Path.cwd())
    own = [place for place in sys.path if place in ("", here) or any(folder in place for folder in SENT_FOLDERS)]
    if "sweeps.import_order" not in sys.modules:
        homes = [place for place in sys.path if (Path(place) / "sweeps" / "import_order.py").is_file()]
        spec = PathFinder.find_spec("sweeps", homes[:1])
        if spec is not None and spec.loader is not None:
            sys.modules["sweeps"] = module_from_spec(spec)
            spec.loader.exec_module(sys.modules["sweeps"])
    sys.path[:] = [*(place for place in sys.path if place not in own), *own]


class CoreWorker:
    """One process. The driver keeps one call of `begin` or `proceed` waiting while an attempt runs; each returns what was told since the last."""

    def __init__(self, settings: bytes) -> None:
        """Args: settings: pickled `WorkerSettings`."""
        use_ours()
        from sweeps.executor.worker import Worker

        self._worker = Worker(pickle.loads(settings))  # noqa: S301 - from our own driver

    def place(self) -> tuple[int, str]:
        """Process ID and Ray's ID of the node."""
        import ray

        return os.getpid(), str(ray.get_runtime_context().get_node_id())

    def begin(self, task: bytes) -> Batch:
        """Start an attempt, a pickled `TrialTask`, and wait for its first events."""
        self._worker.begin(pickle.loads(task))  # noqa: S301 - from our own driver
        return self._worker.next_events()

    def add(self, task: bytes) -> None:
        """Start an attempt beside those that run; whoever waits for events is told of its too."""
        self._worker.begin(pickle.loads(task))  # noqa: S301 - from our own driver

    def proceed(self) -> Batch:
        """Wait for the next events."""
        return self._worker.next_events()

    def stop(self, trial: int, attempt: int) -> None:
        """Ask an attempt to stop."""
        self._worker.stop(trial, attempt)


Order = Literal["stop", "leave", "over"]
"""``stop``: return soon; ``leave``: end the process now; ``over``: nothing more will be ordered."""

Key = int
"""Number of a submission: never used twice, so that a late order cannot meet the next attempt."""


class Board:
    """Holds posted tasks until a worker takes them, and lets workers wait for orders without polling.

    Tasks stand here and not in Tune's trial configuration, because Tune writes that to its experiment files again and again.
    """

    def __init__(self, worker_settings: bytes) -> None:
        self._worker_settings = worker_settings
        self._tasks: dict[Key, bytes] = {}
        self._posted: defaultdict[Key, asyncio.Event] = defaultdict(asyncio.Event)
        self._orders: dict[Key, Order] = {}
        self._ordered: defaultdict[Key, asyncio.Event] = defaultdict(asyncio.Event)

    async def worker_settings(self) -> bytes:
        """What every worker process is set up with: pickled `WorkerSettings`."""
        return self._worker_settings

    async def post(self, key: Key, task: bytes) -> None:
        """Lay out a pickled task."""
        self._tasks[key] = task
        self._posted[key].set()

    async def take(self, key: Key) -> bytes:
        """The task, once it is there."""
        await self._posted[key].wait()
        self._posted.pop(key, None)
        return self._tasks.pop(key)

    async def give(self, key: Key, order: Order) -> None:
        """Give an order; a later one replaces it for those who ask again."""
        self._orders[key] = order
        self._ordered[key].set()
        if order == "over":
            await asyncio.sleep(0)
            self._orders.pop(key, None)
            self._ordered.pop(key, None)
            self._tasks.pop(key, None)
            self._posted.pop(key, None)

    async def await_order(self, key: Key, known: Order | None) -> Order:
        """Wait for an order other than `known`."""
        event = self._ordered[key]
        while True:
            await event.wait()
            order = self._orders.get(key, "over")
            if order != known:
                return order
            event = self._ordered[key] = asyncio.Event()
