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

    from sweeps.study import StudyObserver
    from sweeps.sweep_file import SweepFile
    from sweeps.tracking import Tracker

HURRIED_SECONDS = 3.0
"""How long companions may take after a second signal or an error."""


class Companions:
    """The observers of one run.

    Attributes:
        observers: told what happens in the study.
        notifier: also told how it ended.
    """

    def __init__(self, notifier: Notifier, refresh: ReportRefresh, trackers: tuple[Tracker, ...]) -> None:
        self.notifier = notifier
        self.observers: tuple[StudyObserver, ...] = (refresh, notifier, *trackers)
        self._refresh = refresh
        self._trackers = trackers

    def close(self, patience: float | None = None) -> None:
        """Wait until each has done its work, or for `patience` seconds each."""
        self._refresh.close()
        beside: tuple[Notifier | Tracker, ...] = (self.notifier, *self._trackers)
        for companion in beside:
            companion.close() if patience is None else companion.close(patience)


@contextmanager
def companions(sweep: SweepFile, report: Path, say: Callable[[str], object]) -> Iterator[Companions]:
    """Open them for a run; an error that ends the run is told and passed on."""
    trackers = open_trackers(sweep, say)
    refresh = ReportRefresh(sweep.study, storage_of(sweep), report, sweep.report.every, say)
    opened = Companions(Notifier(sweep.study, sweep.notify, say), refresh, trackers)
    try:
        yield opened
    except BaseException as error:
        opened.notifier.on_end(error)
        opened.close(HURRIED_SECONDS)
        raise
    opened.close()
