"""The driver's side of the Ray Tune adapter: what Tune asks and tells, in Tune's own thread. Imported only where Ray is."""

from __future__ import annotations

import pickle
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from ray.tune import Stopper
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from sweeps.executor.protocol import Ended
from sweeps.executor.ray_session import cause_of_death
from sweeps.executor.tune_worker import BATCH, OWN, ProcessRetiredError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sweeps.executor.protocol import TrialTask
    from sweeps.executor.sent import Key
    from sweeps.executor.worker import Batch, Mailbox

IDLE_WAIT = 5.0
"""Seconds that `suggest` waits when nothing runs; Tune would sleep a whole second between two questions."""

HANDOVER_WAIT = 0.25
"""Seconds that the end of an attempt waits for the next task: Tune keeps a finished process only if a trial is at hand for it."""


class TaskQueue:
    """Tasks between the driver's thread and Tune's, and the wish to end."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tasks: deque[tuple[Key, TrialTask]] = deque()
        self.closing = False
        self.leaving = False

    def put(self, key: Key, task: TrialTask) -> None:
        """Queue a task."""
        with self._changed:
            self._tasks.append((key, task))
            self._changed.notify_all()

    def get(self, timeout: float) -> tuple[Key, TrialTask] | None:
        """The next task; waits up to `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._tasks) or self.closing, timeout)
            return self._tasks.popleft() if self._tasks else None

    def await_task(self, timeout: float) -> None:
        """Wait until a task is there, up to `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._tasks) or self.closing, timeout)

    def withdraw(self, trial: int) -> TrialTask | None:
        """Take back a task that Tune has not asked for yet."""
        with self._changed:
            for waiting in self._tasks:
                if waiting[1].trial == trial:
                    self._tasks.remove(waiting)
                    return waiting[1]
            return None

    def close(self, *, leave: bool = False) -> list[TrialTask]:
        """Hand out no more tasks (and, to `leave`, end those that run); returns the tasks that were waiting."""
        with self._changed:
            self.closing = True
            self.leaving = self.leaving or leave
            waiting = [task for _, task in self._tasks]
            self._tasks.clear()
            self._changed.notify_all()
            return waiting


class _Unpicklable:
    """Leaves nothing of itself in Tune's experiment files: they lie in a folder, and nobody restores from them."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class TaskSearcher(_Unpicklable, Searcher):  # type: ignore[misc]
    """Gives Tune the next task when it asks for a configuration."""

    def __init__(self, tasks: TaskQueue, board: str, *, by_epoch: bool) -> None:
        """Args: by_epoch: whether callbacks hear of every epoch, and of the settings of its trial."""
        super().__init__()
        self._tasks = tasks
        self._board = board
        self._by_epoch = by_epoch
        self._running: set[str] = set()

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """The next task's key and resources; None while there is none; FINISHED when closing and nothing runs."""
        waiting = self._tasks.get(0.0 if self._running else IDLE_WAIT)
        if waiting is None:
            return Searcher.FINISHED if self._tasks.closing and not self._running else None
        self._running.add(trial_id)
        key, task = waiting
        own = {"board": self._board, "key": key, "by_epoch": self._by_epoch}
        own |= {"trial": task.trial, "attempt": task.attempt, "cpu": task.cpu, "gpu": task.gpu}
        return {**(task.config if self._by_epoch else {}), OWN: own}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - Tune's signature
        """A Tune trial is over."""
        self._running.discard(trial_id)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Events are the scheduler's business: a searcher is not told a trial's last result."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the study is the record."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore."""


class EventScheduler(_Unpicklable, FIFOScheduler):  # type: ignore[misc]
    """Delivers events and deaths. It judges nothing: a stop goes to the worker by the board, so that the attempt's end is heard like any other."""

    def __init__(self, mailbox: Mailbox, tasks: TaskQueue, over: Callable[[Key], None]) -> None:
        super().__init__()
        self._mailbox = mailbox
        self._tasks = tasks
        self._over = over

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:  # noqa: ANN401, ARG002 - Tune's signature
        """Deliver a batch; STOP after an attempt's end, so that Tune keeps the process for the next."""
        batch: Batch = pickle.loads(result[BATCH])  # noqa: S301 - made by our own worker
        for event in batch.events:
            self._mailbox.put(event)
        if not batch.ended:
            return str(TrialScheduler.CONTINUE)
        self._over(trial.config[OWN]["key"])
        if batch.retire is not None:
            return str(TrialScheduler.CONTINUE)
        self._tasks.await_task(HANDOVER_WAIT)
        return str(TrialScheduler.STOP)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:  # noqa: ANN401, ARG002 - Tune's signature
        """Tell why Tune lost a worker."""
        error = trial.get_pickled_error()
        if ProcessRetiredError.__name__ in str(error):
            return
        key = (trial.config[OWN]["trial"], trial.config[OWN]["attempt"])
        self._mailbox.put(
            Ended(*key, cause_of_death(error), str(error or trial.get_error() or "Ray Tune lost the worker and kept no error"))
        )
        self._over(trial.config[OWN]["key"])


class LeaveStopper(_Unpicklable, Stopper):  # type: ignore[misc]
    """Ends Tune's loop when the executor's grace is over."""

    def __init__(self, tasks: TaskQueue) -> None:
        self._tasks = tasks

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:  # noqa: ARG002 - Tune's signature
        """Stop one trial: never."""
        return False

    def stop_all(self) -> bool:
        """Stop the experiment."""
        return self._tasks.leaving
