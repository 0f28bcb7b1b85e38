"""What goes along with a run: the report's refresh, notifications, trackers; opened and closed together.

The report, written again every few minutes while a sweep runs, by a process of its own at low priority.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sweeps.import_order import child_command
from sweeps.notify import Notifier
from sweeps.observer import StudyObserver
from sweeps.study import storage_of
from sweeps.tracking import open_trackers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sweeps.observer import StudyOutcome, StudySnapshot
    from sweeps.sweep_file import SweepFile
    from sweeps.tracking import Tracker


NICENESS = 10


class ReportRefresh(StudyObserver):
    """Starts ``steadysweep report`` on the study when it is due and no earlier one is still at work."""

    def __init__(self, study: str, storage: str, path: Path, every: float, say: Callable[[str], object]) -> None:
        """The storage's URL may hold ``${VARIABLES}``, which the process expands itself: no secret stands on its command line."""
        self._say = say
        self._command = child_command("sweeps.cli", "report", study, f"--storage={storage}", f"--output={path}")
        self._every = every
        self._due = every
        self._process: subprocess.Popen[bytes] | None = None

    def on_tick(self, snapshot: StudySnapshot) -> None:
        """Start one when it is time."""
        if snapshot.phase == "over" or snapshot.elapsed < self._due or self._busy() or not snapshot.done:
            return
        self._due = snapshot.elapsed + self._every
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            self._command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C of the sweep does not cut a report
            preexec_fn=lambda: os.nice(NICENESS),  # noqa: PLW1509 - no locks are taken between fork and exec
        )

    def close(self) -> None:
        """Wait for a report that is being written."""
        if self._process is not None:
            self._process.wait()
            self._told()

    def _busy(self) -> bool:
        if self._process is None:
            return False
        if self._process.poll() is None:
            return True
        self._told()
        return False

    def _told(self) -> None:
        """Say what went wrong with the last one; the sweep goes on without it."""
        if self._process is None or self._process.stderr is None:
            return
        words = self._process.stderr.read().decode(errors="replace").strip()
        self._process.stderr.close()
        if self._process.returncode:
            self._say(f"the report could not be refreshed: {words}")
        self._process = None


HURRIED_SECONDS = 5.0
"""How long each may take after a signal."""


class Companions:
    """The observers of one run.

    Attributes:
        observers: told what happens in the study.
    """

    def __init__(self, notifier: Notifier, refresh: ReportRefresh, trackers: tuple[Tracker, ...]) -> None:
        self._notifier = notifier
        self._hurried = False
        self.observers: tuple[StudyObserver, ...] = (refresh, notifier, *trackers)
        self._refresh = refresh
        self._trackers = trackers

    def on_end(self, outcome: StudyOutcome | BaseException) -> None:
        """Tell how the run ended; after an interruption nobody wants to wait."""
        self._notifier.on_end(outcome)
        self._hurried = isinstance(outcome, KeyboardInterrupt) if isinstance(outcome, BaseException) else outcome.reason == "interrupted"

    def close(self) -> None:
        """Wait until each has done its work, as long as its patience lasts."""
        self._refresh.close()
        beside: tuple[Notifier | Tracker, ...] = (self._notifier, *self._trackers)
        for companion in beside:
            companion.close(*([HURRIED_SECONDS] if self._hurried else []))


@contextmanager
def companions(sweep: SweepFile, report: Path, say: Callable[[str], object]) -> Iterator[Companions]:
    """Open them for a run; an error that ends the run is told and passed on."""
    trackers = open_trackers(sweep, say)
    refresh = ReportRefresh(sweep.study, storage_of(sweep), report, sweep.report.every, say)
    opened = Companions(Notifier(sweep.study, sweep.notify, say), refresh, trackers)
    try:
        yield opened
    except BaseException as error:
        opened.on_end(error)
        opened.close()
        raise
    opened.close()
