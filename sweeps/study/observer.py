"""What a run shows while it runs: frozen snapshots, cheap to make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.records import Role, TrialState
    from search_spaces.conditions import PointValue
    from sweeps.study.confirmation import ConfirmationCost


@dataclass(frozen=True)
class TrialProgress:
    """A trial that is running.

    Attributes:
        number: in the study.
        role: why it is trained.
        configuration: ID.
        params: active parameters.
        attempt: counted from 0.
        epoch: epochs on record.
        planned_epochs: epochs of a complete training.
        metric: the ranked metric of the last epoch, or None.
        level: what the curve holds so far, or None.
        worker: host and process, or empty before it started.
        driver: host and process of the driver that runs it, or ran it last.
    """

    number: int
    role: Role
    configuration: str
    params: Mapping[str, PointValue]
    attempt: int
    epoch: int
    planned_epochs: int
    metric: float | None
    level: float | None
    worker: str
    driver: str = ""


@dataclass(frozen=True)
class FinishedTrial:
    """A trial that is over.

    Attributes:
        number: in the study.
        role: why it was trained.
        configuration: ID.
        params: active parameters.
        state: how it ended.
        epochs: epochs on record.
        stable: what the configuration holds, or None without a curve.
        level: centre of the late epochs, or None.
        best: best epoch's metric, or None.
        last: last epoch's metric, or None.
        cause: why, for PRUNED and FAIL.
        error: traceback or message of a failure.
        flags: names of the curve's flags.
        provisional: fewer than five epochs.
    """

    number: int
    role: Role
    configuration: str
    params: Mapping[str, PointValue]
    state: TrialState
    epochs: int
    stable: float | None
    level: float | None
    best: float | None
    last: float | None
    cause: str | None = None
    error: str | None = None
    flags: tuple[str, ...] = ()
    provisional: bool = False


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
        leaders: the best finished search trials, best first.
        confirmations: confirmation trials that are finished.
        confirmations_target: confirmation trials wanted, as far as known before the search is over.
        elapsed: seconds of this run.
        eta: seconds until the phase is done, or None while unknown.
        trial_hours: hours of training over all runs.
        gpu_hours: the same times each trial's GPUs.
        phase: what the run is doing.
    """

    study: str
    metric: str
    maximize: bool
    target: int
    complete: int
    pruned: int
    failed: int
    running: tuple[TrialProgress, ...]
    leaders: tuple[FinishedTrial, ...]
    confirmations: int
    confirmations_target: int
    elapsed: float
    eta: float | None
    trial_hours: float
    gpu_hours: float
    phase: Literal["search", "confirmation", "over"]

    @property
    def done(self) -> int:
        """Search trials that are over, however they ended."""
        return self.complete + self.pruned + self.failed


class StudyObserver(Protocol):
    """Told what happens, from the driver's thread; must return quickly and must not raise."""

    def on_started(self, trial: TrialProgress) -> None:
        """An attempt was taken by a worker."""
        ...

    def on_epoch(self, trial: TrialProgress, figures: Mapping[str, float]) -> None:
        """An epoch is on record."""
        ...

    def on_notice(self, trial: TrialProgress, text: str) -> None:
        """A worker told something that a person should know."""
        ...

    def on_finished(self, trial: FinishedTrial) -> None:
        """A trial is over."""
        ...

    def on_confirmation(self, cost: ConfirmationCost) -> None:
        """The leaders' confirmation begins, or goes on in this run; told before its first training."""
        ...

    def on_tick(self, snapshot: StudySnapshot) -> None:
        """About once a second, and at the end."""
        ...


class Silent:
    """Shows nothing."""

    def on_started(self, trial: TrialProgress) -> None:
        """Nothing."""

    def on_epoch(self, trial: TrialProgress, figures: Mapping[str, float]) -> None:
        """Nothing."""

    def on_notice(self, trial: TrialProgress, text: str) -> None:
        """Nothing."""

    def on_finished(self, trial: FinishedTrial) -> None:
        """Nothing."""

    def on_confirmation(self, cost: ConfirmationCost) -> None:
        """Nothing."""

    def on_tick(self, snapshot: StudySnapshot) -> None:
        """Nothing."""
