"""A replayed sweep: a tool asks for trainings, and each is a row of the tabular study.

A training is given one seed of its configuration, epoch by epoch, and every epoch is counted. There are two worlds:

- *unseen*: each training gets another of the eight seeds, at least `HELD_OUT` of each configuration are never given out, and those that the sweep has not seen are
  the truth about its winner;
- *resampled*: seeds are drawn with replacement. The eight are then all that can happen, so that the truth, their mean, is known exactly: who the best is, and
  whether a choice is worse than another.

Sweeps of the same number give all tools the same seeds in the same order, so that their differences are paired.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from study import Table

    Floats = NDArray[np.float64]

HELD_OUT = 2
"""Seeds of each configuration that no sweep is given. Whoever trains a configuration more often than there are others gets the first again."""
LATE = 5
"""Last epochs whose mean is what a training reaches, as in `scores.py`."""


class Training:
    """One training of a replayed sweep; it goes on as far as it is asked to.

    Attributes:
        configuration: place in the grid.
        seed: place among the table's seeds.
    """

    def __init__(self, sweep: Sweep, configuration: int, seed: int) -> None:
        self.configuration = configuration
        self.seed = seed
        self._sweep = sweep
        self._reached = 0

    @property
    def curve(self) -> Floats:
        """Validation accuracy of the epochs so far, ``(num_epochs,)``, fraction."""
        curve: Floats = self._sweep.table.val_accuracy[self.configuration, self.seed, : self._reached]
        return curve

    def run(self, epochs: int | None = None) -> Floats:
        """Train up to an epoch, counted from the beginning; None is the planned end. Returns the curve."""
        end = self._sweep.table.num_epochs if epochs is None else min(epochs, self._sweep.table.num_epochs)
        self._sweep.epochs += max(0, end - self._reached)
        self._reached = max(end, self._reached)
        return self.curve


class Sweep:
    """What a tool sees of a space, and what it has spent.

    Args:
        table: the space.
        number: of the sweep; the same number gives the same seeds.
        trainings: budget in full trainings.
        resampled: whether seeds are drawn with replacement.

    Attributes:
        epochs: spent.
        started: trainings begun.
    """

    def __init__(self, table: Table, number: int, trainings: int, *, resampled: bool = False) -> None:
        self.table = table
        self.number = number
        self.trainings = trainings
        self.epochs = 0
        self.started: list[Training] = []
        draw = np.random.default_rng([zlib.crc32(table.name.encode()), number, int(resampled)])
        configurations, seeds = len(table.configurations), table.seeds.size
        if resampled:
            self._seeds = draw.integers(0, seeds, (configurations, 8 * seeds))
        else:
            order = draw.permuted(np.tile(np.arange(seeds), (configurations, 1)), axis=1)
            self._seeds = order[:, : max(1, seeds - HELD_OUT)]
        self._names = tuple(table.grid)

    @property
    def budget(self) -> int:
        """Epochs that may be spent."""
        return self.trainings * self.table.num_epochs

    @property
    def left(self) -> int:
        """Epochs that may still be spent."""
        return self.budget - self.epochs

    @property
    def affords_training(self) -> bool:
        """Whether one more full training is within the budget."""
        return self.left >= self.table.num_epochs

    def generator(self, purpose: int) -> np.random.Generator:
        """Random numbers of a tool, its own in each sweep."""
        return np.random.default_rng([zlib.crc32(self.table.name.encode()), self.number, purpose])

    def seed(self, purpose: int) -> int:
        """A seed for a tool that wants a number."""
        return int(self.generator(purpose).integers(1 << 31))

    def place(self, point: Mapping[str, Any]) -> int:
        """Place in the grid of a point, setting to value."""
        places = [self.table.grid[name].index(point[name]) for name in self._names]
        return int(np.ravel_multi_index(places, [len(self.table.grid[name]) for name in self._names]))

    def begin(self, configuration: int) -> Training:
        """A training of a configuration with its next seed; no epoch is trained yet."""
        before = sum(each.configuration == configuration for each in self.started)
        seeds = self._seeds[configuration]
        training = Training(self, configuration, int(seeds[before % seeds.size]))
        self.started.append(training)
        return training


@dataclass(frozen=True)
class Choice:
    """What a tool says at the end of its sweep.

    Attributes:
        configuration: that it names as the best.
        reported: validation accuracy that it prints for it, fraction.
        interval: of the accuracy of a new training at a late epoch, where it prints one.
        tie: configurations that it says may be as good, the chosen one included; None where it says nothing.
        probability_best: configuration to the probability that it is the best of those finished, where it prints one.
        probability_near: likewise, of being within half a point of the best.
        figures: further ones that it prints for its choice, by name.
    """

    configuration: int
    reported: float
    interval: tuple[float, float] | None = None
    tie: int | None = None
    probability_best: Mapping[int, float] = field(default_factory=dict)
    probability_near: Mapping[int, float] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Contender:
    """A way to search and to choose.

    Attributes:
        name: as printed.
        choose: runs a sweep to its end.
        share: of the budget that it is given; above 1 it is given more than the others.
        every: it replays each so-manieth sweep only.
        ours: whether it is Steadysweep.
    """

    name: str
    choose: Callable[[Sweep], Choice]
    share: float = 1.0
    every: int = 1
    ours: bool = False

    @property
    def slow(self) -> bool:
        """Whether its proposals cost seconds, so that its outcomes are kept and it is left out of the second world."""
        return self.every > 1 and not self.ours
