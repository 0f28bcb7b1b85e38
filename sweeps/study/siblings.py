"""Which momenta a search training carries beside its own: trials that differ in BatchNorm momentum alone are one training (`trainer.fit.siblings`)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sweeps.search.samplers.fixed_points import random_point
from sweeps.sweep_file.configuration import configuration_id, train_config
from sweeps.sweep_file.searchable import setting_path
from trainer.fit.siblings import why_not_carried

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from search_spaces.conditions import PointValue
    from search_spaces.parameters import Parameter
    from sweeps.sweep_file import SweepFile

MOMENTUM = ("model", "bn_momentum")
FIXED_MOMENTA = 3
"""Of a range: both ends and the middle, beside the proposal. Each costs a pass over the validation images an epoch."""
LISTED_MOMENTA = 5
"""Of a range in steps: so many values or fewer are all carried, as choices are."""
TOO_NEAR = 0.05
"""Two momenta whose distances from 1 differ by less than this share are one."""
OLDER_STUDY = "the study was begun by a version in which every momentum had a training seed of its own"
SHARING_OFF = "sharing is off"


@dataclass(frozen=True)
class Siblings:
    """The siblings of the points of a space that varies ``bn_momentum``.

    Attributes:
        sweep: the sweep file.
        parameter: the space's parameter of the momentum.
        boundaries: see `sweeps.sweep_file.configuration.effective_settings`.
        off: why no training carries any, or empty.
        seeds_by_training: whether points that differ in momentum alone have one training seed in the search.
    """

    sweep: SweepFile
    parameter: Parameter
    boundaries: Mapping[str, str] | None = None
    off: str = ""
    seeds_by_training: bool = True

    def points(self, point: Mapping[str, PointValue]) -> list[dict[str, PointValue]]:
        """The points that a point's training carries; none where it trains alone."""
        if self.parameter.name not in point or self.why_alone(point):
            return []
        return [{**point, self.parameter.name: momentum} for momentum in other_momenta(self.parameter, point[self.parameter.name])]

    def why_alone(self, point: Mapping[str, PointValue]) -> str:
        """Why a point's training carries no other momentum; empty where it does, and where the point has none."""
        name = self.parameter.name
        if name not in point:
            return ""
        if self.off:
            return self.off
        depending = [each.name for each in self.sweep.space.parameters.values() if each.when is not None and name in each.when.names]
        if depending:
            return f"{', '.join(depending)} {'depends' if len(depending) == 1 else 'depend'} on it"
        if self._has_no_effect(point):
            return "it has no effect in this configuration"
        return why_not_carried(train_config(self.sweep, point, 0), max(1, int(self.sweep.resources.gpus)))

    def training(self, point: Mapping[str, PointValue]) -> str:
        """Text that is equal for points whose search trainings have one seed: a configuration's ID, without the momentum."""
        if not self.seeds_by_training or self.parameter.name not in point:
            return configuration_id(self.sweep, point, self.boundaries)
        return self._without(point)

    def switched_off(self, reason: str, *, seeds_by_training: bool = True) -> Siblings:
        """The same, for a study in which no training carries any."""
        return replace(self, off=reason, seeds_by_training=seeds_by_training)

    def _without(self, point: Mapping[str, PointValue]) -> str:
        rest = {name: value for name, value in point.items() if name != self.parameter.name}
        return configuration_id(self.sweep, rest, self.boundaries)

    def _has_no_effect(self, point: Mapping[str, PointValue]) -> bool:
        others = other_momenta(self.parameter, point[self.parameter.name])
        own = configuration_id(self.sweep, point, self.boundaries)
        return bool(others) and all(
            configuration_id(self.sweep, {**point, self.parameter.name: other}, self.boundaries) == own for other in others
        )


@dataclass(frozen=True)
class CarriedMomenta:
    """What the trainings of a sweep will carry.

    Attributes:
        carried: further momenta of a training, at most.
        alone: why trainings carry none, those of some points; empty where all carry some.
    """

    carried: int
    alone: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What a person is told."""
        alone = f"trained alone, {'; or, '.join(self.alone)}" if self.alone else ""
        if not self.carried:
            return alone
        each = f"up to {self.carried} further {'momentum' if self.carried == 1 else 'momenta'} per training, each for one pass over the validation images an epoch"
        return f"{each}; elsewhere {alone}" if alone else each


POINTS_LOOKED_AT = 64


def carried_momenta(sweep: SweepFile) -> CarriedMomenta | None:
    """What the trainings of a sweep will carry, from points drawn of its space; None where it does not vary the momentum."""
    siblings = siblings_of(sweep)
    if siblings is None:
        return None
    generator = np.random.default_rng(0)
    points = [point for _ in range(POINTS_LOOKED_AT) if siblings.parameter.name in (point := random_point(sweep.space, generator))]
    reasons = dict.fromkeys(reason for point in points if (reason := siblings.why_alone(point)))
    return CarriedMomenta(max((len(siblings.points(point)) for point in points), default=0), tuple(reasons))


def siblings_of(sweep: SweepFile, boundaries: Mapping[str, str] | None = None) -> Siblings | None:
    """The siblings of a sweep's points; None where its space does not vary the momentum."""
    found = (each for name, each in sweep.space.parameters.items() if setting_path(name) == MOMENTUM)
    parameter = next(found, None)
    return None if parameter is None else Siblings(sweep, parameter, boundaries)


def other_momenta(parameter: Parameter, own: PointValue) -> list[PointValue]:
    """The further values of a momentum's parameter that a training with the value `own` carries, in order.

    Choices and short lists: all of them. Ranges: the same few for every training, spaced evenly in the logarithm of 1 - momentum, which is how much of a batch the
    statistics take up, or of the momentum itself where the space draws it so.
    """
    listed = parameter.finite_values()
    if listed is not None and (parameter.labels or len(listed) <= LISTED_MOMENTA):
        return [value for value in listed if value != own]
    fixed = spaced(float(parameter.low), float(parameter.high), log=parameter.log)
    values = [parameter.canonical(momentum if listed is None else _nearest(listed, momentum)) for momentum in fixed]
    return [value for value in dict.fromkeys(values) if parameter.contains(value) and not _near(value, own)]


def spaced(low: float, high: float, *, log: bool = False) -> list[float]:
    """`FIXED_MOMENTA` momenta from `low` to `high`, both in [0, 1), rounded between the ends to three digits of 1 - momentum."""
    if log:
        between = [low * (high / low) ** (place / (FIXED_MOMENTA - 1)) for place in range(1, FIXED_MOMENTA - 1)]
        return [low, *(float(f"{momentum:.3g}") for momentum in between), high]
    first, last = 1.0 - low, 1.0 - high
    between = [first * (last / first) ** (place / (FIXED_MOMENTA - 1)) for place in range(1, FIXED_MOMENTA - 1)]
    return [low, *(round(1.0 - float(f"{distance:.3g}"), 12) for distance in between), high]


def _nearest(values: Sequence[PointValue], momentum: float) -> PointValue:
    return min(values, key=lambda value: abs(float(value) - momentum))


def _near(one: PointValue, other: PointValue) -> bool:
    return math.isclose(1.0 - float(one), 1.0 - float(other), rel_tol=TOO_NEAR)
