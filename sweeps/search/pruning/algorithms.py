"""Pruners that compare levels at equal epochs: asynchronous successive halving, and stopping below the median."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from reports.stability import level
from reports.wording import plain_score

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray


class LevelBook:
    """Curves of the metric by trial; levels are computed once, when somebody asks."""

    def __init__(self, *, metric: str, maximize: bool) -> None:
        self.metric = metric
        self.maximize = maximize
        self._curves: dict[int, NDArray[np.float32]] = {}
        self._later: dict[int, Callable[[], NDArray[np.float32]]] = {}
        self._epochs: dict[int, int] = {}
        self._finished: set[int] = set()
        self._levels: dict[tuple[int, int], float | None] = {}

    def record(self, trial: int, curve: NDArray[np.float32], *, finished: bool) -> None:
        """Keep a trial's curve so far, shape ``(num_epochs,)``; `finished` says that it ran to its planned end."""
        self._curves[trial] = curve
        self._epochs[trial] = len(curve)
        if finished:
            self._finished.add(trial)

    def record_later(self, trial: int, epochs: int, load: Callable[[], NDArray[np.float32]], *, finished: bool) -> None:
        """Keep a trial that is over, of which `load` gives the curve of `epochs` values if it is ever needed."""
        self._later[trial] = load
        self._epochs[trial] = epochs
        if finished:
            self._finished.add(trial)

    def level_at(self, trial: int, epoch: int) -> float | None:
        """Level of a trial's first `epoch` epochs; None if it has fewer, or no value among them."""
        key = (trial, epoch)
        if key not in self._levels:
            if self._epochs.get(trial, 0) < epoch:
                return None
            if trial in self._later:
                self._curves[trial] = self._later.pop(trial)()
            known = self._curves[trial][:epoch]
            self._levels[key] = float(level(known, maximize=self.maximize)) if not np.isnan(known).all() else None
        return self._levels[key]

    def levels_at(self, epoch: int, *, finished_only: bool = False, newest: int | None = None) -> list[float]:
        """Levels at an epoch of all trials that reached it.

        Args:
            epoch: counted from 1.
            finished_only: only trials that ran to their end.
            newest: only so many of them, the newest.
        """
        trials: Iterable[int] = sorted(self._finished) if finished_only else sorted(self._epochs)
        found = [value for trial in trials if (value := self.level_at(trial, epoch)) is not None]
        return found if newest is None else found[-newest:]


REDUCTION = 2


def default_grace(planned_epochs: int) -> int:
    """Epochs before any trial may be stopped: a quarter of the training, at least two (one epoch has no level to speak of).

    Chosen with `REDUCTION` by ``benchmarks/pruning.py``: earlier and harder stopping loses late risers, later stopping saves less.
    """
    return max(2, round(planned_epochs / 4))


def asha(planned_epochs: int, *, grace: int | None = None, reduction: int = REDUCTION) -> SuccessiveHalving:
    """Successive halving with our defaults."""
    return SuccessiveHalving(planned_epochs, default_grace(planned_epochs) if grace is None else grace, reduction)


def below_median(planned_epochs: int, *, grace: int | None = None, startup_trials: int = 5) -> MedianStopping:
    """Stopping below the median with our defaults."""
    return MedianStopping(planned_epochs, default_grace(planned_epochs) if grace is None else grace, startup_trials)


@dataclass(frozen=True)
class SuccessiveHalving:
    """At epochs grace, grace * reduction, grace * reduction**2, ... only the best 1/reduction of those that got there go on.

    A trial is judged once at each rung, against what is known by then; with fewer than `reduction` trials at a rung nothing is known.
    Source: Li et al., "A System for Massively Parallel Hyperparameter Tuning" (2020), algorithm 2, without promotion after the fact.

    Attributes:
        planned_epochs: epochs of a complete training.
        grace: epochs before the first rung.
        reduction: share that is stopped is 1 - 1/reduction.
    """

    planned_epochs: int
    grace: int
    reduction: int

    def rungs(self) -> tuple[int, ...]:
        """Epochs at which trials are judged; never the last one."""
        rungs, epoch = [], self.grace
        while epoch < self.planned_epochs:
            rungs.append(epoch)
            epoch *= self.reduction
        return tuple(rungs)

    def judge(self, book: LevelBook, trial: int, epoch: int) -> str | None:
        """Stop a trial whose level is not among the best at a rung."""
        if epoch not in self.rungs():
            return None
        own = book.level_at(trial, epoch)
        levels = book.levels_at(epoch)
        if own is None:
            return f"asha: no value of the metric in {epoch} epochs"
        if len(levels) < self.reduction:
            return None
        kept = math.ceil(len(levels) / self.reduction)
        better = sum(1 for other in levels if (other > own if book.maximize else other < own))
        if better < kept:
            return None
        return f"asha: level {plain_score(own, book.metric)} at epoch {epoch} ranks {better + 1} of {len(levels)}; the best {kept} go on"


NEWEST_PEERS = 500


@dataclass(frozen=True)
class MedianStopping:
    """Stops a trial whose level is worse than the median of finished trials at the same epoch.

    Source: Golovin et al., "Google Vizier" (2017), section 3.2.1, on the level instead of the running average.

    Attributes:
        planned_epochs: epochs of a complete training.
        grace: epochs that every trial gets.
        startup_trials: finished trials before any is stopped.
    """

    planned_epochs: int
    grace: int
    startup_trials: int

    def judge(self, book: LevelBook, trial: int, epoch: int) -> str | None:
        """Stop a trial below the median."""
        if epoch < self.grace or epoch >= self.planned_epochs:
            return None
        peers = book.levels_at(epoch, finished_only=True, newest=NEWEST_PEERS)
        if len(peers) < self.startup_trials:
            return None
        own = book.level_at(trial, epoch)
        middle = median(peers)
        if own is None:
            return f"median: no value of the metric in {epoch} epochs"
        if own >= middle if book.maximize else own <= middle:
            return None
        said, usual = plain_score(own, book.metric), plain_score(middle, book.metric)
        return f"median: level {said} at epoch {epoch} is worse than {usual}, the median of {len(peers)} finished trials"
