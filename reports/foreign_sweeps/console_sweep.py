"""The console's output or the table of a whole sweep, where the log itself tells trials and their settings apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports.errors import ReportInputError
from reports.foreign_sweeps.sweep import ForeignSweep, ForeignTrial, Place
from reports.logs.read import read_log

if TYPE_CHECKING:
    from reports.logs.run import LoggedRun

_FEWEST: Final = 2


def recognises(place: Place) -> bool:
    """Whether a file's trainings are named as trials of a tuner, or have settings of their own."""
    if place.path is None or not place.path.is_file():
        return False
    try:
        runs = read_log(place.text)
    except ReportInputError:
        return False
    return sum(_is_trial(run) for run in runs) >= _FEWEST


def read(place: Place) -> ForeignSweep:
    """Read the trials of a log; trainings that belong to none are left out and counted."""
    runs = read_log(place.text)
    trials = tuple(ForeignTrial(run.name, run.parameters, run) for run in runs if _is_trial(run))
    rest = len(runs) - len(trials)
    facts = {"left out": f"{rest} training{'s' if rest > 1 else ''} that the log gives to no trial"} if rest else {}
    name = place.path.stem if place.path is not None else place.text
    return ForeignSweep(name, "a tuner's log", place.text, trials, facts=facts)


def _is_trial(run: LoggedRun) -> bool:
    """Whether a run is named as a trial or a worker, or says its settings."""
    return run.name.startswith("trial ") or "pid=" in run.name or bool(set(run.parameters) - {"learning_rate"})
