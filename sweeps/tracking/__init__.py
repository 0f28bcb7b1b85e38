"""Sweeps in other people's tools: TensorBoard and MLflow, each through its own library."""

from __future__ import annotations

import importlib.util
import os
from functools import partial
from typing import TYPE_CHECKING

from sweeps.errors import SweepInputError
from sweeps.tracking.tracker import Tracker
from sweeps.variables import expand

if TYPE_CHECKING:
    from collections.abc import Callable

    from sweeps.sweep_file import SweepFile

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


def open_trackers(sweep: SweepFile, say: Callable[[str], object]) -> tuple[Tracker, ...]:
    """The trackers that a sweep file names."""
    from sweeps.tracking.mlflow_log import MlflowLog
    from sweeps.tracking.tensorboard_log import TensorBoardLog

    trackers: list[Tracker] = []
    if sweep.tracking.tensorboard is not None:
        trackers.append(Tracker("TensorBoard", partial(TensorBoardLog, sweep.tracking.tensorboard, sweep.study), say))
    if sweep.tracking.mlflow is not None:
        trackers.append(Tracker("MLflow", partial(MlflowLog, sweep.tracking.mlflow, sweep.study), say))
    return tuple(trackers)


def _needs(package: str, setting: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise SweepInputError(f"{setting}: {package} is not installed; `pip install 'steadysweep[tracking]'`, or leave the setting out.")
