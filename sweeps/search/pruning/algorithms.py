"""Pruners that compare levels at equal epochs: asynchronous successive halving, and stopping below the median."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweeps.search.pruning.levels import LevelBook


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
        return f"asha: level {own:.4g} at epoch {epoch} ranks {better + 1} of {len(levels)}; the best {kept} go on"


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
        return f"median: level {own:.4g} at epoch {epoch} is worse than {middle:.4g}, the median of {len(peers)} finished trials"
