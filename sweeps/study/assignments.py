"""Which trial runs next: interrupted ones, then the search, then the confirmation of its leaders."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from sweeps.record.stored_trial import NewTrial
from sweeps.seeds import training_seed
from sweeps.study.kill_points import reach
from sweeps.study.live_trial import LiveTrial

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from reports.records import Role
    from search_spaces.parameters import PointValue
    from sweeps.record.recorded_study import RecordedStudy
    from sweeps.study.plan import StudyPlan
    from sweeps.study.study_state import StudyState


class Assignments:
    """Gives the driver trials, each on record before it is given.

    Attributes:
        exhausted: whether every configuration of the space was proposed.
    """

    def __init__(self, plan: StudyPlan, record: RecordedStudy, state: StudyState) -> None:
        self._plan = plan
        self._record = record
        self._state = state
        self._again = deque(sorted(state.live))
        self.exhausted = False

    def again(self, trial: LiveTrial) -> None:
        """Run a trial once more, before any new one."""
        self._again.append(trial.number)

    def next(self, running: Collection[int]) -> LiveTrial | None:
        """The trial to run now, or None while there is none.

        Args:
            running: trials that the executor has.
        """
        if self._again:
            return self._state.live[self._again.popleft()]
        if not self.exhausted and self._state.search_configurations() < self._plan.trials:
            trial = self._search()
            if trial is not None:
                return trial
            self.exhausted = True
        if any(self._state.live[number].role == "search" for number in running):
            return None
        return next(self._confirmations(), None)

    def _search(self) -> LiveTrial | None:
        proposal = self._plan.proposer.next(self._state.seen(), self._state.taken, self._state.search_configurations())
        if proposal is None:
            return None
        reach("proposal-drawn")
        return self._write(proposal.configuration, proposal.point, "search", 0, proposal.memory)

    def _confirmations(self) -> Iterator[LiveTrial]:
        for configuration, params, replicate in confirmations_wanted(self._plan, self._state):
            if not self._state.has_replicate(configuration, replicate):
                yield self._write(configuration, params, "confirmation", replicate, {})

    def _write(
        self, configuration: str, params: Mapping[str, PointValue], role: Role, replicate: int, memory: Mapping[str, object]
    ) -> LiveTrial:
        """Put a new trial on record."""
        seed = training_seed(self._plan.seed, configuration, replicate)
        number = self._record.add_trial(NewTrial(params, role, configuration, seed, replicate, self._plan.planned_epochs, memory))
        reach("trial-written")
        trial = LiveTrial(number, role, configuration, seed, params, self._plan.planned_epochs)
        self._state.add(trial, replicate, memory)
        return trial


def confirmations_wanted(plan: StudyPlan, state: StudyState) -> list[tuple[str, Mapping[str, PointValue], int]]:
    """Configuration, params and replicate of every confirmation of the present leaders, whether trained or not."""
    if plan.confirm_top == 0:
        return []
    leaders = state.leaders(plan.confirm_top)
    return [(leader.configuration, leader.params, replicate) for replicate in range(1, plan.confirm_seeds + 1) for leader in leaders]


def is_over(plan: StudyPlan, state: StudyState, *, exhausted: bool) -> bool:
    """Whether a study has nothing left to hand out, told from its record alone.

    Args:
        plan: of the study.
        state: its trials.
        exhausted: whether every configuration of its space is known to have been proposed.
    """
    if state.live or not (exhausted or state.search_configurations() >= plan.trials):
        return False
    return all(state.has_replicate(configuration, replicate) for configuration, _, replicate in confirmations_wanted(plan, state))
