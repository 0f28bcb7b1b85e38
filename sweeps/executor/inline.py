"""An executor in the driver's own process: for ``train``, for tests, and where Ray is not wanted."""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from sweeps.executor.attempt import AttemptReporter, run_attempt
from sweeps.executor.protocol import Cause, Ended, EpochEnded, Started
from sweeps.executor.worker import Mailbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweeps.executor.factory import ExecutorRequest
    from sweeps.executor.protocol import Event, TrialTask


def make(request: ExecutorRequest) -> InlineExecutor:
    """As many threads as trials are wanted at a time, or as a worker's slots are set to; one by default, so that a sweep repeats itself."""
    slots = request.resources.slots
    return InlineExecutor(request.resources.concurrent or (1 if slots == "auto" else slots))


class InlineExecutor:
    """Runs each task in a thread of the driver.

    A trial waits after each epoch until the driver asks for more events: what the study decides about an epoch reaches the trainable before it starts the next,
    as it would in a single loop. A trainable that dies takes the driver with it; a later run continues its trial.

    Args:
        concurrent: threads. TensorFlow's global state makes 1 the only sound number for Keras trainables.
    """

    def __init__(self, concurrent: int = 1) -> None:
        if concurrent < 1:
            raise ValueError(f"concurrent must be at least 1, but got {concurrent}")
        self._concurrent = concurrent
        self._mailbox = Mailbox()
        self._reporters: dict[int, AttemptReporter] = {}
        self._handled = threading.Condition()
        self._paused: set[int] = set()
        self._delivered: set[int] = set()
        self._unread_ends: set[int] = set()
        self._closed = False

    def room(self) -> int:
        """Threads that are free; one whose end the driver has not read yet is not, so that proposals do not depend on who is faster."""
        return 0 if self._closed else max(0, self._concurrent - len(self._unread_ends))

    def submit(self, task: TrialTask) -> None:
        """Start a thread for one attempt.

        Raises:
            RuntimeError: the executor was closed.
        """
        if self._closed:
            raise RuntimeError(f"trial {task.trial} was submitted to an executor that is closed")
        task = replace(task, slots=min(task.slots, self._concurrent))
        self._mailbox.open(task)
        self._unread_ends.add(task.trial)
        reporter = self._reporters[task.trial] = AttemptReporter(task, self._send)
        threading.Thread(target=self._run, args=(task, reporter), name=f"trial-{task.trial}", daemon=True).start()

    def poll(self, timeout: float) -> Sequence[Event]:
        """Events since the last call; asking says that the earlier ones are dealt with."""
        self._release(self._delivered)
        events = self._mailbox.take(timeout)
        self._delivered = {event.trial for event in events if isinstance(event, EpochEnded)}
        for event in events:
            if isinstance(event, Ended):
                self._unread_ends.discard(event.trial)
                self._reporters.pop(event.trial, None)  # with its task: kilobytes of settings
        return events

    def stop(self, trial: int) -> None:
        """Ask a trial to stop after the epoch it is in."""
        if self._mailbox.silence(trial) and trial in self._reporters:
            self._reporters[trial].stop()
            self._release({trial})  # an epoch that nobody will read any more is waited for no longer

    def kill(self, trial: int, why: str) -> bool:  # noqa: ARG002 - as the protocol has it
        """Nothing: a thread cannot be ended without its process, which is the driver's."""
        return False

    def close(self, grace: float) -> Sequence[Event]:
        """Ask every trial to save and stop; those that do not within `grace` seconds are left to their threads; nothing they say is delivered."""
        self._closed = True
        self._mailbox.begin_closing()
        for reporter in list(self._reporters.values()):
            reporter.stop()
        self._release(set(self._reporters))
        self._mailbox.wait_until_ended(grace)
        self._mailbox.end_all(Cause.INTERRUPTED, f"did not stop within {grace:g} s")
        return self._mailbox.take()

    def _run(self, task: TrialTask, reporter: AttemptReporter) -> None:
        self._mailbox.put(Started(task.trial, task.attempt, f"{socket.gethostname()}:{os.getpid()}"))
        self._mailbox.put(run_attempt(task, reporter))

    def _send(self, event: Event) -> None:
        """Deliver an event from a trial's thread; an epoch waits until the driver has dealt with it."""
        with self._handled:
            if not self._mailbox.put(event) or not isinstance(event, EpochEnded) or self._closed:
                return
            self._paused.add(event.trial)
            self._handled.wait_for(lambda: event.trial not in self._paused)

    def _release(self, trials: set[int]) -> None:
        """Let trials go on whose epochs the driver has dealt with."""
        with self._handled:
            self._paused -= trials
            self._handled.notify_all()
