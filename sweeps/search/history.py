"""Search trials that are over, kept so that a sampler's view of them costs the same after ten thousand trials as after one thousand."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from search_spaces import PointValue, SearchSpace
    from sweeps.search.view import SeenTrial

BEST = 25  # TPE's good group never exceeds 25 trials (optuna.samplers._tpe.default_gamma)
OTHERS = 1_000


class SearchHistory:
    """Holds one trial a configuration: the one with most epochs, the earlier of equals.

    Args:
        space: the space as it is now; trials outside are left out (a narrowed space changes what samplers see, not the record).
        maximize: whether more is better.
    """

    def __init__(self, space: SearchSpace, *, maximize: bool) -> None:
        self._space = space
        self._sign = -1.0 if maximize else 1.0
        self._trials: dict[int, SeenTrial] = {}
        self._by_configuration: dict[str, int] = {}
        self._numbers: list[int] = []
        self._ranked: list[tuple[float, int]] = []

    def add(self, trial: SeenTrial) -> None:
        """Keep a trial that is over."""
        if not inside(trial.point, self._space):
            return
        other = self._by_configuration.get(trial.configuration)
        if other is not None:
            if not _better_known(trial, self._trials[other]):
                return
            self._forget(other)
        self._trials[trial.number] = trial
        self._by_configuration[trial.configuration] = trial.number
        insort(self._numbers, trial.number)
        if trial.state == "COMPLETE" and trial.score is not None and math.isfinite(trial.score):
            insort(self._ranked, (self._sign * trial.score, trial.number))

    def shown(self, running: Iterable[SeenTrial] = ()) -> list[SeenTrial]:
        """What a sampler is shown, by number: the best, the newest thousand of the others, and what runs."""
        best = {number for _, number in self._ranked[:BEST]}
        others: list[int] = []
        for number in reversed(self._numbers):
            if len(others) == OTHERS:
                break
            if number not in best:
                others.append(number)
        chosen = [self._trials[number] for number in sorted([*best, *others])]
        live = [trial for trial in running if trial.configuration not in self._by_configuration and inside(trial.point, self._space)]
        return sorted([*chosen, *live], key=lambda trial: trial.number) if live else chosen

    def _forget(self, number: int) -> None:
        trial = self._trials.pop(number)
        del self._numbers[bisect_left(self._numbers, number)]
        if trial.state == "COMPLETE" and trial.score is not None:
            self._ranked = [entry for entry in self._ranked if entry[1] != number]


def inside(point: Mapping[str, PointValue], space: SearchSpace) -> bool:
    """Whether `point` is one of `space`."""
    for name, value in point.items():
        parameter = space.parameters.get(name)
        if parameter is None or not parameter.contains(value):
            return False
    return all(name in point or not (parameter.when is None or parameter.when.holds(point)) for name, parameter in space.parameters.items())


def _better_known(trial: SeenTrial, other: SeenTrial) -> bool:
    """Whether `trial` says more about their configuration."""
    return (trial.score is not None, trial.epochs, -trial.number) > (other.score is not None, other.epochs, -other.number)
