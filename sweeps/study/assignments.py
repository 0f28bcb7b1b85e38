"""Which trial runs next: interrupted ones, then the search, then the confirmation of its leaders."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from sweeps.record import StudyMovedOnError
from sweeps.record.reading import NewTrial
from sweeps.seeds import training_seed
from sweeps.study.confirmation import Confirmation, Settling, fresh_trainings
from sweeps.study.kill_points import reach
from sweeps.study.state import LiveTrial

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.records import Role
    from search_spaces.conditions import PointValue
    from sweeps.record.facts import StudyFacts
    from sweeps.record.recorded_study import RecordedStudy
    from sweeps.study.others import Others
    from sweeps.study.plan import StudyPlan
    from sweeps.study.state import StudyState


class Assignments:
    """Gives the driver trials, each on record as its own before it is given.

    Attributes:
        exhausted: whether every configuration of the space was proposed.
        settled: why no more are proposed although some are left, or empty.
        confirmation: of the leaders, once the search is over.
    """

    def __init__(self, plan: StudyPlan, record: RecordedStudy, state: StudyState, others: Others) -> None:
        self._plan = plan
        self._record = record
        self._state = state
        self._others = others
        self._again: deque[int] = deque()
        self.exhausted = False
        self.settled = ""
        self._settling = Settling(plan, state)
        self.confirmation = Confirmation(plan, record, state)

    @property
    def target(self) -> int:
        """Search configurations wanted; another driver may have been started with more."""
        return max(self._plan.trials, self._record.facts.target_trials or 0)

    def follow(self) -> None:
        """Learn what other drivers did; trials that nobody owns any more run next."""
        for trial in self._others.follow():
            self.again(trial)

    def again(self, trial: LiveTrial) -> None:
        """Run a trial once more, before any new one."""
        self._again.append(trial.number)

    def forget(self, number: int) -> None:
        """A trial was lost to another driver."""
        if number in self._again:
            self._again.remove(number)

    def next(self) -> LiveTrial | None:
        """The trial to run now, or None while there is none."""
        while not self._again and self._perhaps():
            self.follow()
            if self._again:
                break
            try:
                return self._new()
            except StudyMovedOnError:  # another driver added one meanwhile, which may be this very configuration
                continue
        return self._state.live[self._again.popleft()] if self._again else None

    def _perhaps(self) -> bool:
        """Whether a new trial may be wanted, as far as was last heard."""
        return not self._others.undecided and (self._search_wanted() or (self._plan.confirm_top > 0 and not self._searching()))

    def _search_wanted(self) -> bool:
        return not self.exhausted and self._state.search_configurations() < self.target and not self._is_settled()

    def _searching(self) -> bool:
        return any(trial.role == "search" for trial in self._state.live.values())

    def _new(self) -> LiveTrial | None:
        """A new trial, on record; None while there is none.

        Raises:
            StudyMovedOnError: others have added trials since they were last heard of.
        """
        if self._search_wanted():
            trial = self._search()
            if trial is not None:
                return trial
            self.exhausted = True
        if self._searching():
            return None
        wanted = self.confirmation.next()
        return None if wanted is None else self._write(wanted.configuration, wanted.params, "confirmation", wanted.replicate, memory={})

    def _is_settled(self) -> bool:
        """Whether the search is over before its last trial; put on record, so that the next run and other drivers know."""
        if self._plan.stop_when_settled and not self.settled:
            self.settled = self._record.facts.settled
            if not self.settled and (found := self._settling.reason(self._record.facts.num_val)):
                self.settled = found
                self._record.update_facts(change=f"search settled: {found}", settled=found)
        return bool(self.settled)

    def _search(self) -> LiveTrial | None:
        proposal = self._plan.proposer.next(self._state.seen(), self._state.taken, self._state.search_configurations())
        if proposal is None:
            return None
        reach("proposal-drawn")
        replicate = self._state.next_repeat(proposal.configuration)
        return self._write(proposal.configuration, proposal.point, "search", replicate, memory=proposal.memory)

    def _write(
        self, configuration: str, params: Mapping[str, PointValue], role: Role, replicate: int, *, memory: Mapping[str, object]
    ) -> LiveTrial:
        """Put a new trial on record."""
        seed = training_seed(self._plan.seed, configuration, replicate)
        number = self._record.add_trial(NewTrial(params, role, configuration, seed, replicate, self._plan.planned_epochs, memory))
        reach("trial-written")
        trial = LiveTrial(number, role, configuration, seed, params, self._plan.planned_epochs)
        self._state.add(trial, replicate, memory)
        return trial


def is_over(plan: StudyPlan, state: StudyState, facts: StudyFacts) -> bool:
    """Whether a study has nothing left to hand out, told from its record alone.

    Args:
        plan: of the study.
        state: its trials.
        facts: of the study: whether its space is exhausted, and whom it confirms.
    """
    settled = plan.stop_when_settled and bool(facts.settled)
    if state.live or not (facts.exhausted or settled or state.search_configurations() >= plan.trials):
        return False
    return all(state.has_replicate(each.configuration, each.replicate) for each in fresh_trainings(plan, state, facts))
