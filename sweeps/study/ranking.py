"""Who leads in a study that is running, and which configurations may be the best."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from reports.costs import cost_of, efficient
from reports.flags import summarise_flags, trial_flags
from reports.ledger import NO_LEDGERS
from reports.metrics import counts_images, is_fraction
from reports.ranking import rank
from reports.ranking.race import next_contender
from reports.ranking.ranked import fresh_trials
from reports.stability import stability
from sweeps.record.study_record import study_record
from sweeps.study.state import metric_curve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reports.costs import Efficient
    from reports.flags import Flag
    from reports.ledger import LedgerSource
    from reports.ranking import RankedConfiguration
    from reports.ranking.belief import Contender
    from reports.records import StudyRecord, TrialRecord
    from reports.stability import StabilityScore
    from sweeps.record.study_record import StudyFacts
    from sweeps.study.state import StudyState


LEADERS = 5
"""Configurations that a run names as its leaders."""
SHARE_OF_TIME = 0.02
"""Of the driver's time that ranking may take: a study of ten thousand trials is ranked once in a minute or two, a usual one after each trial."""


class StudyRanking:
    """The finished configurations of a study, ranked as its report ranks them.

    Only trials that are over can change the order, and only configurations with a complete one have a place among the finished: the others are left out.
    Flags are found for the leaders alone. `facts` gives what the study is, as last read; `ledgers` says which images its trials got right.
    """

    def __init__(self, study: str, state: StudyState, facts: Callable[[], StudyFacts], ledgers: LedgerSource = NO_LEDGERS) -> None:
        self._study = study
        self._state = state
        self._facts = facts
        self._ledgers = ledgers
        self._ranked: tuple[RankedConfiguration, ...] = ()
        self._contenders: tuple[Contender, ...] = ()
        self._paired_sd: float | None = None
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

    def next_contender(self, pending: Mapping[str, int], seed: int) -> str | None:
        """The configuration that the next fresh training goes to, or None when the race is decided.

        Where a frontier is searched (``search.cost``), its members have one after the other: the one with the fewest, and of these the one that holds
        least more than a cheaper one, whose membership is the most doubtful. The frontier is that of all that is known by then. One member alone has rivals
        for the first place only, and these race.

        Args:
            pending: configuration to number of its fresh trainings under way.
            seed: of the belief's draws.
        """
        contenders = [replace(each, pending=pending.get(each.configuration, 0)) for each in self.contenders()]
        facts = self._facts()
        edge = self.frontier()
        if len(edge) > 1:
            trained = {each.configuration: each for each in contenders}
            able = [(trained[each.item], each.lead) for each in edge if trained[each.item].failed <= len(trained[each.item].fresh)]
            return (
                min(able, key=lambda each: (len(each[0].fresh) + each[0].failed + each[0].pending, each[1]))[0].configuration
                if able
                else None
            )
        return next_contender(
            contenders,
            num_val=facts.num_val if counts_images(facts.metric) else None,
            share=is_fraction(facts.metric),
            paired_sd=self._paired_sd,
            seed=seed,
        )

    def frontier(self) -> list[Efficient[str]]:
        """The IDs on the frontier that is searched, the cheapest first; empty where the best alone is."""
        facts = self._facts()
        if facts.cost is None:
            return []
        contenders = {each.configuration for each in self.contenders()}
        sign = 1.0 if facts.maximize else -1.0
        return efficient(
            (cost, sign * row.stable, row.configuration)
            for row in self._ranked
            if row.configuration in contenders and row.stable is not None and (cost := cost_of(row, facts.cost)) is not None
        )

    def undecided(self) -> tuple[str, ...]:
        """IDs of the best of them and of those that may be better, as far as is known: they are still in the race. Of a frontier, its members."""
        if len(edge := self.frontier()) > 1:
            return tuple(each.item for each in edge)
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
        self._record = study_record(self._study, facts, trials, self._ledgers)
        ranking = rank(self._record, flags={}, scores=self._scores)
        self._ranked, self._contenders, self._paired_sd = ranking.finished, ranking.contenders, ranking.paired_sd

    def _with_flags(self, ranked: RankedConfiguration) -> RankedConfiguration:
        complete = [trial for trial in ranked.trials if trial.state == "COMPLETE"]
        return replace(ranked, flags=summarise_flags({each.number: self._flags_of(each) for each in fresh_trials(complete) or complete}))

    def _flags_of(self, trial: TrialRecord) -> tuple[Flag, ...]:
        if self._record is None:
            return ()
        if trial.number not in self._flags:
            self._flags[trial.number] = trial_flags(trial, self._record)
        return self._flags[trial.number]
