"""The worker's side of the Ray Tune adapter: a class trainable whose steps are batches of events. Imported only where Ray is."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING, Any

import ray
from ray.tune import Trainable

from sweeps.executor.worker import Worker

if TYPE_CHECKING:
    from sweeps.executor.board import Key, Order
    from sweeps.executor.protocol import TrialTask

BATCH = "batch"
"""Key of a pickled `Batch` in a Tune result."""


class ProcessRetiredError(Exception):
    """Raised in the step after an attempt's end, so that Tune does not use this process again; the attempt's `Ended` is already delivered."""


class TaskTrainable(Trainable):  # type: ignore[misc]
    """Takes its task from the board, trains in the worker's thread and hands Tune what it has to tell."""

    _retire: str | None

    def setup(self, config: dict[str, Any]) -> None:
        """Become a worker and begin its first task."""
        self._board = ray.get_actor(config["board"])
        self._worker = Worker(ray.get(self._board.worker_settings.remote()))
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin the next task in the same process."""
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Wait for the next events. It is never ``done``: Tune would not show such a result to the scheduler, which ends the trial itself."""
        if self._retire is not None:
            raise ProcessRetiredError(self._retire)
        batch = self._worker.next_events()
        self._retire = batch.retire
        return {BATCH: pickle.dumps(batch)}

    def _begin(self, config: dict[str, Any]) -> None:
        key: Key = config["key"]
        self._retire = None
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
