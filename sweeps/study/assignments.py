"""Which trial runs next: interrupted ones first, then the search, then the confirmation of its leaders.

`Others` keeps up with the other drivers of the study: what they did, and which trials they left behind.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

from reports.records import TrialRecord
from sweeps.record import StudyMovedOnError
from sweeps.seeds import training_seed
from sweeps.study.confirmation import Confirmation, Settling, confirmation_trainings
from sweeps.study.kill_points import reach
from sweeps.study.state import NO_MEMORY, LiveTrial

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reports.records import Role
    from search_spaces.conditions import PointValue
    from sweeps.record.facts import StudyFacts
    from sweeps.record.reading import TrialNews
    from sweeps.record.recorded_study import RecordedStudy
    from sweeps.study.plan import StudyPlan
    from sweeps.study.state import StudyState

_log = logging.getLogger(__name__)


class Others:
    """Keeps the driver's state beside the record that others write too.

    A study with one driver (SQLite) costs nothing here: what a dead driver left is this driver's at once, and then nothing ever changes from outside.
    """

    def __init__(self, record: RecordedStudy, state: StudyState) -> None:
        self._record = record
        self._state = state
        self._known: dict[int, tuple[object, ...]] = {}
        self._silent: dict[str, datetime] | None = None
        self._stopping: set[int] = set()

    @property
    def undecided(self) -> bool:
        """Whether a driver that held trials when this one began may still be alive: it has neither renewed its leases since nor lost them.

        If it lives, its next renewal says so in seconds; if it is dead, its trials come first: new proposals would be made without their results, and a study whose
        only driver was restarted elsewhere would go on otherwise than it had.
        """
        return self._silent is None or bool(self._silent)

    def follow(self) -> list[LiveTrial]:
        """Learn what others wrote; returns trials that nobody owned any more and that this driver has now taken over."""
        if not self._record.shared:
            return self._take_all()
        news = self._record.news(self._state.others())
        free = [each.number for each in news if each.free and each.number not in self._stopping and self._record.claim(each.number, each)]
        changed = [each.number for each in news if each.number in free or self._known.get(each.number) != each.written]
        for trial in self._record.read(changed) if changed else ():
            self._state.follow(trial)
        self._known |= {each.number: each.written for each in news}
        held = [self._hold(number) for number in free]
        self._note_renewals(news)
        return held

    def drop(self, number: int, *, running: bool) -> None:
        """A trial was lost to another driver; `running` says that its end is still to come from the executor."""
        self._state.held.discard(number)
        self._known.pop(number, None)
        if running:
            self._stopping.add(number)

    def stopped(self, number: int) -> bool:
        """The executor reported the end of a trial: whether it was one that had been lost."""
        if number not in self._stopping:
            return False
        self._stopping.discard(number)
        return True

    def _take_all(self) -> list[LiveTrial]:
        if self._silent is not None:
            return []
        self._silent = {}
        return [self._hold(number) for number in sorted(self._state.live)]

    def _hold(self, number: int) -> LiveTrial:
        self._state.held.add(number)
        self._known.pop(number, None)
        return self._state.live[number]

    def _note_renewals(self, news: Iterable[TrialNews]) -> None:
        """Note which drivers are alive: their leases were renewed, or are gone."""
        leases = [each.lease for each in news if each.lease is not None and each.number in self._state.others()]
        expires: dict[str, datetime] = {}
        for lease in leases:
            expires[lease.owner] = max(lease.expires, expires.get(lease.owner, lease.expires))
        if self._silent is not None:
            self._silent = {owner: first for owner, first in self._silent.items() if expires.get(owner) == first}
            return
        self._silent = expires
        for lease in {lease.owner: lease for lease in leases}.values():
            _log.warning(
                "study %s: driver %s holds trials; waiting at most %.0f s for a sign that it is alive",
                self._record.name,
                lease.driver,
                lease.left,
            )


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
        while not self._again and self._may_want_new():
            self.follow()
            if self._again:
                break
            try:
                return self._new()
            except StudyMovedOnError:  # another driver added one meanwhile, which may be this very configuration
                continue
        return self._state.live[self._again.popleft()] if self._again else None

    def _may_want_new(self) -> bool:
        """Whether a new trial may be wanted, as far as this driver knows."""
        return not self._others.undecided and (self._search_wanted() or (self._plan.confirm_top > 0 and not self._searching()))

    def _search_wanted(self) -> bool:
        return not self.exhausted and self._state.search_configurations() < self.target and not self._is_settled()

    def _searching(self) -> bool:
        return any(trial.role == "search" for trial in self._state.live.values())

    def _new(self) -> LiveTrial | None:
        """A new trial, on record; None while there is none.

        Raises:
            StudyMovedOnError: others have added trials that this driver has not read.
        """
        if self._search_wanted():
            trial = self._search()
            if trial is not None:
                return trial
            self.exhausted = True
        if self._searching():
            return None
        training = self.confirmation.next()
        return None if training is None else self._write(training.configuration, training.params, "confirmation", training.replicate)

    def _is_settled(self) -> bool:
        """Whether the search is over before its last trial; put on record, so that the next run and other drivers know."""
        if self._plan.stop_when_settled and not self.settled:
            self.settled = self._record.facts.settled
            if not self.settled and (reason := self._settling.reason(self._record.facts.num_val)):
                self.settled = reason
                self._record.update_facts(change=f"search settled: {reason}", settled=reason)
        return bool(self.settled)

    def _search(self) -> LiveTrial | None:
        proposal = self._plan.proposer.next(self._state.seen(), self._state.taken, self._state.search_configurations())
        if proposal is None:
            return None
        reach("proposal-drawn")
        replicate = self._state.next_repeat(proposal.configuration)
        return self._write(proposal.configuration, proposal.point, "search", replicate, proposal.memory)

    def _write(
        self, configuration: str, params: Mapping[str, PointValue], role: Role, replicate: int, memory: Mapping[str, object] = NO_MEMORY
    ) -> LiveTrial:
        """Put a new trial on record."""
        seed = training_seed(self._plan.seed, configuration, replicate)
        number, epochs = self._record.next_number, self._plan.planned_epochs
        trial = TrialRecord(number, configuration, role, "RUNNING", seed, params, {}, epochs, replicate=replicate, memory=memory)
        self._record.add_trial(trial)
        reach("trial-written")
        live = LiveTrial.of(trial)
        self._state.add(live, memory)
        return live


def is_over(plan: StudyPlan, state: StudyState, facts: StudyFacts) -> bool:
    """Whether a study has nothing left to hand out, by its record alone.

    Args:
        plan: of the study.
        state: its trials.
        facts: of the study: whether its space is exhausted, and whom it confirms.
    """
    settled = plan.stop_when_settled and bool(facts.settled)
    if state.live or not (facts.exhausted or settled or state.search_configurations() >= plan.trials):
        return False
    return all(state.has_replicate(each.configuration, each.replicate) for each in confirmation_trainings(plan, state, facts))
