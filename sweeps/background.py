"""Work beside a sweep that the sweep never waits for: notifications, tracking."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


MOST_WAITING = 10_000


class Background:
    """Does jobs one after the other in a thread of its own. The first failure is reported and harms nothing.

    Args:
        name: what the jobs are for, for messages.
        say: shows one line to the person watching.
    """

    def __init__(self, name: str, say: Callable[[str], object]) -> None:
        self._name = name
        self._say = say
        self._jobs: queue.Queue[Callable[[], object] | None] = queue.Queue(MOST_WAITING)
        self._reported = False
        self._thread = threading.Thread(target=self._work, name=f"steadysweep-{name}", daemon=True)
        self._thread.start()

    def do(self, job: Callable[[], object]) -> None:
        """Have a job done after those before it; with ten thousand waiting it is dropped."""
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            self._tell(f"{self._name}: too slow, figures are dropped; the sweep goes on")

    def close(self, patience: float) -> None:
        """Wait for the jobs so far, at most `patience` seconds; what is not done by then is given up.

        Args:
            patience: seconds.
        """
        deadline = time.monotonic() + patience
        try:
            self._jobs.put(None, timeout=patience)
        except queue.Full:
            pass
        else:
            self._thread.join(max(deadline - time.monotonic(), 0.0))
        if self._thread.is_alive():
            self._tell(f"{self._name}: not done after {patience:.0f} s; given up")

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception as error:  # noqa: BLE001 - whatever a hook or a library raises must not reach the sweep
                self._tell(f"{self._name}: {type(error).__name__}: {error}; the sweep goes on (reported once)")

    def _tell(self, text: str) -> None:
        if not self._reported:
            self._reported = True
            self._say(text)
