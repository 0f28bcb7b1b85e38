"""How good a choice was: its regret, what was promised and what came true, and whether stated probabilities come true as often as they say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from replay import LATE

from reports.stability import stable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from outcomes import Outcome
    from study import Table

    Floats = NDArray[np.float64]

NEAR = 0.005
"""Half a point of accuracy."""
BINS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 1.0)
"""Edges within which stated probabilities are compared with what came true."""


@dataclass(frozen=True)
class Truth:
    """What trainings of each configuration of a space reach.

    Attributes:
        table: the space.
    """

    table: Table

    @cached_property
    def val(self) -> Floats:
        """Late validation accuracy of each training, ``(num_configurations, num_seeds)``."""
        late: Floats = self.table.val_accuracy[:, :, -LATE:].mean(axis=2)
        return late

    @cached_property
    def stable(self) -> Floats:
        """What each training holds, ``(num_configurations, num_seeds)``: what Steadysweep's probabilities speak of."""
        return np.apply_along_axis(lambda curve: stable(curve), 2, self.table.val_accuracy)  # noqa: PLW0108 - one argument alone

    @cached_property
    def test(self) -> Floats:
        """Late test accuracy of each training, ``(num_configurations, num_seeds)``."""
        late: Floats = self.table.test_accuracy[:, :, -LATE:].mean(axis=2)
        return late

    def others(self, figures: Floats, configuration: int, used: Sequence[int]) -> float:
        """Mean of a configuration's trainings that a sweep has not seen; of all where it saw all."""
        rest = np.delete(figures[configuration], list(used))
        return float(rest.mean() if rest.size else figures[configuration].mean())

    def came_true(self, finished: Sequence[int]) -> tuple[Floats, Floats]:
        """Whether each configuration holds most of these on average of all its trainings, and whether it is within half a point of that; 0 or 1."""
        held = self.stable.mean(axis=1)[list(finished)]
        best, near = np.zeros(self.stable.shape[0]), np.zeros(self.stable.shape[0])
        best[finished[int(held.argmax())]] = 1.0
        near[list(finished)] = held >= held.max() - NEAR
        return best, near


def figures(outcome: Outcome, truth: Truth) -> dict[str, float]:
    """All figures of an outcome; accuracies in points, NaN where the tool says nothing.

    Regret is against the configuration with the highest mean over all its seeds; *worse* means that the choice's other trainings reach less than the default
    configuration's on average of validation and test, *clearly* by half a point or more. *Holds* is the optimism of what Steadysweep says that the choice
    holds, against what its other trainings hold.
    """
    choice, table = outcome.choice, truth.table
    val, test = (truth.others(each, choice.configuration, outcome.used) for each in (truth.val, truth.test))
    default = (truth.val[table.default].mean() + truth.test[table.default].mean()) / 2.0
    lost = float(default - (val + test) / 2.0) if choice.configuration != table.default else 0.0
    return {
        "val regret": 100 * float(truth.val.mean(axis=1).max() - val),
        "test regret": 100 * float(truth.test.mean(axis=1).max() - test),
        "optimism": 100 * (choice.reported - val),
        "error": 100 * abs(choice.reported - val),
        "holds": 100 * (choice.figures.get("holds", np.nan) - truth.others(truth.stable, choice.configuration, outcome.used)),
        "expected": 100 * (choice.figures.get("expected", np.nan) - truth.others(truth.stable, choice.configuration, outcome.used)),
        "level": 100 * (choice.figures.get("level", np.nan) - val),
        "reach": 100
        * (sum(choice.figures.get(name, np.nan) * sign for name, sign in (("expected", 1), ("level", 1), ("holds", -1))) - val),
        "worse": 100.0 * (lost > 0.0),
        "clearly worse": 100.0 * (lost >= NEAR),
        "coverage": _coverage(outcome, truth),
        "tie": float("nan") if choice.tie is None else float(choice.tie),
        "trainings": float(outcome.trainings),
        "epochs": float(outcome.epochs),
    }


def _coverage(outcome: Outcome, truth: Truth) -> float:
    """Share of late epochs of the choice's other trainings inside its interval, percent."""
    interval = outcome.choice.interval
    if interval is None:
        return float("nan")
    curves = np.delete(truth.table.val_accuracy[outcome.choice.configuration, :, -LATE:], list(outcome.used), axis=0)
    return 100 * float(((curves >= interval[0]) & (curves <= interval[1])).mean()) if curves.size else float("nan")


def by_space(of: Sequence[Outcome], truths: Mapping[str, Truth]) -> dict[str, Floats]:
    """Figure to its values ``(num_spaces, num_sweeps)``, spaces in the order of `truths`."""
    rows = {name: [figures(each, truth) for each in of if each.space == name] for name, truth in truths.items()}
    names = next(iter(rows.values()))[0].keys()
    return {figure: np.array([[row[figure] for row in rows[name]] for name in truths]) for figure in names}


def interval(values: Floats, bootstraps: int) -> tuple[float, float, float]:
    """Mean of spaces' means, and 95 % of a bootstrap of spaces and, in each, of sweeps; values ``(num_spaces, num_sweeps)``."""
    draw = np.random.default_rng(0)
    spaces, sweeps = values.shape
    means = np.empty(bootstraps)
    for i in range(bootstraps):
        rows = draw.integers(0, spaces, spaces)
        means[i] = values[rows[:, None], draw.integers(0, sweeps, (spaces, sweeps))].mean()
    low, high = np.quantile(means, (0.025, 0.975))
    return float(values.mean()), float(low), float(high)


@dataclass(frozen=True)
class Calibration:
    """Stated probabilities against what came true.

    Attributes:
        stated: of each statement.
        true: whether it is so, 0 or 1.
        spaces: space of each statement.
    """

    stated: Floats
    true: Floats
    spaces: NDArray[np.str_]

    @property
    def gap(self) -> float:
        """Mean of stated minus true, points, spaces alike."""
        return 100 * float(np.mean([(self.stated - self.true)[self.spaces == each].mean() for each in np.unique(self.spaces)]))

    @property
    def bins(self) -> list[tuple[float, float, int]]:
        """Mean stated, mean true and number of statements within each pair of edges."""
        place = np.clip(np.searchsorted(BINS, self.stated, side="right") - 1, 0, len(BINS) - 2)
        return [
            (float(self.stated[place == i].mean()), float(self.true[place == i].mean()), int((place == i).sum()))
            for i in range(len(BINS) - 1)
            if (place == i).any()
        ]

    @property
    def bin_gap(self) -> float:
        """Mean over statements of the distance of their bin's stated and true mean, points."""
        bins = self.bins
        return 100 * sum(abs(stated - true) * number for stated, true, number in bins) / sum(number for _, _, number in bins)


def calibrations(of: Sequence[Outcome], truths: Mapping[str, Truth]) -> dict[str, Calibration]:
    """Of the chosen configuration's and of every finished configuration's probability of being the best, and of being near it."""
    rows: dict[str, list[tuple[float, float, str]]] = {}
    for each in of:
        choice = each.choice
        best, near = truths[each.space].came_true(each.finished)
        for what, stated, true in (("best", choice.probability_best, best), ("near", choice.probability_near, near)):
            for configuration, probability in stated.items():
                row = probability, float(true[configuration]), each.space
                rows.setdefault(f"{what}, all", []).append(row)
                if configuration == choice.configuration:
                    rows.setdefault(f"{what}, chosen", []).append(row)
    return {
        name: Calibration(np.array([row[0] for row in found]), np.array([row[1] for row in found]), np.array([row[2] for row in found]))
        for name, found in sorted(rows.items())
    }
