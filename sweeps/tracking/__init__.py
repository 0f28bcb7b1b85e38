"""Sweeps in other people's tools: TensorBoard, MLflow, Weights & Biases.

Each is written through its own library, in a thread of its own: a slow or broken one costs the sweep nothing.
"""

from __future__ import annotations

import importlib.util
import os
from functools import partial
from typing import TYPE_CHECKING

from sweeps.background import Background
from sweeps.errors import SweepInputError
from sweeps.observer import StudyObserver
from sweeps.variables import expand

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reports.records import TrialRecord
    from sweeps.sweep_file import SweepFile


PATIENCE_SECONDS = 60.0
"""How long the end of a sweep waits for a tracker: MLflow takes half a minute to make a database of its own."""


FINAL_FIGURES = ("stable", "level", "best", "last")
"""Of `TrialRecord.score`: what a tracker gets when a trial ends."""


class Log(StudyObserver):
    """One tool's record of a study, written through the tool's own library; all calls come from one thread."""

    def close(self) -> None:
        """The run is over."""

    def give_up(self) -> None:
        """The sweep waits no longer; called from the driver's thread, maybe while another call still runs."""


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
        if self._log is not None:
            self._log.give_up()

    def _opened(self) -> Log:
        if self._log is None:
            self._log = self._make()
        return self._log


__all__ = ["Tracker", "check_trackers", "open_trackers"]


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
    if sweep.tracking.wandb is not None:
        _needs("wandb", "tracking.wandb")


def open_trackers(sweep: SweepFile, say: Callable[[str], object]) -> tuple[Tracker, ...]:
    """The trackers that a sweep file names."""
    from sweeps.tracking.mlflow_log import MlflowLog
    from sweeps.tracking.tensorboard_log import TensorBoardLog
    from sweeps.tracking.wandb_log import WandbLog

    trackers: list[Tracker] = []
    if sweep.tracking.tensorboard is not None:
        trackers.append(Tracker("TensorBoard", partial(TensorBoardLog, sweep.tracking.tensorboard, sweep.study), say))
    if sweep.tracking.mlflow is not None:
        trackers.append(Tracker("MLflow", partial(MlflowLog, sweep.tracking.mlflow, sweep.study), say))
    if sweep.tracking.wandb is not None:
        trackers.append(Tracker("Weights & Biases", partial(WandbLog, sweep.tracking.wandb, sweep.study, say), say))
    return tuple(trackers)


def _needs(package: str, setting: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise SweepInputError(f"{setting}: {package} is not installed; `pip install 'steadysweep[tracking]'`, or leave the setting out.")
