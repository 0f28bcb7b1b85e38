"""What goes along with a run: the report's refresh, notifications, trackers; opened and closed together."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sweeps.launch.report_refresh import ReportRefresh
from sweeps.notify import Notifier
from sweeps.study import storage_of
from sweeps.tracking import open_trackers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sweeps.study import StudyObserver, StudyOutcome
    from sweeps.sweep_file import SweepFile
    from sweeps.tracking import Tracker

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
