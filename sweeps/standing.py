"""Where a recorded study stands: states, configurations tried, current leaders."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.ranking import rank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.records import ParameterValue, StudyRecord, TrialState

STATES: tuple[TrialState, ...] = ("COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING")


@dataclass(frozen=True)
class Leader:
    """A finished configuration in its place.

    Attributes:
        configuration: ID.
        params: active parameters.
        stable: what it holds.
        level: centre of its late epochs.
        best: its best epoch's value.
        tied: how many configurations the data cannot separate from it.
        confirmed: whether fresh seeds were trained.
        flags: names.
    """

    configuration: str
    params: Mapping[str, ParameterValue]
    stable: float
    level: float
    best: float
    tied: int
    confirmed: bool
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Standing:
    """Where a study stands.

    Attributes:
        states: state to number of trials; every state is there.
        configurations: search configurations tried, running ones included.
        leaders: finished configurations, best first.
    """

    states: Mapping[str, int]
    configurations: int
    leaders: tuple[Leader, ...]


def standing(record: StudyRecord) -> Standing:
    """Count and rank the trials of `record`."""
    counted = Counter(trial.state for trial in record.trials)
    leaders = tuple(
        Leader(
            configuration=each.configuration,
            params=each.params,
            stable=each.stable,
            level=each.level,
            best=each.best,
            tied=len(each.tied_with),
            confirmed=each.confirmed,
            flags=tuple(summary.name for summary in each.flags),
        )
        for each in rank(record).configurations
        if each.state in ("finished", "provisional") and each.stable is not None and each.level is not None and each.best is not None
    )
    return Standing(
        states={state: counted[state] for state in STATES},
        configurations=len({trial.configuration for trial in record.trials if trial.role == "search"}),
        leaders=leaders,
    )
