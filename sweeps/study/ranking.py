"""Where a study that is running stands: who leads, and the snapshot that observers get about once a second."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from reports.flags import summarise_flags, trial_flags
from reports.ranking import rank
from reports.ranking.ranked import fresh_trials
from reports.stability import stability
from sweeps.observer import StudySnapshot
from sweeps.record.study_record import study_record
from sweeps.study.state import metric_curve

if TYPE_CHECKING:
    from collections.abc import Callable

    from reports.flags import Flag
    from reports.ranking import RankedConfiguration
    from reports.ranking.belief import Contender
    from reports.records import StudyRecord, TrialRecord
    from reports.stability import StabilityScore
    from sweeps.record.study_record import StudyFacts
    from sweeps.study.assignments import Assignments
    from sweeps.study.plan import StudyPlan
    from sweeps.study.state import StudyState


LEADERS = 5
"""Configurations that a run names as its leaders."""
SHARE_OF_TIME = 0.02
"""Of the driver's time that ranking may take: a study of ten thousand trials is ranked once in a minute or two, a usual one after each trial."""


class StudyRanking:
    """The finished configurations of a study, ranked as its report ranks them.

    Only trials that are over can change the order, and only configurations with a complete one have a place among the finished: the others are left out.
    Flags are found for the leaders alone. `facts` gives what the study is, as last read.
    """

    def __init__(self, study: str, state: StudyState, facts: Callable[[], StudyFacts]) -> None:
        self._study = study
        self._state = state
        self._facts = facts
        self._ranked: tuple[RankedConfiguration, ...] = ()
        self._contenders: tuple[Contender, ...] = ()
        self._record: StudyRecord | None = None
        self._of: tuple[int, int | None] | None = None
        self._due = 0.0
        self._scores: dict[int, StabilityScore | None] = {}
        self._flags: dict[int, tuple[Flag, ...]] = {}

    def configurations(self, *, now: bool = False) -> tuple[RankedConfiguration, ...]:
        """All finished configurations, best first.

        Args:
            now: with every trial that is over; else the ranking may be older where a new one would take more than `SHARE_OF_TIME`.
        """
        facts = self._facts()
        of = len(self._state.finished), facts.num_val
        if of != self._of and (now or time.monotonic() >= self._due):
            began = time.monotonic()
            self._rank(facts)
            self._of = of
            ended = time.monotonic()
            self._due = ended + (ended - began) / SHARE_OF_TIME
        return self._ranked

    def leaders(self, *, now: bool = False) -> tuple[RankedConfiguration, ...]:
        """The best configurations with their flags, best first; `now` as for `configurations`."""
        return tuple(self._with_flags(each) for each in self.configurations(now=now)[:LEADERS])

    def contenders(self) -> tuple[Contender, ...]:
        """The configurations that may be the best, with the figures of every training that is over."""
        self.configurations(now=True)
        return self._contenders

    def undecided(self) -> tuple[str, ...]:
        """IDs of the best of them and of those that may be better, as far as is known: they are still in the race."""
        contenders = {each.configuration for each in self.contenders()}
        best = next((each for each in self._ranked if each.configuration in contenders), None)
        return () if best is None else (best.configuration, *(each for each in best.tied_with if each in contenders))

    def _rank(self, facts: StudyFacts) -> None:
        own = [trial for _, trial in sorted(self._state.finished.items()) if trial.role != "history"]
        complete = {trial.configuration for trial in own if trial.state == "COMPLETE"}
        trials = [trial for trial in own if trial.configuration in complete]
        for trial in trials:
            if trial.number not in self._scores:
                self._scores[trial.number] = stability(metric_curve(trial, facts.metric), maximize=facts.maximize)
        self._record = study_record(self._study, facts, trials)
        ranking = rank(self._record, flags={}, scores=self._scores)
        self._ranked, self._contenders = ranking.finished, ranking.contenders

    def _with_flags(self, ranked: RankedConfiguration) -> RankedConfiguration:
        complete = [trial for trial in ranked.trials if trial.state == "COMPLETE"]
        return replace(ranked, flags=summarise_flags({each.number: self._flags_of(each) for each in fresh_trials(complete) or complete}))

    def _flags_of(self, trial: TrialRecord) -> tuple[Flag, ...]:
        if self._record is None:
            return ()
        if trial.number not in self._flags:
            self._flags[trial.number] = trial_flags(trial, self._record)
        return self._flags[trial.number]


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
        search = [trial for trial in state.finished.values() if trial.role == "search"]
        states = Counter(trial.state for trial in search)
        confirmations = sum(1 for trial in state.finished.values() if trial.role == "confirmation")
        confirming = bool(state.live_confirmations())
        return StudySnapshot(
            study=self._study,
            metric=plan.metric,
            maximize=plan.maximize,
            target=self._target(),
            complete=states["COMPLETE"],
            pruned=states["PRUNED"],
            failed=states["FAIL"],
            running=tuple(state.live[number].record() for number in sorted(state.live)),
            leaders=self._ranking.leaders(now=phase == "over"),
            confirmations=confirmations,
            confirmations_target=self._confirmations_target(),
            elapsed=time.monotonic() - self._started,
            eta=self._confirmation_eta() if confirming else self._eta(len(search)),
            trial_hours=state.device_time.trial_hours(),
            gpu_hours=state.device_time.gpu_hours(),
            phase="confirmation" if confirming and phase == "search" else phase,
        )

    def _eta(self, done: int) -> float | None:
        """Seconds until the search is done, from the epochs that trials took so far and the speed of this run."""
        gained = self._state.search_epochs() - self._epochs_before
        elapsed = time.monotonic() - self._started
        if not done or gained <= 0 or (self._assignments is not None and (self._assignments.exhausted or self._assignments.settled)):
            return None
        finished = [trial.num_epochs for trial in self._state.finished.values() if trial.role == "search"]
        missing = (self._target() - done) * sum(finished) / len(finished) - sum(trial.epochs for trial in self._state.live.values())
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
