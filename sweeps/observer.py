"""What a run reports while it runs and when it ends, and the base class of those who listen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.ranking import RankedConfiguration
    from reports.records import TrialRecord


@dataclass(frozen=True)
class ConfirmationCost:
    """What is left to train before the final ranking.

    Attributes:
        leaders: configurations that are confirmed; in a race, those that may be the best as far as is known.
        seeds: fresh trainings of each, or None where that is not fixed.
        trials: trainings that are not over yet; in a race at most.
        epochs: that they train at most.
        seconds: until they are done, by the speed of the study so far; None while nothing is known of it.
        race: whether each training goes to where it helps most.
    """

    leaders: int
    seeds: int | None
    trials: int
    epochs: int
    seconds: float | None
    race: bool


@dataclass(frozen=True)
class StudySnapshot:
    """Where a run stands.

    Attributes:
        study: name.
        metric: what is ranked.
        maximize: whether more is better.
        target: search configurations wanted.
        complete: search trials that ran to their end.
        pruned: search trials that were stopped early.
        failed: search trials that failed.
        running: trials that run now, by number.
        leaders: the best finished configurations as `reports.ranking.rank` has them, best first; at most five.
        confirmations: confirmation trials that are finished.
        confirmations_target: confirmation trials wanted, those on record included, as far as known before the search is over; in a race at most.
        elapsed: seconds of this run.
        eta: seconds until the phase is done, or None while unknown.
        trial_hours: hours of training over all runs.
        gpu_hours: the same times each trial's GPUs.
        phase: what the run is doing.
        infeasible: search trials that a limit refused before an epoch.
        paused: whether no new trial begins until somebody says so.
    """

    study: str
    metric: str
    maximize: bool
    target: int
    complete: int
    pruned: int
    failed: int
    running: tuple[TrialRecord, ...]
    leaders: tuple[RankedConfiguration, ...]
    confirmations: int
    confirmations_target: int
    elapsed: float
    eta: float | None
    trial_hours: float
    gpu_hours: float
    phase: Literal["search", "confirmation", "over"]
    infeasible: int = 0
    paused: bool = False

    @property
    def done(self) -> int:
        """Search trials that are over, however they ended."""
        return self.complete + self.pruned + self.infeasible + self.failed


EndReason = Literal["done", "space exhausted", "time budget", "gpu-hours budget", "settled", "interrupted"]


@dataclass(frozen=True)
class StudyOutcome:
    """Where a run left its study.

    Attributes:
        reason: why it ended. After a budget or an interruption, trials that were cut are continued by the next run.
        snapshot: states, leaders, costs.
        note: the reason's figures, or empty.
        unfinished: numbers of the trials that a next run continues.
    """

    reason: EndReason
    snapshot: StudySnapshot
    unfinished: tuple[int, ...] = ()
    note: str = ""


class StudyObserver:
    """Listens to a run, from the driver's thread. A subclass overrides the events that it needs; it must return quickly and must not raise."""

    def on_started(self, trial: TrialRecord) -> None:
        """An attempt was taken by a worker."""

    def on_epoch(self, trial: TrialRecord, figures: Mapping[str, float]) -> None:
        """An epoch is on record."""

    def on_notice(self, trial: TrialRecord, text: str) -> None:
        """A worker reported something that a person should know."""

    def on_finished(self, trial: TrialRecord) -> None:
        """A trial is over."""

    def on_confirmation(self, cost: ConfirmationCost) -> None:
        """Fresh trainings before the final answer begin, or go on in this run; called before the first."""

    def on_tick(self, snapshot: StudySnapshot) -> None:
        """About once a second, and at the end."""
