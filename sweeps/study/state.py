"""What the driver knows of its study: rebuilt from the record at the start, then kept beside it.

A trial that is over is a `TrialRecord`; its score is computed once from its curve, then read from the record. A trial that is not over is a `LiveTrial`.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from reports.costs import violations
from reports.records import SEARCHED
from reports.stability import SCORE_RULE, stability
from sweeps.search.pruning.algorithms import LevelBook
from sweeps.search.view import SearchHistory, SeenTrial
from sweeps.study.known_costs import KnownCosts
from sweeps.study.live_trial import LiveTrial, point_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from reports.records import AttemptRecord, TrialRecord
    from sweeps.study.plan import StudyPlan


_HOUR = 3600.0


class DeviceTime:
    """Sums attempts: those on record, those ended in this run, those running."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._gpu_seconds = 0.0
        self._known: dict[int, list[tuple[float, float]]] = {}  # seconds and GPUs of each attempt
        self._running: dict[int, tuple[float, float]] = {}

    def restore(self, trial: int, attempts: Iterable[AttemptRecord]) -> None:
        """Take a trial's attempts from the record, in place of what was known of them.

        One that no worker took does not count, one that never ended counts up to its last epoch.
        """
        for seconds, gpu in self._known.pop(trial, ()):
            self._seconds -= seconds
            self._gpu_seconds -= seconds * gpu
        for attempt in attempts:
            started, ended = attempt.started, attempt.ended or attempt.seen
            if attempt.worker and started is not None and ended is not None:
                self._add(trial, max(0.0, (ended - started).total_seconds()), attempt.gpu)  # by clocks that may have been set meanwhile

    def begin(self, trial: int, gpu: float) -> None:
        """A worker took an attempt; what it waited for a node or a free GPU before is not counted."""
        self._running[trial] = (time.monotonic(), gpu)

    def end(self, trial: int) -> None:
        """An attempt ended."""
        if trial in self._running:
            started, gpu = self._running.pop(trial)
            self._add(trial, time.monotonic() - started, gpu)

    def trial_hours(self) -> float:
        """Hours of training so far."""
        return (self._seconds + sum(time.monotonic() - started for started, _ in self._running.values())) / _HOUR

    def gpu_hours(self) -> float:
        """Hours of training times each trial's GPUs."""
        return (self._gpu_seconds + sum((time.monotonic() - started) * gpu for started, gpu in self._running.values())) / _HOUR

    def _add(self, trial: int, seconds: float, gpu: float) -> None:
        lasted = max(seconds, 0.0)
        self._seconds += lasted
        self._gpu_seconds += lasted * gpu
        self._known.setdefault(trial, []).append((lasted, gpu))


def score_of(curve: NDArray[np.float32], *, complete: bool, maximize: bool) -> dict[str, float]:
    """`TrialRecord.score` of a curve of the ranked metric, shape ``(num_epochs,)``; empty where no epoch has a finite value.

    Only a complete training has a stable figure.
    """
    score = stability(curve, maximize=maximize)
    if score is None:
        return {}
    known = curve[~np.isnan(curve)]
    figures = {
        **({"stable": score.stable} if complete else {}),
        "level": score.level,
        "best": float(known.max() if maximize else known.min()),
        "last": float(known[-1]),
        "provisional": score.provisional,
        "rule": SCORE_RULE,
    }
    return {name: value for name, value in figures.items() if np.isfinite(value)}


def metric_curve(trial: TrialRecord, metric: str) -> NDArray[np.float32]:
    """A trial's curve of the metric, shape ``(num_epochs,)``; NaN throughout where it has none."""
    values = trial.curves.get(metric)
    return np.full(trial.num_epochs, np.nan, dtype=np.float32) if values is None else np.array(values, dtype=np.float32)


NO_MEMORY: Mapping[str, object] = {}


@dataclass
class Tally:
    """Trials that are over, counted as they end: a study of many asks for these figures again and again.

    Attributes:
        states: state to number of search trials.
        infeasible: search trials that broke a limit, among the pruned.
        epochs: that search trials trained.
        siblings: trials that another's training carried.
        confirmations: fresh trainings.
        parts: micro-batches that configurations came to by running out of memory.
    """

    states: Counter[str] = field(default_factory=Counter)
    infeasible: int = 0
    epochs: int = 0
    siblings: int = 0
    confirmations: int = 0
    parts: dict[str, int] = field(default_factory=dict)

    @property
    def search(self) -> int:
        """Search trials."""
        return self.states.total()

    def note(self, trial: TrialRecord) -> None:
        """Count a trial, once."""
        if trial.accumulate > 1:
            self.parts[trial.configuration] = max(trial.accumulate, self.parts.get(trial.configuration, 1))
        match trial.role:
            case "search":
                self.states[trial.state] += 1
                self.infeasible += bool(trial.infeasible)
                self.epochs += trial.num_epochs
            case "sibling":
                self.siblings += 1
            case "confirmation":
                self.confirmations += 1


class StudyState:
    """All trials of a study: those that are over, and those that are not.

    Attributes:
        finished: number to trial, over.
        tally: of the finished.
        live: number to trial, not over: running, or waiting to be run again, by this driver or by another.
        held: those of the live that this driver may run and write.
        book: levels of the search trials.
        device_time: hours of training so far.
        taken: configurations that are not proposed again.
        costs: of the networks that were measured.
    """

    def __init__(self, plan: StudyPlan, trials: Iterable[TrialRecord]) -> None:
        self._plan = plan
        self.finished: dict[int, TrialRecord] = {}
        self.tally = Tally()
        self.live: dict[int, LiveTrial] = {}
        self.held: set[int] = set()
        self.book = LevelBook(metric=plan.metric, maximize=plan.maximize)
        self.device_time = DeviceTime()
        self.taken: set[str] = set()
        self.costs = KnownCosts(plan)
        self._replicates: set[tuple[str, int]] = set()
        self._fresh: set[int] = set()
        self.history = SearchHistory(plan.proposer.space, maximize=plan.maximize)
        self._memory: dict[int, Mapping[str, object]] = {}
        for trial in trials:
            self._restore(trial)

    def add(self, trial: LiveTrial, memory: Mapping[str, object] = NO_MEMORY) -> None:
        """A new trial of this driver is on record."""
        self.live[trial.number] = trial
        self.held.add(trial.number)
        self._note_training(trial)
        self.taken.add(trial.configuration)
        if memory:
            self._memory[trial.number] = memory

    def finish(self, trial: TrialRecord) -> None:
        """A trial is over."""
        live = self.live.pop(trial.number)
        self.held.discard(trial.number)
        self._note_finished(trial)
        if trial.role in SEARCHED:
            self.book.record(trial.number, live.curve(self._plan.metric), finished=trial.state == "COMPLETE")
            self._remember(trial)

    def follow(self, trial: TrialRecord) -> None:
        """Take over what another driver wrote of a trial."""
        if trial.number not in self.finished and trial.number not in self.held:
            self.live.pop(trial.number, None)
            self._restore(trial)

    def forget(self, number: int) -> None:
        """A trial that was not over is gone from the storage; its configuration may be proposed again."""
        gone = self.live.pop(number, None)
        self.held.discard(number)
        others = {*(trial.configuration for trial in self.finished.values()), *(trial.configuration for trial in self.live.values())}
        if gone is not None and gone.configuration not in others:
            self.taken.discard(gone.configuration)
            self._replicates.discard((gone.configuration, gone.replicate))
        self._fresh.discard(number)

    def others(self) -> set[int]:
        """Trials that are not over and that this driver does not hold."""
        return self.live.keys() - self.held

    def seen(self) -> list[SeenTrial]:
        """Search trials as a sampler may know them, by number."""
        return self.history.shown(self._seen_alive(trial) for trial in self.live.values() if trial.role in SEARCHED)

    def _seen_alive(self, trial: LiveTrial) -> SeenTrial:
        """A trial that is not over; one that is pruned while its training goes on for its siblings is as good as over."""
        memory = self._memory.get(trial.number, NO_MEMORY)
        known = score_of(trial.curve(self._plan.metric), complete=False, maximize=self._plan.maximize) if trial.prune_reason else {}
        state: Literal["PRUNED", "RUNNING"] = "PRUNED" if trial.prune_reason else "RUNNING"
        return SeenTrial(trial.number, trial.configuration, state, trial.params, known.get("level"), trial.epochs, memory)

    def siblings_of(self, number: int) -> list[LiveTrial]:
        """The trials that a training carries and that are not over, by number."""
        return [trial for _, trial in sorted(self.live.items()) if trial.carrier == number]

    def finished_siblings_of(self, number: int) -> list[TrialRecord]:
        """The trials that a training carried and that are over."""
        if self._plan.siblings is None:
            return []
        return [trial for trial in self.finished.values() if trial.carrier == number]

    def search_epochs(self) -> int:
        """Epochs that search trials have trained so far; their siblings trained none of their own."""
        return self.tally.epochs + sum(trial.epochs for trial in self.live.values() if trial.role == "search")

    def search_configurations(self) -> int:
        """Configurations that were proposed so far."""
        return self.tally.search + sum(trial.role == "search" for trial in self.live.values())

    def tried_configurations(self) -> int:
        """Configurations that were proposed, or carried by a proposed one's training, so far."""
        return self.tally.search + self.tally.siblings + sum(trial.role in SEARCHED for trial in self.live.values())

    @property
    def complete(self) -> int:
        """Search trials that ran to their end."""
        return self.tally.states["COMPLETE"]

    def has_replicate(self, configuration: str, replicate: int) -> bool:
        """Whether a configuration was trained with this replicate's seed, or is being."""
        return (configuration, replicate) in self._replicates

    def next_fresh(self, configuration: str) -> int:
        """The replicate of the next fresh training of a configuration: 1, 2, ..."""
        replicate = 1
        while self.has_replicate(configuration, replicate):
            replicate += 1
        return replicate

    @property
    def fresh_trainings(self) -> int:
        """Confirmations on record, over or not, however they ended."""
        return len(self._fresh)

    def parts_of(self, configuration: str) -> int:
        """Micro-batches that a configuration's trainings came to by running out of memory; 1 where none did."""
        known = [trial.accumulate for trial in self.live.values() if trial.configuration == configuration]
        return max(self.tally.parts.get(configuration, 1), *known, 1)

    def live_confirmations(self) -> list[LiveTrial]:
        """Confirmations that are not over."""
        return [trial for trial in self.live.values() if trial.role == "confirmation"]

    def fresh_replicates(self) -> set[tuple[str, int]]:
        """Configuration and replicate of every confirmation on record."""
        return {(configuration, replicate) for configuration, replicate in self._replicates if replicate > 0}

    def next_repeat(self, configuration: str) -> int:
        """The replicate of the next search training of a configuration: 0, and for a duplicate that was asked for -1, -2, ..."""
        replicate = 0
        while self.has_replicate(configuration, replicate):
            replicate -= 1
        return replicate

    def search_order(self) -> list[TrialRecord]:
        """Complete search trials by their own figures, best first, provisional ones last: whom to confirm, and nothing else.

        Who leads is asked of `StudyRanking`.
        """
        sign = -1.0 if self._plan.maximize else 1.0
        complete = [trial for trial in self.finished.values() if trial.role in SEARCHED and trial.state == "COMPLETE" and trial.score]
        return sorted(complete, key=lambda trial: (trial.score["provisional"], sign * trial.score["stable"], trial.number))

    def _note_finished(self, trial: TrialRecord) -> None:
        self.finished[trial.number] = trial
        self.tally.note(trial)
        self.costs.note(trial)

    def _note_training(self, trial: TrialRecord | LiveTrial) -> None:
        """Remember a training of the study's own, so that its seed is not used again."""
        self._replicates.add((trial.configuration, trial.replicate))
        if trial.role == "confirmation":
            self._fresh.add(trial.number)

    def _restore(self, trial: TrialRecord) -> None:
        """Take over a trial from the record; its curve is only decoded where no score by today's rule is on record."""
        shorter = trial.role == "history" and trial.planned_epochs < self._plan.planned_epochs
        if trial.role != "history":
            self._note_training(trial)
        if not shorter:
            self.taken.add(trial.configuration)
        if trial.memory:
            self._memory[trial.number] = trial.memory
        self.device_time.restore(trial.number, trial.attempts)
        if trial.state in ("RUNNING", "WAITING"):
            live = self.live[trial.number] = LiveTrial.of(trial)
            if live.role in SEARCHED:
                self.book.record(live.number, live.curve(self._plan.metric), finished=False)
            return
        if not trial.score:
            values = metric_curve(trial, self._plan.metric)
            trial = replace(trial, score=score_of(values, complete=trial.state == "COMPLETE", maximize=self._plan.maximize))
        self._note_finished(trial)
        if trial.role in SEARCHED or trial.role == "history":
            if not shorter:
                curve = partial(metric_curve, trial, self._plan.metric)
                self.book.record_later(trial.number, trial.num_epochs, curve, finished=trial.state == "COMPLETE")
            self._remember(trial, shorter=shorter)

    def _remember(self, trial: TrialRecord, *, shorter: bool = False) -> None:
        """Let samplers see a finished trial; failures without a curve teach them nothing but their place."""
        match trial.state:
            case "COMPLETE" | "PRUNED" as state:
                memory, score = self._memory.get(trial.number, NO_MEMORY), trial.score.get("stable", trial.score.get("level"))
                seen = SeenTrial(
                    trial.number,
                    trial.configuration,
                    state,
                    point_of(trial),
                    score,
                    trial.num_epochs,
                    memory,
                    shorter,
                    cost=None if self._plan.cost is None else trial.figures.get(self._plan.cost),
                    violations=violations(trial.figures, self._plan.limits),
                )
                self.history.add(seen)
