"""Where a study that is running stands: the snapshot that observers get about once a second."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from sweeps.observer import StudySnapshot

if TYPE_CHECKING:
    from sweeps.study.assignments import Assignments
    from sweeps.study.plan import StudyPlan
    from sweeps.study.ranking import StudyRanking
    from sweeps.study.state import StudyState


class Snapshots:
    """Counts what is there; remembers where the run began, for its speed."""

    def __init__(
        self, study: str, plan: StudyPlan, state: StudyState, ranking: StudyRanking, assignments: Assignments | None = None
    ) -> None:
        """Args: assignments: of the run, or None where nothing runs."""
        self._study = study
        self._plan = plan
        self._state = state
        self._ranking = ranking
        self._assignments = assignments
        self._started = time.monotonic()
        self._epochs_before = state.search_epochs()
        self._confirming_since: tuple[float, int] | None = None

    def take(self, phase: Literal["search", "over"] = "search") -> StudySnapshot:
        """The study now."""
        state, plan = self._state, self._plan
        tally = state.tally
        confirming = bool(state.live_confirmations())
        return StudySnapshot(
            study=self._study,
            metric=plan.metric,
            maximize=plan.maximize,
            target=self._target(),
            complete=tally.states["COMPLETE"],
            pruned=tally.states["PRUNED"] - tally.infeasible,
            infeasible=tally.infeasible,
            failed=tally.states["FAIL"],
            running=tuple(state.live[number].record() for number in sorted(state.live)),
            leaders=self._ranking.leaders(now=phase == "over"),
            confirmations=tally.confirmations,
            confirmations_target=max(tally.confirmations, self._confirmations_target()),  # those of an earlier plan stay
            elapsed=time.monotonic() - self._started,
            eta=self._confirmation_eta() if confirming else self._eta(tally.search),
            trial_hours=state.device_time.trial_hours(),
            gpu_hours=state.device_time.gpu_hours(),
            phase="confirmation" if confirming and phase == "search" else phase,
            paused=self._assignments is not None and self._assignments.paused,
        )

    def _eta(self, done: int) -> float | None:
        """Seconds until the search is done, from the epochs that trials took so far and the speed of this run."""
        gained = self._state.search_epochs() - self._epochs_before
        elapsed = time.monotonic() - self._started
        if not done or gained <= 0 or (self._assignments is not None and (self._assignments.exhausted or self._assignments.settled)):
            return None
        missing = (self._target() - done) * self._state.tally.epochs / done - sum(
            trial.epochs for trial in self._state.live.values() if trial.role != "sibling"
        )
        return max(missing, 0.0) * elapsed / gained

    def _target(self) -> int:
        return self._plan.trials if self._assignments is None else self._assignments.target

    def _confirmations_target(self) -> int:
        if self._assignments is not None:
            return self._assignments.confirmation.trials_wanted()
        return self._state.fresh_trainings

    def _confirmation_eta(self) -> float | None:
        """Seconds until the confirmation is done: by the study's speed at first, then by its own."""
        if self._assignments is None:
            return None
        live = len(self._state.live_confirmations())
        cost, now = self._assignments.confirmation.cost(live), time.monotonic()
        since, epochs = self._confirming_since = self._confirming_since or (now, cost.epochs)
        gained = epochs - cost.epochs
        return cost.seconds if not gained else cost.epochs * (now - since) / gained
