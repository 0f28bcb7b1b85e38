"""Trackers behind an observer: a figure goes to a thread of the tracker's own, so that a slow or broken one costs the sweep nothing."""

from __future__ import annotations

import importlib.util
import os
from functools import partial
from typing import TYPE_CHECKING, Protocol

from sweeps.background import Background
from sweeps.environment import expand
from sweeps.errors import SweepInputError
from sweeps.study.observer import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sweeps.study import FinishedTrial, TrialProgress
    from sweeps.sweep_file import SweepFile

PATIENCE_SECONDS = 60.0
"""How long the end of a sweep waits for a tracker: MLflow takes half a minute to make a database of its own."""


class Log(Protocol):
    """What a tracker's library is asked for; all calls come from one thread."""

    def started(self, trial: TrialProgress) -> None:
        """An attempt was taken by a worker."""
        ...

    def epoch(self, trial: TrialProgress, figures: Mapping[str, float]) -> None:
        """An epoch is on record."""
        ...

    def finished(self, trial: FinishedTrial) -> None:
        """A trial is over."""
        ...

    def close(self) -> None:
        """The run is over."""
        ...


class Tracker(Silent):
    """An observer that hands everything to a log in a thread of its own.

    Args:
        name: of the tracker, for messages.
        make: opens the log; called in the thread, since it may ask a server.
        say: shows a line to the person watching; a tracker that fails is told once.
    """

    def __init__(self, name: str, make: Callable[[], Log], say: Callable[[str], object]) -> None:
        self._make = make
        self._log: Log | None = None
        self._background = Background(name, say)

    def on_started(self, trial: TrialProgress) -> None:
        """An attempt was taken by a worker."""
        self._background.do(lambda: self._opened().started(trial))

    def on_epoch(self, trial: TrialProgress, figures: Mapping[str, float]) -> None:
        """An epoch is on record."""
        known = dict(figures)
        self._background.do(lambda: self._opened().epoch(trial, known))

    def on_finished(self, trial: FinishedTrial) -> None:
        """A trial is over."""
        self._background.do(lambda: self._opened().finished(trial))

    def close(self, patience: float = PATIENCE_SECONDS) -> None:
        """Write what is left, within `patience` seconds."""
        self._background.do(lambda: None if self._log is None else self._log.close())
        self._background.close(patience)

    def _opened(self) -> Log:
        if self._log is None:
            self._log = self._make()
        return self._log


def check_trackers(sweep: SweepFile) -> None:
    """Make sure that what a sweep file names can be used, before anything is started.

    Raises:
        SweepInputError: a tracker's library is not installed, or a variable is not set.
    """
    if sweep.tracking.tensorboard is not None:
        _needs("tensorboardX", "tracking.tensorboard")
    if sweep.tracking.mlflow is not None:
        _needs("mlflow", "tracking.mlflow")
        expand(sweep.tracking.mlflow, os.environ)


def open_trackers(sweep: SweepFile, say: Callable[[str], object]) -> tuple[Tracker, ...]:
    """The trackers that a sweep file names."""
    from sweeps.tracking.mlflow_log import MlflowLog
    from sweeps.tracking.tensorboard_log import TensorBoardLog

    found: list[Tracker] = []
    if sweep.tracking.tensorboard is not None:
        found.append(Tracker("TensorBoard", partial(TensorBoardLog, sweep.tracking.tensorboard, sweep.study), say))
    if sweep.tracking.mlflow is not None:
        found.append(Tracker("MLflow", partial(MlflowLog, sweep.tracking.mlflow, sweep.study), say))
    return tuple(found)


def _needs(package: str, setting: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise SweepInputError(f"{setting}: {package} is not installed; `pip install 'steadysweep[tracking]'`, or leave the setting out.")
