"""An observer that passes on to a tracker's log in a thread of its own, so that a slow or broken one costs the sweep nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.background import Background
from sweeps.observer import StudyObserver

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reports.records import TrialRecord

PATIENCE_SECONDS = 60.0
"""How long the end of a sweep waits for a tracker: MLflow takes half a minute to make a database of its own."""


FINAL_FIGURES = ("stable", "level", "best", "last")
"""Of `TrialRecord.score`: what a tracker gets when a trial ends."""


class Log(StudyObserver):
    """One tool's record of a study, written through the tool's own library; all calls come from one thread."""

    def close(self) -> None:
        """The run is over."""


class Tracker(StudyObserver):
    """An observer that hands everything to a log in a thread of its own.

    Args:
        name: of the tracker, for messages.
        make: opens the log; called in the thread, since it may ask a server.
        say: shows a line to the person watching; a tracker that fails is reported once.
    """

    def __init__(self, name: str, make: Callable[[], Log], say: Callable[[str], object]) -> None:
        self._make = make
        self._log: Log | None = None
        self._background = Background(name, say)

    def on_started(self, trial: TrialRecord) -> None:
        """An attempt was taken by a worker."""
        self._background.do(lambda: self._opened().on_started(trial))

    def on_epoch(self, trial: TrialRecord, figures: Mapping[str, float]) -> None:
        """An epoch is on record."""
        known = dict(figures)
        self._background.do(lambda: self._opened().on_epoch(trial, known))

    def on_finished(self, trial: TrialRecord) -> None:
        """A trial is over."""
        self._background.do(lambda: self._opened().on_finished(trial))

    def close(self, patience: float = PATIENCE_SECONDS) -> None:
        """Write what is left, within `patience` seconds."""
        self._background.do(lambda: None if self._log is None else self._log.close())
        self._background.close(patience)

    def _opened(self) -> Log:
        if self._log is None:
            self._log = self._make()
        return self._log
