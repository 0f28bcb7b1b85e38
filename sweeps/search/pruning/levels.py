"""Levels of every search trial at every epoch it reached: what pruners compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.stability import level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray


class LevelBook:
    """Curves of the metric by trial; levels are computed once, when somebody asks.

    Args:
        maximize: whether more is better.
    """

    def __init__(self, *, maximize: bool) -> None:
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
