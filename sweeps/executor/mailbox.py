"""Events on their way to the driver: what the protocol promises about their number and order is kept here, for every executor alike."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sweeps.executor.protocol import Cause, Ended, EpochEnded

if TYPE_CHECKING:
    from sweeps.executor.protocol import Event, TrialTask


@dataclass
class _Live:
    attempt: int
    silenced: bool = False


class Mailbox:
    """Delivers each live attempt's events in order and exactly one `Ended`; drops what comes after it and what a stop has silenced.

    An executor calls `open` for each task and `put` for whatever it hears, twice or late or from any thread. After `silence` the attempt ends as STOPPED
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
                event = self._judged(event, silenced=live.silenced)
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

    def _judged(self, ended: Ended, *, silenced: bool) -> Ended:
        if silenced:
            return replace(ended, cause=Cause.STOPPED)
        if self._closing and ended.cause is Cause.STOPPED:
            return replace(ended, cause=Cause.INTERRUPTED)
        return ended
