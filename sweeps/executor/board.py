"""A small Ray actor beside the driver: tasks and orders for workers that Ray Tune runs and that the driver cannot call itself."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sweeps.executor.protocol import TrialTask
    from sweeps.executor.worker import WorkerSettings

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
