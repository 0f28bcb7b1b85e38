"""A worker process's inside (`Worker`): one thread that trains, a queue of events towards the driver, and when to retire the process.

`Mailbox` is the driver's side: what the protocol promises about the number and order of events is kept there, for every executor alike.
"""

from __future__ import annotations

import os
import queue
import socket
import sys
import threading
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.executor.attempt import AttemptReporter, run_attempt
from sweeps.executor.protocol import Cause, Ended, EpochEnded, Started

if TYPE_CHECKING:
    from sweeps.executor.protocol import Event, TrialTask


MEGABYTE = 1_000_000

HARMLESS = (Cause.COMPLETED, Cause.STOPPED, Cause.NON_FINITE)
"""Ends that leave a process fit for another attempt."""


@dataclass(frozen=True)
class WorkerSettings:
    """When a process is replaced by a fresh one, and what it needs to find the user's code.

    Attributes:
        max_trials: attempts that one process runs.
        max_growth_mb: resident memory (MB) that a process may gain after the end of its first attempt.
        fresh_after_error: whether a process in which a trainable raised is replaced. A non-finite loss is a result, not an error.
        import_paths: folders added to the end of ``sys.path``.
        environment: variables set in the process. They travel as an argument: Ray writes a runtime environment's variables to its logs.
        versions: of the driver, package to version; a process that has others takes no attempt. Empty: not compared.
    """

    max_trials: int = 100
    max_growth_mb: float = 2_000.0
    fresh_after_error: bool = True
    import_paths: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    versions: tuple[tuple[str, str], ...] = ()


def driver_settings() -> WorkerSettings:
    """Workers that import what the driver can import, a sweep's own modules in its working folder among it."""
    return WorkerSettings(
        import_paths=tuple(dict.fromkeys([str(Path.cwd()), *(path for path in sys.path if path and Path(path).is_dir())]))
    )


@dataclass(frozen=True)
class Batch:
    """What a worker sends the driver at once.

    Attributes:
        events: at least one.
        retire: why this process should not run another attempt, or None; from the `Ended` on that is the reason.
    """

    events: tuple[Event, ...]
    retire: str | None = None

    @property
    def ended(self) -> bool:
        """Whether an attempt is over: the only one, where each has the process for itself."""
        return isinstance(self.events[-1], Ended)


class Worker:
    """Runs attempts one after another in one thread, because Keras and TensorFlow keep their state by thread.

    Attempts whose tasks have several slots run beside each other, each in a thread of its own; they use TensorFlow in turns (`trainer.fit.together`).
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._tasks: queue.SimpleQueue[TrialTask] = queue.SimpleQueue()
        self._changing = threading.Lock()
        self._reporters: dict[tuple[int, int], AttemptReporter] = {}
        self._threads = 0
        self._attempts = 0
        self._retire: str | None = None
        self._first_memory_mb = 0.0
        os.environ.update(settings.environment)
        sys.path.extend(path for path in settings.import_paths if path not in sys.path)
        self._unfit = _differences(settings.versions)

    def begin(self, task: TrialTask) -> None:
        """Start an attempt; those before must have ended, except for those that it may run beside."""
        with self._changing:
            self._reporters[task.trial, task.attempt] = AttemptReporter(task, self._events.put)
            if len(self._reporters) > self._threads:
                self._threads += 1
                threading.Thread(target=self._train, name=f"training-{self._threads}", daemon=True).start()
        self._events.put(Started(task.trial, task.attempt, f"{socket.gethostname()}:{os.getpid()}"))
        if self._unfit:
            host = socket.gethostname()
            self._end(Ended(task.trial, task.attempt, Cause.NODE_UNFIT, f"{host} would not train as the driver does: {self._unfit}"))
        else:
            self._tasks.put(task)

    def next_events(self, *, by_epoch: bool = False) -> Batch:
        """Wait for the next events of all attempts; `by_epoch`: at most one epoch at a time, as the last event."""
        events = [self._events.get()]
        while not self._events.empty() and not (by_epoch and isinstance(events[-1], EpochEnded)):
            events.append(self._events.get())
        for event in events:
            if isinstance(event, Ended):
                self._retire = self._why_retire(event) or self._retire
        return Batch(tuple(events), self._retire)

    def stop(self, trial: int, attempt: int) -> None:
        """Ask an attempt to stop; nothing happens when it has ended."""
        reporter = self._reporters.get((trial, attempt))
        if reporter is not None:
            reporter.stop()

    def _train(self) -> None:
        while True:
            task = self._tasks.get()
            self._end(run_attempt(task, self._reporters[task.trial, task.attempt]))

    def _end(self, ended: Ended) -> None:
        with self._changing:
            del self._reporters[ended.trial, ended.attempt]
        self._events.put(ended)

    def _why_retire(self, ended: Ended) -> str | None:
        self._attempts += 1
        if self._settings.fresh_after_error and ended.cause not in HARMLESS:
            return f"an attempt ended with: {ended.cause}"
        memory_mb = _resident_mb()
        if self._attempts == 1:
            self._first_memory_mb = memory_mb
        if memory_mb - self._first_memory_mb > self._settings.max_growth_mb:
            return f"memory grew from {self._first_memory_mb:.0f} to {memory_mb:.0f} MB"
        if self._attempts >= self._settings.max_trials:
            return f"it has run {self._attempts} attempts"
        return None


def _differences(versions: tuple[tuple[str, str], ...]) -> str:
    """What keeps this process from training as the driver does, or nothing."""
    if not versions:
        return ""
    from sweeps.environment import compare_versions
    from sweeps.environment import versions as own

    return "; ".join(compare_versions(dict(versions), own()).refused)


def _resident_mb() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss) / MEGABYTE


@dataclass
class _Live:
    attempt: int
    silenced: bool = False


class Mailbox:
    """Delivers each live attempt's events in order and exactly one `Ended`; drops what comes after it and what a stop has silenced.

    An executor calls `open` for each task and `put` for every event that it receives, twice or late or from any thread. After `silence` the attempt ends as STOPPED
    whatever its worker does: the study has decided, and a later epoch or failure must not change that.
    """

    def __init__(self) -> None:
        self._arrived = threading.Condition()
        self._events: deque[Event] = deque()
        self._live: dict[int, _Live] = {}
        self._closing = False

    def open(self, task: TrialTask) -> None:
        """Await the events of an attempt.

        Raises:
            ValueError: an attempt of the same trial is still running.
        """
        with self._arrived:
            if task.trial in self._live:
                running = self._live[task.trial].attempt
                raise ValueError(f"trial {task.trial} was submitted as attempt {task.attempt} while attempt {running} is still running")
            self._live[task.trial] = _Live(task.attempt)

    def put(self, event: Event) -> bool:
        """Accept an event; False when it was dropped."""
        with self._arrived:
            live = self._live.get(event.trial)
            if live is None or live.attempt != event.attempt or (live.silenced and isinstance(event, EpochEnded)):
                return False
            if isinstance(event, Ended):
                del self._live[event.trial]
                if live.silenced or (self._closing and event.cause is Cause.STOPPED):
                    event = replace(event, cause=Cause.STOPPED if live.silenced else Cause.INTERRUPTED)
            self._events.append(event)
            self._arrived.notify_all()
            return True

    def silence(self, trial: int) -> bool:
        """Deliver no further epoch of a trial and end it as STOPPED; False when its `Ended` was already delivered."""
        with self._arrived:
            live = self._live.get(trial)
            if live is not None:
                live.silenced = True
            waiting = [event for event in self._events if event.trial == trial]
            if live is None and not waiting:
                return False
            kept = (event for event in self._events if event.trial != trial or not isinstance(event, EpochEnded))
            self._events = deque(
                replace(event, cause=Cause.STOPPED) if event.trial == trial and isinstance(event, Ended) else event for event in kept
            )
            return True

    def begin_closing(self) -> None:
        """From now on, an attempt that was cut short by its stop is INTERRUPTED: nobody judged it."""
        with self._arrived:
            self._closing = True

    def end_all(self, cause: Cause, error: str | None = None) -> None:
        """End every live attempt."""
        with self._arrived:
            for trial, live in list(self._live.items()):
                self.put(Ended(trial, live.attempt, cause, error))

    def take(self, timeout: float = 0.0) -> list[Event]:
        """Events since the last call; waits up to `timeout` seconds for the first."""
        with self._arrived:
            self._arrived.wait_for(lambda: bool(self._events), timeout)
            events = list(self._events)
            self._events.clear()
            return events

    def wait_until_ended(self, timeout: float) -> bool:
        """Wait until no attempt is live; False when `timeout` seconds were not enough."""
        with self._arrived:
            return self._arrived.wait_for(lambda: not self._live, timeout)

    def live(self) -> dict[int, int]:
        """Trials that have not ended, with their attempt."""
        with self._arrived:
            return {trial: live.attempt for trial, live in self._live.items()}

    def __len__(self) -> int:
        """Attempts that have not ended."""
        with self._arrived:
            return len(self._live)
