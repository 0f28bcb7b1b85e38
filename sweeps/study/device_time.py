"""Hours of training, of this run and of those before it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reports.records import AttemptRecord

_HOUR = 3600.0


class DeviceTime:
    """Sums attempts: those on record, those ended in this run, those running."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._gpu_seconds = 0.0
        self._known: dict[int, tuple[float, float]] = {}
        self._running: dict[int, tuple[float, float]] = {}

    def restore(self, trial: int, attempts: Iterable[AttemptRecord]) -> None:
        """Take a trial's attempts from the record, in place of what was known of them.

        One that no worker took does not count, one that never ended counts up to its last epoch.
        """
        seconds, gpu_seconds = self._known.pop(trial, (0.0, 0.0))
        self._seconds -= seconds
        self._gpu_seconds -= gpu_seconds
        for attempt in attempts:
            started, ended = attempt.started, attempt.ended or attempt.seen
            if attempt.worker and started is not None and ended is not None:
                self._add(trial, (ended - started).total_seconds(), attempt.gpu)

    def begin(self, trial: int, gpu: float) -> None:
        """A worker took an attempt; what it waited for a node or a free GPU before is not counted."""
        self._running[trial] = (time.monotonic(), gpu)

    def end(self, trial: int) -> None:
        """An attempt ended."""
        if trial in self._running:
            started, gpu = self._running.pop(trial)
            self._add(trial, time.monotonic() - started, gpu)

    def trial_hours(self) -> float:
        """Hours of training so far."""
        now = time.monotonic()
        return (self._seconds + sum(now - started for started, _ in self._running.values())) / _HOUR

    def gpu_hours(self) -> float:
        """Hours of training times each trial's GPUs."""
        now = time.monotonic()
        return (self._gpu_seconds + sum((now - started) * gpu for started, gpu in self._running.values())) / _HOUR

    def _add(self, trial: int, seconds: float, gpu: float) -> None:
        lasted = max(seconds, 0.0)
        self._seconds += lasted
        self._gpu_seconds += lasted * gpu
        before = self._known.get(trial, (0.0, 0.0))
        self._known[trial] = (before[0] + lasted, before[1] + lasted * gpu)
