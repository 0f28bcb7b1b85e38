"""When Ray itself dies: a part of one of our own is missed at once and Ray is started anew, the head node of a cluster is waited for.

Ray says nothing of a dead raylet, and ends the driver's process a minute after its GCS has died.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sweeps.errors import SweepError
from sweeps.executor.protocol import Cause, Ended
from sweeps.executor.ray_session import answers, head_address, lost_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sweeps.executor.protocol import Event, Executor, TrialTask

RESTARTS = 3
"""Of Ray, without a trial that has ended between them: then it is not chance."""


class RestartingExecutor:
    """Another executor on a Ray of our own: where a part of Ray dies, its trials end as lost with their machine, and Ray and the executor are made anew."""

    def __init__(self, start: Callable[[], Executor], say: Callable[[str], object]) -> None:
        """Args: start: starts Ray and makes the executor, which closes that Ray with it."""
        self._start = start
        self._say = say
        self._inner = start()
        self._live: dict[int, TrialTask] = {}
        self._restarts = 0

    def room(self) -> int:
        """As the other says."""
        return self._inner.room()

    def submit(self, task: TrialTask) -> None:
        """Hand the task on."""
        self._inner.submit(task)
        self._live[task.trial] = task

    def poll(self, timeout: float) -> Sequence[Event]:
        """Events of the other, or the ends of all its trials where Ray has died.

        Raises:
            SweepError: Ray dies again and again, or cannot be started anew.
        """
        if parts := lost_parts():
            return self._begin_anew(parts)
        try:
            events = self._inner.poll(timeout)
        except Exception:
            if parts := lost_parts():
                return self._begin_anew(parts)
            raise
        for event in events:
            if isinstance(event, Ended):
                self._live.pop(event.trial, None)
                self._restarts = 0 if event.cause is not Cause.NODE_LOST else self._restarts
        return events

    def stop(self, trial: int) -> None:
        """Hand it on; a trial that was lost with Ray needs none."""
        if not lost_parts():
            self._inner.stop(trial)

    def kill(self, trial: int, why: str) -> bool:
        """Hand it on; a trial that was lost with Ray needs none."""
        return bool(lost_parts()) or self._inner.kill(trial, why)

    def close(self, grace: float) -> Sequence[Event]:
        """Close the other; trials of a Ray that has died are not waited for."""
        return self._inner.close(0.0 if lost_parts() else grace)

    def _begin_anew(self, parts: Sequence[str]) -> Sequence[Event]:
        what = f"Ray's {' and '.join(parts)} on this machine ended unexpectedly"
        self._restarts += 1
        if self._restarts > RESTARTS:
            raise SweepError(
                f"{what}, for the {self._restarts}th time in a row. What is on record is safe. Look for a lack of memory (dmesg), then run the sweep again: it goes on."
            )
        self._say(f"{what}; starting Ray anew, {len(self._live)} running trial(s) go on from their checkpoints")
        lost = [Ended(task.trial, task.attempt, Cause.NODE_LOST, what) for task in self._live.values()]
        told = {event.trial: event for event in self._inner.close(0.0) if isinstance(event, Ended) and event.cause is not Cause.INTERRUPTED}
        self._live.clear()
        self._inner = self._start()
        return [told.get(end.trial, end) for end in lost]


CALL_PAUSE_SECONDS = 5.0
"""Between two calls to a head node."""
HEAD_SECONDS = 40.0
"""How long a head node may be away. Ray ends the whole process after 60 s, with a message of its own (``gcs_rpc_server_reconnect_timeout_s``)."""


class HeadCheck:
    """Calls the head node of a joined cluster now and then. Ray must be initialised."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._address = head_address()
        self._looked = 0.0
        self._away_since: float | None = None

    def answers(self) -> bool:
        """Whether it answered the last call; said when that changes.

        Raises:
            SweepError: it has been away for `HEAD_SECONDS`.
        """
        now = time.monotonic()
        if self._address is None or now - self._looked < CALL_PAUSE_SECONDS:
            return self._away_since is None
        self._looked = now
        if answers(*self._address):
            if self._away_since is not None:
                self._say("the cluster's head node answers again")
            self._away_since = None
            return True
        place = ":".join(map(str, self._address))
        if self._away_since is None:
            self._away_since = now
            self._say(f"the cluster's head node ({place}) does not answer; waiting for it up to {HEAD_SECONDS:g} s")
        if now - self._away_since >= HEAD_SECONDS:
            raise SweepError(
                f"the cluster's head node ({place}) has not answered for {now - self._away_since:.0f} s. What is on record is safe; "
                "once the cluster is up, run the sweep again: it goes on from the last checkpoints."
            )
        return False
