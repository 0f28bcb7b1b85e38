"""Median stopping on the level at equal epochs."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweeps.search.pruning.levels import LevelBook

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
