"""The worker's side of the Ray Tune adapter: a class trainable whose steps are batches of events. Imported only where Ray is.

A small Ray actor beside the driver: tasks and orders for workers that Ray Tune runs and that the driver cannot call itself.
"""

from __future__ import annotations

import asyncio
import os
import pickle
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Literal

import ray
from ray.tune import Trainable

from sweeps.executor.worker import Worker

if TYPE_CHECKING:
    from sweeps.executor.protocol import TrialTask
    from sweeps.executor.worker import WorkerSettings


BATCH = "batch"
"""Key of a pickled `Batch` in a Tune result."""


class ProcessRetiredError(Exception):
    """Raised in the step after an attempt's end, so that Tune does not use this process again; the attempt's `Ended` is already delivered."""


class TaskTrainable(Trainable):  # type: ignore[misc]
    """Takes its task from the board, trains in the worker's thread and hands Tune what it has to tell.

    The task is taken in the trial's first step and not before: Tune may give a trial whose process is still starting to one that has become free, and
    drops the new process. Had that one taken the task already, the other would wait for it for ever. A trial that makes a step is never moved.
    """

    _next: Key | None
    _retire: str | None

    def setup(self, config: dict[str, Any]) -> None:
        """Become a worker."""
        self._board = ray.get_actor(config["board"])
        self._worker = Worker(ray.get(self._board.worker_settings.remote()))
        self._expect(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Get ready for the next task in the same process."""
        self._expect(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Wait for the next events. It is never ``done``: Tune would not show such a result to the scheduler, which ends the trial itself."""
        if self._retire is not None:
            raise ProcessRetiredError(self._retire)
        if self._next is not None:
            self._begin(self._next)
            self._next = None
        batch = self._worker.next_events()
        self._retire = batch.retire
        return {BATCH: pickle.dumps(batch)}

    def _expect(self, config: dict[str, Any]) -> None:
        self._next = config["key"]
        self._retire = None

    def _begin(self, key: Key) -> None:
        task: TrialTask = ray.get(self._board.take.remote(key))
        self._worker.begin(task)
        self._listen(key, task, None)

    def _listen(self, key: Key, task: TrialTask, known: Order | None) -> None:
        def obey(future: Any) -> None:  # noqa: ANN401 - a concurrent future of Ray's
            if future.exception() is not None:
                return
            order: Order = future.result()
            if order == "leave":
                os._exit(1)
            if order == "stop":
                self._worker.stop(task.trial, task.attempt)
                self._listen(key, task, order)

        self._board.await_order.remote(key, known).future().add_done_callback(obey)


Order = Literal["stop", "leave", "over"]
"""``stop``: return soon; ``leave``: end the process now; ``over``: nothing more will be ordered."""

Key = int
"""Number of a submission: never used twice, so that a late order cannot meet the next attempt."""


class Board:
    """Holds posted tasks until a worker takes them, and lets workers wait for orders without polling.

    Tasks stand here and not in Tune's trial configuration, because Tune writes that to its experiment files again and again.
    """

    def __init__(self, worker_settings: WorkerSettings) -> None:
        self._worker_settings = worker_settings
        self._tasks: dict[Key, TrialTask] = {}
        self._posted: defaultdict[Key, asyncio.Event] = defaultdict(asyncio.Event)
        self._orders: dict[Key, Order] = {}
        self._ordered: defaultdict[Key, asyncio.Event] = defaultdict(asyncio.Event)

    async def worker_settings(self) -> WorkerSettings:
        """What every worker process is set up with."""
        return self._worker_settings

    async def post(self, key: Key, task: TrialTask) -> None:
        """Lay out a task."""
        self._tasks[key] = task
        self._posted[key].set()

    async def take(self, key: Key) -> TrialTask:
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
