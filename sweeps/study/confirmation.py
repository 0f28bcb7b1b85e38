"""The confirmation of a search's leaders: which configurations, fixed once it begins, and what it will cost.

`Settling` ends a search early, where the sweep file asks for it: once no untried configuration can credibly hold more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweeps.observer import ConfirmationCost
from sweeps.search.settled import LEAST_TRIALS, possible_gain, worth_searching
from sweeps.seeds import proposal_seed
from sweeps.study.kill_points import reach
from sweeps.study.state import point_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from search_spaces.conditions import PointValue
    from sweeps.record.facts import StudyFacts
    from sweeps.record.recorded_study import RecordedStudy
    from sweeps.study.plan import StudyPlan
    from sweeps.study.state import StudyState


_HOUR = 3600.0


@dataclass(frozen=True)
class ConfirmationTraining:
    """One fresh training of a leader."""

    configuration: str
    params: Mapping[str, PointValue]
    replicate: int


def confirmation_trainings(plan: StudyPlan, state: StudyState, facts: StudyFacts) -> tuple[ConfirmationTraining, ...]:
    """The fresh trainings of the leaders, over or not, as the study stands: the first of each, then the second of each, ..."""
    leaders = _leaders(plan, state, facts) if plan.confirm_top else ()
    params = {trial.configuration: point_of(trial) for trial in state.finished.values() if trial.configuration in leaders}
    return tuple(
        ConfirmationTraining(leader, params[leader], replicate)
        for replicate in range(1, plan.confirm_seeds + 1)
        for leader in leaders
        if leader in params
    )


def _leaders(plan: StudyPlan, state: StudyState, facts: StudyFacts) -> tuple[str, ...]:
    """The leaders on record, and the best others where more are asked for; those of a shorter search count no longer."""
    fixed = facts.leaders if facts.leaders_after == state.search_configurations() else ()
    by_search = [trial.configuration for trial in state.search_order()]  # a duplicate may be there twice
    return tuple(dict.fromkeys((*fixed, *by_search)))[: plan.confirm_top]


class Confirmation:
    """Trains the leaders again from fresh seeds.

    The leaders are written to the record when the search is over and before the first of them is trained again: whatever becomes known later, the same ones are
    confirmed to the end. Only more search configurations choose them anew; a larger ``confirm.top`` adds to them.
    """

    def __init__(self, plan: StudyPlan, record: RecordedStudy, state: StudyState) -> None:
        self._plan = plan
        self._record = record
        self._state = state
        self._wanted: tuple[ConfirmationTraining, ...] | None = None
        self._searched = -1

    def next(self) -> ConfirmationTraining | None:
        """The fresh training to begin now, or None when all are under way or over. The search must be over."""
        return next((each for each in self.wanted() if not self._state.has_replicate(each.configuration, each.replicate)), None)

    def wanted(self) -> tuple[ConfirmationTraining, ...]:
        """Every fresh training of the leaders, over or not. Fixes the leaders when asked first."""
        searched = self._state.search_configurations()
        if self._wanted is None or self._searched != searched:
            self._searched = searched
            self._wanted = self._fix()
        return self._wanted

    def cost(self, slots: int) -> ConfirmationCost:
        """What the rest of it costs.

        Args:
            slots: trainings at a time.
        """
        wanted = self.wanted()
        live = {(trial.configuration, trial.seed): trial for trial in self._state.live.values() if trial.role == "confirmation"}
        begun = sum(trial.planned_epochs - trial.epochs for trial in live.values())
        unbegun = sum(not self._state.has_replicate(each.configuration, each.replicate) for each in wanted)
        epochs = begun + unbegun * self._plan.planned_epochs
        trials = len(live) + unbegun
        seconds = self._seconds_per_epoch()
        return ConfirmationCost(
            leaders=len({each.configuration for each in wanted}),
            seeds=self._plan.confirm_seeds,
            trials=trials,
            epochs=epochs,
            seconds=None if seconds is None else seconds * epochs / max(1, min(slots, trials)),
        )

    def trials_wanted(self) -> int:
        """Fresh trainings in all, as far as known: before the search is over, those of as many leaders as are asked for."""
        return len(self._wanted) if self._wanted is not None else self._plan.confirm_top * self._plan.confirm_seeds

    def _fix(self) -> tuple[ConfirmationTraining, ...]:
        if not self._plan.confirm_top:
            return ()
        facts, leaders = self._record.facts, _leaders(self._plan, self._state, self._record.facts)
        known = facts.leaders_after == self._searched and leaders == facts.leaders[: len(leaders)]
        if not known:
            self._record.update_facts(leaders=leaders, leaders_after=self._searched)
            reach("leaders-fixed")
        return confirmation_trainings(self._plan, self._state, self._record.facts)

    def _seconds_per_epoch(self) -> float | None:
        """Seconds of training for an epoch, starts and validation included, over all trials so far."""
        epochs = sum(trial.num_epochs for trial in self._state.finished.values()) + sum(trial.epochs for trial in self._state.live.values())
        hours = self._state.device_time.trial_hours()
        return hours * _HOUR / epochs if epochs and hours else None


SHARE_BETWEEN = 20
"""The rule is asked again when a twentieth more trials are complete: its model costs the cube of them."""


class Settling:
    """Asks the rule now and then.

    Args:
        plan: says whether it is wanted, and how near is near enough.
        state: the study's trials.
    """

    def __init__(self, plan: StudyPlan, state: StudyState) -> None:
        self._plan = plan
        self._state = state
        self._next = LEAST_TRIALS

    def reason(self, num_val: int | None) -> str:
        """Why the search is over, in words with figures; empty while it is not.

        Args:
            num_val: validation images, or None when unknown.
        """
        plan = self._plan
        complete = self._state.complete
        if not plan.stop_when_settled or complete < self._next:
            return ""
        self._next = complete + max(1, complete // SHARE_BETWEEN)
        seed = proposal_seed(plan.seed, complete, -1)
        gain = possible_gain(plan.proposer.space, self._state.seen(), maximize=plan.maximize, seed=seed)
        limit = None if gain is None else worth_searching(gain.best, num_val, plan.settled_within)
        if gain is None or limit is None or gain.gain > limit:
            return ""
        why = (
            "as the sweep file asks"
            if plan.settled_within is not None
            else f"the standard error of the best figure on {num_val} validation images"
        )
        return (
            f"after {gain.trials} complete trials an untried configuration may hold at most {gain.gain:.4f} more than the best ({gain.best:.4f}); "
            f"less than {limit:.4f}, {why}"
        )
