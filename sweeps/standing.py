"""Where a recorded study stands: states, configurations tried, current leaders."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.ranking import rank

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reports.ranking import RankedConfiguration, Ranking
    from reports.records import StudyRecord, TrialRecord, TrialState

STATES: tuple[TrialState, ...] = ("COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING")


@dataclass(frozen=True)
class Standing:
    """Where a study stands.

    Attributes:
        states: state to number of trials; every state is there.
        configurations: search configurations tried, running ones included.
        ranking: of all its configurations.
    """

    states: Mapping[str, int]
    configurations: int
    ranking: Ranking

    @property
    def leaders(self) -> tuple[RankedConfiguration, ...]:
        """Finished configurations, best first."""
        return self.ranking.finished

    @property
    def recommended(self) -> RankedConfiguration | None:
        """The one of them to take for now; None where no usable one is finished."""
        return next((row for row in self.leaders if row.configuration == self.ranking.recommended), None)


def at_a_time(trials: Iterable[TrialRecord]) -> float:
    """How many trainings ran at a time, on average, while any ran; 1 where no times are on record."""
    spans = sorted(
        (attempt.started, attempt.ended)
        for trial in trials
        for attempt in trial.attempts
        if attempt.worker and attempt.started is not None and attempt.ended is not None and attempt.ended > attempt.started
    )
    total = sum((ended - started).total_seconds() for started, ended in spans)
    busy, until = 0.0, None
    for started, ended in spans:
        begin = started if until is None or started > until else until
        busy += max(0.0, (ended - begin).total_seconds())
        until = ended if until is None else max(until, ended)
    return max(1.0, total / busy) if busy else 1.0


def standing(record: StudyRecord, ranking: Ranking | None = None) -> Standing:
    """Count and rank the trials of `record`; `ranking` is its ranking, where that is known already."""
    counted = Counter(trial.state for trial in record.trials)
    return Standing(
        states={state: counted[state] for state in STATES},
        configurations=len({trial.configuration for trial in record.trials if trial.role == "search"}),
        ranking=ranking or rank(record),
    )
