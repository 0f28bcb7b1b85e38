"""The worker's side of the Ray Core executor: an actor that trains in one thread while its methods answer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sweeps.executor.worker import Worker

if TYPE_CHECKING:
    from sweeps.executor.protocol import TrialTask
    from sweeps.executor.worker import Batch, WorkerSettings

CONTROL = "control"
"""Concurrency group of the calls that must get through while another waits for events."""


class CoreWorker:
    """One process. The driver keeps one call of `begin` or `proceed` waiting while an attempt runs; each returns what was told since the last."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._worker = Worker(settings)

    def place(self) -> tuple[int, str]:
        """Process ID and Ray's ID of the node."""
        import ray

        return os.getpid(), str(ray.get_runtime_context().get_node_id())

    def begin(self, task: TrialTask) -> Batch:
        """Start an attempt and wait for its first events."""
        self._worker.begin(task)
        return self._worker.next_events()

    def proceed(self) -> Batch:
        """Wait for the next events."""
        return self._worker.next_events()

    def stop(self, trial: int, attempt: int) -> None:
        """Ask an attempt to stop."""
        self._worker.stop(trial, attempt)
