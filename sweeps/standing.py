"""Where a recorded study stands: states, configurations tried, current leaders."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.ranking import rank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.ranking import RankedConfiguration
    from reports.records import StudyRecord, TrialState

STATES: tuple[TrialState, ...] = ("COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING")


@dataclass(frozen=True)
class Standing:
    """Where a study stands.

    Attributes:
        states: state to number of trials; every state is there.
        configurations: search configurations tried, running ones included.
        leaders: finished configurations, best first.
        recommended: the one of them to take for now; None where no usable one is finished.
    """

    states: Mapping[str, int]
    configurations: int
    leaders: tuple[RankedConfiguration, ...]
    recommended: RankedConfiguration | None = None


def standing(record: StudyRecord) -> Standing:
    """Count and rank the trials of `record`."""
    counted = Counter(trial.state for trial in record.trials)
    ranking = rank(record)
    return Standing(
        states={state: counted[state] for state in STATES},
        configurations=len({trial.configuration for trial in record.trials if trial.role == "search"}),
        leaders=ranking.finished,
        recommended=next((row for row in ranking.finished if row.configuration == ranking.recommended), None),
    )
