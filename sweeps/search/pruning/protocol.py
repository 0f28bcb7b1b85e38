"""The seam of pruners: one question after each epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sweeps.search.pruning.levels import LevelBook


class Pruner(Protocol):
    """Stops trials that fall behind."""

    def judge(self, book: LevelBook, trial: int, epoch: int) -> str | None:
        """Why the trial should stop after `epoch` (counted from 1), in words with figures; None lets it go on."""
        ...
