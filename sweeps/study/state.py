"""What the driver knows of its study: rebuilt from the record at the start, then kept beside it.

A finished trial's figures: computed once from its curve, then read from the record.
A trial that is not over: what the driver keeps of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from reports.stability import level, stability
from sweeps.record.reading import Attribute
from sweeps.search.history import SearchHistory
from sweeps.search.pruning.levels import LevelBook
from sweeps.search.view import SeenTrial
from sweeps.study.device_time import DeviceTime
from sweeps.study.observer import FinishedTrial, TrialProgress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from reports.records import AttemptRecord, Role, TrialState
    from search_spaces.conditions import PointValue
    from sweeps.record.reading import StoredTrial
    from sweeps.study.plan import StudyPlan


_FIGURES = ("stable", "level", "best", "last", "provisional")


def finished_trial(
    identity: tuple[int, Role, str, Mapping[str, PointValue]],
    state: TrialState,
    curve: NDArray[np.float32],
    *,
    maximize: bool,
    why: tuple[str | None, str | None] = (None, None),
    flags: tuple[str, ...] = (),
) -> FinishedTrial:
    """Score a trial that is over.

    Args:
        identity: number, role, configuration, params.
        state: how it ended.
        curve: the ranked metric, shape ``(num_epochs,)``.
        maximize: whether more is better.
        why: cause and error.
        flags: names of the curve's flags.
    """
    number, role, configuration, params = identity
    score = stability(curve, maximize=maximize)
    known = curve[~np.isnan(curve)]
    best = None if not len(known) else float(known.max() if maximize else known.min())
    return FinishedTrial(
        number=number,
        role=role,
        configuration=configuration,
        params=params,
        state=state,
        epochs=len(curve),
        stable=None if score is None else score.stable,
        level=None if score is None else score.level,
        best=best,
        last=float(known[-1]) if len(known) else None,
        cause=why[0],
        error=why[1],
        flags=flags,
        provisional=score is None or score.provisional,
    )


def score_attribute(trial: FinishedTrial) -> dict[str, float | bool | None]:
    """The figures as they are put on record; empty where there is no score."""
    if trial.stable is None or not all(
        np.isfinite(value) for value in (trial.stable, trial.level, trial.best, trial.last) if value is not None
    ):
        return {}
    return {name: getattr(trial, name) for name in _FIGURES}


def restored_trial(stored: StoredTrial, params: Mapping[str, PointValue], metric: str, *, maximize: bool) -> FinishedTrial:
    """A finished trial from the record; its curve is only decoded where the record holds no score."""
    attributes = stored.attributes
    identity = (stored.number, stored.role, stored.configuration, params)
    why = (attributes.get(Attribute.CAUSE), attributes.get(Attribute.ERROR))
    flags = tuple(str(flag) for flag in attributes.get(Attribute.DIAGNOSIS, {}).get("flags", ()))
    score: Mapping[str, Any] | None = attributes.get(Attribute.SCORE)
    if score is None:
        curve = metric_curve(stored, metric)
        return finished_trial(identity, stored.state, curve, maximize=maximize, why=why, flags=flags)
    return FinishedTrial(
        *identity,
        stored.state,
        stored.epochs,
        stable=score.get("stable"),
        level=score.get("level"),
        best=score.get("best"),
        last=score.get("last"),
        cause=why[0],
        error=why[1],
        flags=flags,
        provisional=bool(score.get("provisional")),
    )


def metric_curve(stored: StoredTrial, metric: str) -> NDArray[np.float32]:
    """A stored trial's curve of the metric, shape ``(num_epochs,)``; NaN throughout where it has none."""
    found = stored.curves.get(metric)
    return np.full(stored.epochs, np.nan, dtype=np.float32) if found is None else np.array(found, dtype=np.float32)


@dataclass
class LiveTrial:
    """Changes with every event of the trial.

    Attributes:
        number: in the study.
        role: why it is trained.
        configuration: ID.
        seed: training seed.
        params: active parameters.
        planned_epochs: epochs of a complete training.
        curves: metric to values so far, float32, NaN where an epoch has none.
        epochs: epochs on record.
        attempts: finished and running attempts, in order.
        worker: who has the running attempt.
        prune_reason: why the pruner stopped it, once it did.
        fault: what the trainable did wrong, once it did.
        notices: what its workers told that a person should know, each once.
    """

    number: int
    role: Role
    configuration: str
    seed: int
    params: Mapping[str, PointValue]
    planned_epochs: int
    curves: dict[str, list[np.float32]] = field(default_factory=dict)
    epochs: int = 0
    attempts: list[AttemptRecord] = field(default_factory=list)
    worker: str = ""
    prune_reason: str | None = None
    fault: str | None = None
    notices: list[str] = field(default_factory=list)

    @property
    def attempt(self) -> int:
        """Number of the last attempt, -1 before the first."""
        return self.attempts[-1].attempt if self.attempts else -1

    def add_epoch(self, figures: Mapping[str, float]) -> None:
        """Append an epoch's figures as they are on record: in float32, so that a resumed study computes with the same numbers."""
        for name in {**self.curves, **figures}:
            values = self.curves.setdefault(name, [np.float32(np.nan)] * self.epochs)
            values.append(np.float32(figures.get(name, np.nan)))
        self.epochs += 1

    def curve(self, metric: str) -> NDArray[np.float32]:
        """Values of a metric so far, shape ``(epochs,)``."""
        return np.asarray(self.curves.get(metric, [np.nan] * self.epochs), dtype=np.float32)

    def all_curves(self) -> dict[str, NDArray[np.float32]]:
        """Every metric's values so far."""
        return {name: np.asarray(values, dtype=np.float32) for name, values in self.curves.items()}

    def progress(self, metric: str, *, maximize: bool) -> TrialProgress:
        """A frozen view of it."""
        curve = self.curve(metric)
        known = curve[~np.isnan(curve)]
        return TrialProgress(
            number=self.number,
            role=self.role,
            configuration=self.configuration,
            params=self.params,
            attempt=max(self.attempt, 0),
            epoch=self.epochs,
            planned_epochs=self.planned_epochs,
            metric=float(known[-1]) if len(known) else None,
            level=float(level(curve, maximize=maximize)) if len(known) else None,
            worker=self.worker,
            driver=self.attempts[-1].driver if self.attempts else "",
        )


LEADERS = 5
_NO_MEMORY: Mapping[str, object] = {}


class StudyState:
    """All trials of a study: those that are over, and those that are not.

    Attributes:
        finished: number to trial, over.
        live: number to trial, not over: running, or waiting to be run again, by this driver or by another.
        held: those of the live that this driver may run and write.
        book: levels of the search trials.
        device_time: hours of training so far.
        taken: configurations that are not proposed again.
    """

    def __init__(self, plan: StudyPlan, trials: Iterable[StoredTrial]) -> None:
        self._plan = plan
        self.finished: dict[int, FinishedTrial] = {}
        self.live: dict[int, LiveTrial] = {}
        self.held: set[int] = set()
        self.book = LevelBook(maximize=plan.maximize)
        self.device_time = DeviceTime()
        self.taken: set[str] = set()
        self._replicates: set[tuple[str, int]] = set()
        self.history = SearchHistory(plan.proposer.space, maximize=plan.maximize)
        self._memory: dict[int, Mapping[str, object]] = {}
        for trial in trials:
            self._restore(trial)

    def add(self, trial: LiveTrial, replicate: int, memory: Mapping[str, object] = _NO_MEMORY) -> None:
        """A new trial of this driver is on record."""
        self.live[trial.number] = trial
        self.held.add(trial.number)
        self._replicates.add((trial.configuration, replicate))
        self.taken.add(trial.configuration)
        if memory:
            self._memory[trial.number] = memory

    def finish(self, trial: FinishedTrial) -> None:
        """A trial is over."""
        live = self.live.pop(trial.number)
        self.held.discard(trial.number)
        self.finished[trial.number] = trial
        if trial.role == "search":
            self.book.record(trial.number, live.curve(self._plan.metric), finished=trial.state == "COMPLETE")
            self._remember(trial)

    def follow(self, stored: StoredTrial) -> None:
        """Take over what another driver wrote of a trial."""
        if stored.number not in self.finished and stored.number not in self.held:
            self.live.pop(stored.number, None)
            self._restore(stored)

    def others(self) -> set[int]:
        """Trials that are not over and that this driver does not hold."""
        return self.live.keys() - self.held

    def seen(self) -> list[SeenTrial]:
        """Search trials as a sampler may know them, by number."""
        running = [
            SeenTrial(
                trial.number, trial.configuration, "RUNNING", trial.params, None, trial.epochs, self._memory.get(trial.number, _NO_MEMORY)
            )
            for trial in self.live.values()
            if trial.role == "search"
        ]
        return self.history.shown(running)

    def search_configurations(self) -> int:
        """Configurations that were proposed so far."""
        finished = sum(1 for trial in self.finished.values() if trial.role == "search")
        return finished + sum(1 for trial in self.live.values() if trial.role == "search")

    @property
    def complete(self) -> int:
        """Search trials that ran to their end."""
        return sum(1 for trial in self.finished.values() if trial.role == "search" and trial.state == "COMPLETE")

    def has_replicate(self, configuration: str, replicate: int) -> bool:
        """Whether a configuration was trained with this replicate's seed, or is being."""
        return (configuration, replicate) in self._replicates

    def next_repeat(self, configuration: str) -> int:
        """The replicate of the next search training of a configuration: 0, and for a duplicate that was asked for -1, -2, ..."""
        replicate = 0
        while self.has_replicate(configuration, replicate):
            replicate -= 1
        return replicate

    def leaders(self, count: int = LEADERS) -> list[FinishedTrial]:
        """The best complete search trials, best first; provisional scores come after all others."""
        sign = -1.0 if self._plan.maximize else 1.0
        complete = [
            trial for trial in self.finished.values() if trial.role == "search" and trial.state == "COMPLETE" and trial.stable is not None
        ]
        return sorted(complete, key=lambda trial: (trial.provisional, sign * (trial.stable or 0.0), trial.number))[:count]

    def _restore(self, stored: StoredTrial) -> None:
        """Take over a trial from the record."""
        attributes = stored.attributes
        params: dict[str, PointValue] = {name: value for name, value in stored.params.items() if isinstance(value, (int, float, str))}
        shorter = stored.role == "history" and int(attributes.get(Attribute.PLANNED_EPOCHS, 0)) < self._plan.planned_epochs
        if stored.role != "history":
            self._replicates.add((stored.configuration, int(attributes.get(Attribute.REPLICATE, 0))))
        if not shorter:
            self.taken.add(stored.configuration)
        if stored.system_attributes:
            self._memory[stored.number] = stored.system_attributes
        self.device_time.restore(stored.number, stored.attempts)
        if stored.state in ("RUNNING", "WAITING"):
            self._restore_live(stored, params)
            return
        trial = restored_trial(stored, params, self._plan.metric, maximize=self._plan.maximize)
        self.finished[stored.number] = trial
        if trial.role in ("search", "history"):
            if not shorter:
                self.book.record_later(
                    trial.number, stored.epochs, partial(metric_curve, stored, self._plan.metric), finished=trial.state == "COMPLETE"
                )
            self._remember(trial, shorter=shorter)

    def _restore_live(self, stored: StoredTrial, params: Mapping[str, PointValue]) -> None:
        """Take over a trial that is not over."""
        trial = LiveTrial(
            number=stored.number,
            role=stored.role,
            configuration=stored.configuration,
            seed=int(stored.attributes[Attribute.SEED]),
            params=params,
            planned_epochs=int(stored.attributes.get(Attribute.PLANNED_EPOCHS, self._plan.planned_epochs)),
            curves={name: list(values) for name, values in stored.curves.items()},
            epochs=stored.epochs,
            attempts=[attempt.record for attempt in stored.attempts],
            worker=stored.attempts[-1].record.worker if stored.attempts else "",
            notices=[str(text) for text in stored.attributes.get(Attribute.NOTICES, ())],
        )
        self.live[trial.number] = trial
        if trial.role == "search":
            self.book.record(trial.number, trial.curve(self._plan.metric), finished=False)

    def _remember(self, trial: FinishedTrial, *, shorter: bool = False) -> None:
        """Let samplers see a finished trial; failures without a curve teach them nothing but their place."""
        if trial.state not in ("COMPLETE", "PRUNED"):
            return
        state: Literal["COMPLETE", "PRUNED"] = "COMPLETE" if trial.state == "COMPLETE" else "PRUNED"
        memory = self._memory.get(trial.number, _NO_MEMORY)
        self.history.add(SeenTrial(trial.number, trial.configuration, state, trial.params, trial.stable, trial.epochs, memory, shorter))
