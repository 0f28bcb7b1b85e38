"""The worker's side of the Ray Tune adapter: a class trainable whose steps are batches of events. Imported only where Ray is, and sent as code (`sent`)."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING, Any

import ray
from ray.tune import Trainable

from sweeps.executor.sent import use_ours

if TYPE_CHECKING:
    from sweeps.executor.protocol import TrialTask
    from sweeps.executor.sent import Key, Order
    from sweeps.executor.worker import Batch


OWN = "steadysweep"
"""Key of what this adapter puts into a Tune trial's configuration, beside the training's settings."""

BATCH = "batch"
"""Key of a pickled `Batch` in a Tune result."""

EPOCH = "epoch"
"""Key of the epoch whose figures stand in a Tune result."""


class ProcessRetiredError(Exception):
    """Raised in the step after an attempt's end, so that Tune does not use this process again; the attempt's `Ended` is already delivered."""


class TaskTrainable(Trainable):  # type: ignore[misc]
    """Takes its task from the board, trains in the worker's thread and hands Tune what it has to tell.

    The task is taken in the trial's first step and not before: Tune may give a trial whose process is still starting to one that has become free, and
    drops the new process. Had that one taken the task already, the other would wait for it for ever. A trial that makes a step is never moved.
    """

    _next: Key | None
    _retire: str | None
    _by_epoch: bool

    def setup(self, config: dict[str, Any]) -> None:
        """Become a worker."""
        use_ours()
        from sweeps.executor.worker import Worker

        self._board = ray.get_actor(config[OWN]["board"])
        self._worker = Worker(pickle.loads(ray.get(self._board.worker_settings.remote())))  # noqa: S301 - from our own driver
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
        from sweeps.executor.protocol import EpochEnded

        batch: Batch = self._worker.next_events(by_epoch=self._by_epoch)
        self._retire = batch.retire
        result: dict[str, Any] = {BATCH: pickle.dumps(batch)}
        last = batch.events[-1]
        if self._by_epoch and isinstance(last, EpochEnded):
            result |= {**last.figures, EPOCH: last.epoch}
        return result

    def _expect(self, config: dict[str, Any]) -> None:
        self._next = config[OWN]["key"]
        self._by_epoch = config[OWN]["by_epoch"]
        self._retire = None

    def _begin(self, key: Key) -> None:
        task: TrialTask = pickle.loads(ray.get(self._board.take.remote(key)))  # noqa: S301 - from our own driver
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
