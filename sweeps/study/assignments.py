"""Which trial runs next: interrupted ones first, then the search, then its confirmation. `Settling` ends the search early, where the sweep file asks for it.

`Others` keeps up with the other drivers of the study: what they did, and which trials they left behind.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from reports.records import SEARCHED, TrialRecord
from reports.wording import plain_score, points
from sweeps.errors import SweepInputError
from sweeps.record.errors import StudyMovedOnError
from sweeps.record.leases import UNFINISHED
from sweeps.search.samplers.fixed_points import random_point
from sweeps.search.settled import LEAST_TRIALS, possible_gain, worth_searching
from sweeps.search.view import inside, plain
from sweeps.seeds import proposal_seed, training_seed, validation_seed
from sweeps.study.confirmation import Confirmation, next_training
from sweeps.study.kill_points import reach
from sweeps.study.live_trial import LiveTrial
from sweeps.study.requests import point_asked_for
from sweeps.study.state import NO_MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from reports.records import Role
    from search_spaces.conditions import PointValue
    from sweeps.record.foreign import Request
    from sweeps.record.reading import TrialNews
    from sweeps.record.recorded_study import RecordedStudy
    from sweeps.record.study_record import StudyFacts
    from sweeps.study.plan import StudyPlan
    from sweeps.study.ranking import StudyRanking
    from sweeps.study.state import StudyState

_log = logging.getLogger(__name__)
SHOWN_ROWS = 5


class Others:
    """Keeps the driver's state beside the record that others write too.

    Of a study with one driver (SQLite), what a dead driver left is this driver's at once; from then on only other software changes anything. Trials that it ends
    or deletes are given up, rows that it adds are told once.
    """

    def __init__(self, record: RecordedStudy, state: StudyState, wants: Callable[[LiveTrial], bool] = lambda _: True) -> None:
        """Args: wants: whether this driver would run a trial that nobody owns."""
        self._record = record
        self._state = state
        self._wants = wants
        self._known: dict[int, tuple[object, ...]] = {}
        self._silent: dict[str, datetime] | None = None
        self._stopping: set[int] = set()
        self._changed: dict[int, str] = {}
        self._ordered: dict[int, str] = {}
        self._told: set[int] = set()

    @property
    def undecided(self) -> bool:
        """Whether a driver that held trials when this one began may still be alive: it has neither renewed its leases since nor lost them.

        If it lives, its next renewal says so in seconds; if it is dead, its trials come first: new proposals would be made without their results, and a study whose
        only driver was restarted elsewhere would go on otherwise than it had.
        """
        return self._silent is None or bool(self._silent)

    def follow(self) -> list[LiveTrial]:
        """Learn what others wrote; returns trials that nobody owned any more and that this driver has now taken over."""
        news = self._record.news(self._state.live)
        self._note_changes(news)
        self._tell_left_alone()
        if not self._record.shared:
            first, self._silent = self._silent is None, {}
            return [self._hold(number) for number in self._wanted()] if first else []
        news = [each for each in news if each.number not in self._state.held]
        wanted = {each.number for each in news} - self._state.live.keys() | set(self._wanted())
        free: list[int] = []
        for each in news:  # by number: a carrier before its siblings, which belong to whoever has it
            mine = each.carrier is None or each.carrier in self._state.held or each.carrier in free
            if mine and each.free and each.number in wanted and each.number not in self._stopping and self._record.claim(each.number, each):
                free.append(each.number)
        changed = [each.number for each in news if each.number in free or self._known.get(each.number) != each.written]
        for trial in self._record.read(changed) if changed else ():
            self._state.follow(trial)
        self._known |= {each.number: each.written for each in news}
        held = [self._hold(number) for number in free]
        self._note_renewals(news)
        return held

    def changed(self) -> dict[int, str]:
        """Trials of this driver that other software has ended or deleted since the last call, each with what became of it."""
        changed, self._changed = self._changed, {}
        return changed

    def ordered_to_end(self) -> dict[int, str]:
        """Trials that shall end where they stand, each with why, as the record had it at the last looks; the driver's own pruning among them."""
        ordered, self._ordered = self._ordered, {}
        return ordered

    def give_up(self, number: int, *, running: bool) -> None:
        """A trial was ended or deleted by other software: take it over as it is now, or forget it; with the whole study gone, the run ends."""
        self._record.check_there()
        self.drop(number, running=running)
        for trial in self._record.read([number]):
            if trial.state not in UNFINISHED:
                self._state.follow(trial)
        if number not in self._state.finished:
            self._state.forget(number)

    def _note_changes(self, news: Iterable[TrialNews]) -> None:
        """Note which trials shall end, and which of this driver's are not running any more although no driver has ended them.

        Another driver would have begun an attempt of its own.
        """
        on_record = {each.number: each for each in news}
        self._ordered |= {number: each.pruned for number, each in on_record.items() if each.pruned and each.unfinished}
        for number, live in self._state.live.items():
            now = on_record.get(number)
            if now is None:
                self._changed[number] = "was deleted"
            elif not now.unfinished and number in self._state.held and now.attempts == len(live.attempts):
                self._changed[number] = f"was set to {now.state}"

    def _tell_left_alone(self) -> None:
        """Say once of each row of other software that it is neither ranked nor counted."""
        left = self._record.left_alone
        new = sorted(left.keys() - self._told)
        self._told |= left.keys()
        if new:
            rows = ", ".join(f"{number} ({left[number]})" for number in new[:SHOWN_ROWS]) + (", ..." if len(new) > SHOWN_ROWS else "")
            _log.warning(
                "study %s: %d row%s by other software (trial %s): neither ranked nor counted. Ask for a point with `steadysweep add` or study.enqueue_trial",
                self._record.name,
                len(new),
                " was added" if len(new) == 1 else "s were added",
                rows,
            )

    def drop(self, number: int, *, running: bool) -> None:
        """A trial was lost to another driver; `running` says that its end is still to come from the executor."""
        self._state.held.discard(number)
        self._known.pop(number, None)
        if running:
            self._stopping.add(number)

    @property
    def stopping(self) -> bool:
        """Whether a worker is still ending a trial that was lost: until then it takes the place of another."""
        return bool(self._stopping)

    def stopped(self, number: int) -> bool:
        """The executor reported the end of a trial: whether it was one that had been lost."""
        if number not in self._stopping:
            return False
        self._stopping.discard(number)
        return True

    def _wanted(self) -> list[int]:
        """Known trials that are not over and that this driver would run, by number."""
        return [number for number, trial in sorted(self._state.live.items()) if self._wants(trial)]

    def _hold(self, number: int) -> LiveTrial:
        self._state.held.add(number)
        self._known.pop(number, None)
        return self._state.live[number]

    def _note_renewals(self, news: Iterable[TrialNews]) -> None:
        """Note which drivers are alive: their leases were renewed, or are gone."""
        others = self._state.others()
        leases = sorted((each.lease for each in news if each.lease is not None and each.number in others), key=lambda lease: lease.expires)
        last = {lease.owner: lease for lease in leases}
        if self._silent is not None:
            self._silent = {owner: first for owner, first in self._silent.items() if owner in last and last[owner].expires == first}
            return
        self._silent = {owner: lease.expires for owner, lease in last.items()}
        for lease in last.values():
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
        confirmation: once the search is over.
    """

    def __init__(
        self, plan: StudyPlan, record: RecordedStudy, state: StudyState, ranking: StudyRanking, *, confirm_only: bool = False
    ) -> None:
        """Args: confirm_only: neither go on with the search nor wait for it."""
        self._confirm_only = confirm_only
        self._plan = plan
        self._record = record
        self._state = state
        self.others = Others(record, state, self._concerns)
        self._again: deque[int] = deque()
        self.exhausted = False
        self.settled = ""
        self._settling = Settling(plan, state)
        self.confirmation = Confirmation(plan, record, state, ranking)

    @property
    def target(self) -> int:
        """Search configurations wanted; another driver may have been started with more."""
        return max(self._plan.trials, self._record.facts.target_trials or 0)

    @property
    def paused(self) -> bool:
        """Whether no new trial begins until somebody says so."""
        return bool(self._record.facts.paused)

    def follow(self) -> None:
        """Learn what other drivers did; trials that nobody owns any more run next."""
        for trial in self.others.follow():
            if trial.carrier is None:  # a sibling goes on with its carrier
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
        while not self._again and not self.paused and (self._may_want_new() or self._requested()):  # the second asks the database
            self.follow()
            if self._again:
                break
            if (asked := self._adopted()) is not None:
                return self._with_siblings(asked)
            if not self._may_want_new():
                return None
            try:
                trial = self._new()
            except StudyMovedOnError:  # another driver added one meanwhile, which may be this very configuration
                continue
            return None if trial is None else self._with_siblings(trial)
        ready = next((number for number in self._again if self._family_is_held(number)), None)
        if ready is None:
            return None
        self._again.remove(ready)
        return self._with_siblings(self._state.live[ready])

    def held_back(self) -> bool:
        """Whether the study is paused and would begin a trial otherwise; interrupted trials go on all the same."""
        if not self.paused:
            return False
        return self._search_wanted() or (not self._searching() and self.confirmation.left) or self._requested()

    def _family_is_held(self, number: int) -> bool:
        """Whether this driver has a trial's siblings too: the leases of a driver that died end one after the other."""
        return all(sibling.number in self._state.held for sibling in self._state.siblings_of(number))

    def _requested(self) -> bool:
        """Whether points wait that this run would train."""
        return not self._confirm_only and not self.others.undecided and bool(self._record.requests())

    def _adopted(self) -> LiveTrial | None:
        """The first point that was asked for and can be trained, on record as a trial; those before it are refused with a message."""
        if self._confirm_only:
            return None
        for request in self._record.requests():
            try:
                trial = self._trial_of(request)
            except SweepInputError as error:
                if self._record.refuse(request, str(error)):
                    _log.warning("study %s: the point asked for as trial %d is not trained: %s", self._record.name, request.number, error)
                continue
            adopted = self._record.adopt(request, trial)
            if adopted is not None:
                _log.info("study %s: trial %d trains a point that was asked for", self._record.name, adopted.number)
                return self._alive(adopted)
        return None

    def _trial_of(self, request: Request) -> TrialRecord:
        """The trial that a request becomes; what it leaves open is drawn, always alike.

        Raises:
            SweepInputError: its values are not of the space, or were trained already.
        """
        plan, space = self._plan, self._plan.proposer.space
        given = point_asked_for(space, request.given)
        point = plain(random_point(space, np.random.default_rng([plan.seed, request.trial_id]), given))
        if not inside(point, space):
            raise SweepInputError("its values do not go together in the study's space; read the conditions (when:) of its parameters")
        configuration = plan.proposer.configuration_id(point)
        if configuration in self._state.taken and not plan.proposer.duplicates:
            raise SweepInputError(
                f"its configuration {configuration} has been trained already; `steadysweep confirm {self._record.name} --configuration {configuration}` "
                "trains it again from a fresh seed"
            )
        return self._new_trial(configuration, point, "search", self._state.next_repeat(configuration), number=request.number)

    def _may_want_new(self) -> bool:
        """Whether a new trial may be wanted, as far as this driver knows."""
        return not self.others.undecided and (self._search_wanted() or (not self._searching() and self.confirmation.wanted))

    def open(self) -> bool:
        """Whether a trial is not over that this run would go on with, here or elsewhere."""
        return any(self._concerns(trial) for trial in self._state.live.values())

    def _concerns(self, trial: LiveTrial) -> bool:
        return not self._confirm_only or trial.role == "confirmation"

    def _search_wanted(self) -> bool:
        return (
            not self._confirm_only and not self.exhausted and self._state.search_configurations() < self.target and not self._is_settled()
        )

    def _searching(self) -> bool:
        return not self._confirm_only and any(trial.role in SEARCHED for trial in self._state.live.values())

    def _new(self) -> LiveTrial | None:
        """A new trial, on record; None while there is none.

        Raises:
            StudyMovedOnError: others have added trials that this driver has not read.
        """
        if self._search_wanted():
            if (trial := self._search()) is not None:
                return trial
            self.exhausted = True
        if self._searching():
            return None
        training = self.confirmation.next()
        if training is None:
            return None
        return self._write(self._new_trial(training.configuration, training.params, "confirmation", training.replicate))

    def _is_settled(self) -> bool:
        """Whether the search is over before its last trial; put on record, so that the next run and other drivers know."""
        if self._plan.stop_when_settled and not self.settled:
            self.settled = self._record.facts.settled
            if not self.settled and (reason := self._settling.reason(self._record.facts.num_val)):
                self.settled = reason
                self._record.update_facts(change=f"search settled: {reason}", settled=reason)
        return bool(self.settled)

    def _search(self) -> LiveTrial | None:
        proposal = self._plan.proposer.next(
            self._state.seen(), self._state.taken, self._state.search_configurations(), self._state.costs.refuses
        )
        if proposal is None:
            return None
        reach("proposal-drawn")
        replicate = self._state.next_repeat(proposal.configuration)
        return self._write(self._new_trial(proposal.configuration, proposal.point, "search", replicate, memory=proposal.memory))

    def _with_siblings(self, trial: LiveTrial) -> LiveTrial:
        """A trial whose siblings are on record, those that nobody has tried: written before its first attempt, which a driver may have died before."""
        if self._plan.siblings is None or (trial.role, trial.replicate, trial.attempt) != ("search", 0, -1):
            return trial
        points = self._plan.siblings.points(trial.params)
        while points:
            configuration = self._plan.proposer.configuration_id(points[0])
            try:
                if configuration not in self._state.taken:
                    self._write(self._new_trial(configuration, points[0], "sibling", 0, carrier=trial.number))
                    reach("sibling-written")
                points.pop(0)
            except StudyMovedOnError:  # another driver added one meanwhile, which may be this very configuration
                self.follow()
        return trial

    def _write(self, trial: TrialRecord) -> LiveTrial:
        """Put a new trial on record."""
        self._record.add_trial(trial)
        if trial.carrier is None:
            reach("trial-written")
        return self._alive(trial)

    def _alive(self, trial: TrialRecord) -> LiveTrial:
        """A trial that has just been put on record, as one of this driver's."""
        live = LiveTrial.of(trial)
        self._state.add(live, trial.memory)
        return live

    def _new_trial(
        self,
        configuration: str,
        params: Mapping[str, PointValue],
        role: Role,
        replicate: int,
        *,
        number: int | None = None,
        memory: Mapping[str, object] = NO_MEMORY,
        carrier: int | None = None,
    ) -> TrialRecord:
        """A trial that begins now."""
        of_search = role in SEARCHED
        return TrialRecord(
            self._record.next_number if number is None else number,
            configuration,
            role,
            "RUNNING",
            self._plan.search_seed(configuration, params, replicate)
            if of_search
            else training_seed(self._plan.seed, configuration, replicate),
            params,
            {},
            self._plan.planned_epochs,
            carrier=carrier,
            replicate=replicate,
            validation_seed=validation_seed(self._plan.seed, replicate) if role == "confirmation" and self._plan.confirm.resplit else None,
            memory=memory,
        )


SHARE_BETWEEN = 20
"""The rule is asked again when a twentieth more trials are complete: its model costs the cube of them."""


class Settling:
    """Asks the rule now and then, if the plan wants it."""

    def __init__(self, plan: StudyPlan, state: StudyState) -> None:
        self._plan = plan
        self._state = state
        self._next = LEAST_TRIALS

    def reason(self, num_val: int | None) -> str:
        """Why the search is over, in words with figures; empty while it is not. `num_val` counts the validation images, where known."""
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
        of_best = f"the standard error of the best figure on {num_val} validation images"
        why = of_best if plan.settled_within is None else "as the sweep file asks"
        return (
            f"after {gain.trials} complete trials an untried configuration may hold at most {points(gain.gain, plan.metric, decimals=2)} more "
            f"than the best ({plain_score(gain.best, plan.metric)}); less than {points(limit, plan.metric, decimals=2)}, {why}"
        )


def is_over(plan: StudyPlan, state: StudyState, facts: StudyFacts, ranking: StudyRanking) -> bool:
    """Whether a study has nothing left to hand out, by its record alone; its facts say whether its space is exhausted, and what of its confirmation was planned."""
    settled = plan.stop_when_settled and bool(facts.settled)
    if state.live or not (facts.exhausted or settled or state.search_configurations() >= plan.trials):
        return False
    return next_training(plan, state, facts, ranking) is None
