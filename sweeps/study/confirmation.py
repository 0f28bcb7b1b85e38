"""Fresh trainings before the final answer: how many, of which configurations, when they end, and what they cost.

A *race* gives each fresh training to the contender where it helps most to tell which configuration is best (`reports.ranking.race`), and ends once that is known or
its budget is spent; where a frontier is searched (``search.cost``), its members have them in turn. A fixed number of seeds for so many leaders
(``confirm: {top, seeds}``) and configurations that a person names are trained in turn, to the end.
Whatever is planned is on record before its first training, and a failed training counts as spent: nothing is trained twice, and nothing fails for ever.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reports.costs import efficient
from sweeps.observer import ConfirmationCost
from sweeps.record.study_record import RaceFacts
from sweeps.seeds import race_seed
from sweeps.study.kill_points import reach
from sweeps.study.live_trial import point_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from search_spaces.conditions import PointValue
    from sweeps.record.recorded_study import RecordedStudy
    from sweeps.record.study_record import StudyFacts
    from sweeps.study.plan import StudyPlan
    from sweeps.study.ranking import StudyRanking
    from sweeps.study.state import StudyState
    from sweeps.sweep_file.settings import ConfirmSettings


SHARE = 0.15
"""Of the epochs that the search trained: what ``confirm: auto`` spends."""
LEAST = 4
"""Fresh trainings that ``confirm: auto`` spends at least, though never more than one for every two configurations: two each for two contenders tell them apart better
than the search did."""
_HOUR = 3600.0


def share_of_search(epochs: int, planned_epochs: int, configurations: int) -> int:
    """Fresh trainings that ``confirm: auto`` gives a search.

    Args:
        epochs: that its trials trained.
        planned_epochs: of a complete training.
        configurations: that it tried; one alone needs no confirmation.
    """
    least = min(LEAST, configurations // 2)
    return max(math.floor(SHARE * epochs / planned_epochs + 0.5), least)


def most_fresh_trainings(confirm: ConfirmSettings, trials: int, planned_epochs: int) -> int:
    """Fresh trainings that a setting may lead to, before anything is searched.

    Args:
        confirm: the sweep file's setting.
        trials: configurations that will be searched.
        planned_epochs: of a complete training.
    """
    if trials < 2 and not confirm.top:  # noqa: PLR2004 - nothing to choose among
        return 0
    if confirm.budget == "auto":
        return share_of_search(trials * planned_epochs, planned_epochs, trials)
    return confirm.budget or (confirm.top or 0) * (confirm.seeds or 0)


@dataclass(frozen=True)
class ConfirmationTraining:
    """One fresh training."""

    configuration: str
    params: Mapping[str, PointValue]
    replicate: int


def race_of(plan: StudyPlan, state: StudyState, facts: StudyFacts) -> RaceFacts | None:
    """What is planned for the search as it stands: on record, or by the sweep file's setting; None where nothing is.

    More search configurations, or another setting, plan anew; what was trained before still counts for the answer.
    """
    searched, tried, known = state.search_configurations(), state.tried_configurations(), facts.race
    if known is not None and (known.rule, known.after) == (plan.confirm.text, searched):
        return known
    if not plan.confirm.races:
        return None
    fresh = state.fresh_trainings
    begun = known.begun if known is not None and known.after == searched else fresh
    return RaceFacts(plan.confirm.text, searched, begun, _trainings(plan, state.search_epochs(), tried, begun))


def _trainings(plan: StudyPlan, epochs: int, tried: int, begun: int) -> int:
    """Fresh trainings that the sweep file's race may spend after a search of so many epochs and configurations, beside those before it."""
    if isinstance(plan.confirm.budget, int):
        return plan.confirm.budget
    share = share_of_search(epochs, plan.planned_epochs, tried)
    return max(share - begun, min(share, LEAST))


def left_to_train(race: RaceFacts | None, state: StudyState) -> int:
    """Fresh trainings that may still begin."""
    return 0 if race is None or race.ended else max(0, race.begun + race.trainings - state.fresh_trainings)


def next_training(plan: StudyPlan, state: StudyState, facts: StudyFacts, ranking: StudyRanking) -> ConfirmationTraining | None:
    """The fresh training to begin now, by the record alone; None when all are under way or over. The search must be over.

    Args:
        plan: of the sweep.
        state: of the study.
        facts: of the study.
        ranking: of the study; asked in a race alone.
    """
    for each in leaders_trainings(plan, state, facts):
        if not state.has_replicate(each.configuration, each.replicate):
            return each
    race = race_of(plan, state, facts)
    if race is None or not left_to_train(race, state):
        return None
    if race.configurations:
        chosen: str | None = race.configurations[(state.fresh_trainings - race.begun) % len(race.configurations)]
    else:
        pending = Counter(trial.configuration for trial in state.live_confirmations())
        chosen = ranking.next_contender(pending, race_seed(plan.seed, state.fresh_trainings))
    if chosen is None:
        return None
    params = next(point_of(trial) for trial in state.finished.values() if trial.configuration == chosen and trial.role != "history")
    return ConfirmationTraining(chosen, params, state.next_fresh(chosen))


def leaders_trainings(plan: StudyPlan, state: StudyState, facts: StudyFacts) -> tuple[ConfirmationTraining, ...]:
    """The fresh trainings of a fixed number of leaders, over or not, as the study stands: the first of each, then the second of each, ..."""
    leaders = _leaders(plan, state, facts)
    params = {trial.configuration: point_of(trial) for trial in state.finished.values() if trial.configuration in leaders}
    return tuple(
        ConfirmationTraining(leader, params[leader], replicate)
        for replicate in range(1, (plan.confirm.seeds or 0) + 1)
        for leader in leaders
        if leader in params
    )


def _leaders(plan: StudyPlan, state: StudyState, facts: StudyFacts) -> tuple[str, ...]:
    """The leaders on record, and the best others where more are asked for; those of a shorter search count no longer.

    Where a frontier is searched (``search.cost``), its members come first, those that hold least more than a cheaper one before others.
    """
    if not plan.confirm.top:
        return ()
    fixed = facts.leaders if facts.leaders_after == state.search_configurations() else ()
    complete = state.search_order()
    by_search = [trial.configuration for trial in complete]  # a duplicate may be there twice
    if plan.cost is not None:
        sign = 1.0 if plan.maximize else -1.0
        known = [
            (trial.figures[plan.cost], sign * trial.score["stable"], trial.configuration)
            for trial in complete
            if plan.cost in trial.figures
        ]
        by_search = [each.item for each in sorted(efficient(known), key=lambda each: each.lead)] + by_search
    return tuple(dict.fromkeys((*fixed, *by_search)))[: plan.confirm.top]


def cost_of(plan: StudyPlan, state: StudyState, facts: StudyFacts, ranking: StudyRanking, slots: float) -> ConfirmationCost:
    """What the rest of a confirmation costs, with `slots` trainings at a time."""
    race = race_of(plan, state, facts)
    fixed = leaders_trainings(plan, state, facts)
    live = state.live_confirmations()
    unbegun = left_to_train(race, state) + sum(not state.has_replicate(each.configuration, each.replicate) for each in fixed)
    epochs = sum(trial.planned_epochs - trial.epochs for trial in live) + unbegun * plan.planned_epochs
    trials = len(live) + unbegun
    seconds = seconds_per_epoch(state)
    named = race.configurations if race is not None else ()
    return ConfirmationCost(
        leaders=len({each.configuration for each in fixed} or named) or len(ranking.undecided()),
        seeds=plan.confirm.seeds if fixed else None,
        trials=trials,
        epochs=epochs,
        seconds=None if seconds is None else seconds * epochs / max(1.0, min(slots, trials)),
        race=not fixed and not named and plan.cost is None,
    )


class Confirmation:
    """Gives out the fresh trainings of a running study.

    What is planned is written to the record when the search is over and before the first of them begins: whatever becomes known later, an interrupted run goes on
    with it, and so do other drivers.
    """

    def __init__(self, plan: StudyPlan, record: RecordedStudy, state: StudyState, ranking: StudyRanking) -> None:
        self._plan = plan
        self._record = record
        self._state = state
        self._ranking = ranking
        self._asked: tuple[object, ...] = ()

    @property
    def wanted(self) -> bool:
        """Whether anything may be left to begin, as far as is known without a look at the ranking."""
        return bool(self._plan.confirm.top) or left_to_train(race_of(self._plan, self._state, self._record.facts), self._state) > 0

    @property
    def left(self) -> bool:
        """Whether a fresh training is planned that has not begun, without a look at the ranking."""
        plan, state, facts = self._plan, self._state, self._record.facts
        fixed = leaders_trainings(plan, state, facts)
        return left_to_train(race_of(plan, state, facts), state) > 0 or any(
            not state.has_replicate(each.configuration, each.replicate) for each in fixed
        )

    def next(self) -> ConfirmationTraining | None:
        """The fresh training to begin now, or None when all are under way or over. The search must be over. Puts on record what is planned when asked first."""
        self._fix()
        state, facts = self._state, self._record.facts
        asked = (len(state.finished), len(state.live), facts.race, facts.leaders)
        if asked == self._asked:
            return None  # as a moment ago
        training = next_training(self._plan, state, facts, self._ranking)
        if training is None:
            self._end()
            self._asked = (len(state.finished), len(state.live), self._record.facts.race, facts.leaders)
        return training

    def cost(self, slots: int) -> ConfirmationCost:
        """What the rest of it costs, with `slots` trainings at a time."""
        return cost_of(self._plan, self._state, self._record.facts, self._ranking, slots)

    def trials_wanted(self) -> int:
        """Fresh trainings in all, those on record included, as far as known: while the search runs, by what it will have trained if none is pruned."""
        plan, state, facts = self._plan, self._state, self._record.facts
        target = max(plan.trials, facts.target_trials or 0)
        leaders = leaders_trainings(plan, state, facts)
        if plan.confirm.top and state.search_configurations() < target:
            return max(state.fresh_trainings, plan.confirm.top * (plan.confirm.seeds or 0))
        race = race_of(plan, state, facts)
        missing = max(0, target - state.search_configurations())
        if race is not None and race != facts.race and missing:
            race = replace(race, trainings=_trainings(plan, state.search_epochs() + missing * plan.planned_epochs, target, race.begun))
        fixed = {(each.configuration, each.replicate) for each in leaders} - state.fresh_replicates()
        return state.fresh_trainings + len(fixed) + left_to_train(race, state)

    def _racing(self) -> bool:
        race = race_of(self._plan, self._state, self._record.facts)
        return race is not None and not race.configurations and left_to_train(race, self._state) > 0

    def _fix(self) -> None:
        """Put what is planned on record, unless it is there."""
        state, facts = self._state, self._record.facts
        if self._plan.confirm.top:
            leaders, searched = _leaders(self._plan, state, facts), state.search_configurations()
            if facts.leaders_after != searched or leaders != facts.leaders[: len(leaders)]:
                self._record.update_facts(leaders=leaders, leaders_after=searched)
                reach("leaders-fixed")
        race = race_of(self._plan, state, facts)
        if race is not None and race != facts.race and left_to_train(race, state):
            self._record.update_facts(race=race, only_if=lambda now: now.race == facts.race)
            reach("race-planned")

    def _end(self) -> None:
        """Put on record that the race is over before its budget is spent, once nothing is under way that could open it again."""
        facts = self._record.facts
        if not self._racing() or facts.race is None or self._state.live_confirmations():
            return
        decided = (
            len(self._ranking.contenders()) > 1 and len(self._ranking.frontier()) <= 1
        )  # a frontier is never decided: its members could only fail
        ended = replace(facts.race, ended="decided" if decided else "no contender")
        self._record.update_facts(race=ended, only_if=lambda now: now.race == facts.race)
        reach("race-ended")


def seconds_per_epoch(state: StudyState) -> float | None:
    """Seconds of training for an epoch, starts and validation included, over all trials so far; None while there is none."""
    finished = sum(trial.num_epochs for trial in state.finished.values() if trial.role != "sibling")
    epochs = finished + sum(trial.epochs for trial in state.live.values() if trial.role != "sibling")
    hours = state.device_time.trial_hours()
    return hours * _HOUR / epochs if epochs and hours else None
