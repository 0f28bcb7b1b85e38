"""An executor on a joined cluster, with an eye on its nodes: newcomers are checked, and a wait for room is told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sweeps.executor.protocol import Ended, Started

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sweeps.executor.nodes import NodeCheck
    from sweeps.executor.protocol import Event, Executor, TrialTask

TELL_SECONDS = 60.0
"""A trial that has not started for so long is worth a word."""


class WatchedExecutor:
    """Passes everything on to another executor."""

    def __init__(self, inner: Executor, nodes: NodeCheck, say: Callable[[str], object]) -> None:
        self._inner = inner
        self._nodes = nodes
        self._say = say
        self._waiting: dict[int, tuple[TrialTask, float]] = {}
        self._told = False

    def room(self) -> int:
        """As the other says."""
        return self._inner.room()

    def submit(self, task: TrialTask) -> None:
        """Hand the task on."""
        self._waiting[task.trial] = (task, time.monotonic())
        self._inner.submit(task)

    def poll(self, timeout: float) -> Sequence[Event]:
        """Events of the other.

        Raises:
            SweepError: a node has joined that would train with other versions.
        """
        events = self._inner.poll(timeout)
        for event in events:
            if isinstance(event, Started | Ended):
                self._waiting.pop(event.trial, None)
        self._nodes.look()
        self._tell()
        return events

    def stop(self, trial: int) -> None:
        """Hand it on."""
        self._inner.stop(trial)

    def close(self, grace: float) -> Sequence[Event]:
        """Close the other."""
        return self._inner.close(grace)

    def _tell(self) -> None:
        """Say once that trials wait for a machine."""
        since = min((began for _, began in self._waiting.values()), default=None)
        if since is None:
            self._told = False
        elif not self._told and time.monotonic() - since > TELL_SECONDS:
            self._told = True
            task = next(iter(self._waiting.values()))[0]
            self._say(
                f"{len(self._waiting)} trial(s) wait for a machine with room for cpu {task.cpu:g} and gpu {task.gpu:g}; "
                "a cluster that grows on demand starts one, any other has to finish something first ('ray status' shows which)"
            )
