"""Independent random points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from search_spaces.domain import finite_values
from search_spaces.parameters import ChoiceParameter, FloatParameter, IntParameter, OrdinalParameter
from sweeps.search.samplers.protocol import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from search_spaces.parameters import Parameter, PointValue
    from search_spaces.space import SearchSpace
    from sweeps.search.samplers.protocol import Question


class RandomSampler:
    """Draws every active parameter from its range, whatever came before."""

    def propose(self, question: Question) -> Answer:
        """A random point."""
        return Answer(random_point(question.space, np.random.default_rng(question.seed)))


def random_point(
    space: SearchSpace, generator: np.random.Generator, given: Mapping[str, PointValue] | None = None
) -> dict[str, PointValue]:
    """A random point that keeps the values in `given`; inactive parameters are left out."""
    units = generator.random(len(space.parameters))
    return point_at(space, dict(zip(space.parameters, units.tolist(), strict=True)), given)


def point_at(space: SearchSpace, units: Mapping[str, float], given: Mapping[str, PointValue] | None = None) -> dict[str, PointValue]:
    """The point whose parameters lie at these shares of their ranges.

    Args:
        space: the space.
        units: parameter to its share of the range, in [0, 1).
        given: values that are kept.
    """
    kept = given or {}
    point: dict[str, PointValue] = {}
    for name, parameter in space.parameters.items():
        if parameter.when is None or parameter.when.holds(point):
            point[name] = kept[name] if name in kept else _at(parameter, units[name])
    return point


def _at(parameter: Parameter, unit: float) -> PointValue:
    """The value at a share in [0, 1) of a parameter's range."""
    if isinstance(parameter, (ChoiceParameter, OrdinalParameter)):
        return parameter.labels[min(int(unit * len(parameter.labels)), len(parameter.labels) - 1)]
    if isinstance(parameter, FloatParameter) and parameter.step is None:
        if parameter.log:
            return min(
                max(math.exp(math.log(parameter.low) + unit * (math.log(parameter.high) - math.log(parameter.low))), parameter.low),
                parameter.high,
            )
        return parameter.low + unit * (parameter.high - parameter.low)
    if isinstance(parameter, IntParameter) and parameter.log:
        drawn = math.exp(math.log(parameter.low - 0.5) + unit * (math.log(parameter.high + 0.5) - math.log(parameter.low - 0.5)))
        return min(max(round(drawn), parameter.low), parameter.high)
    values = finite_values(parameter) or ()
    return values[min(int(unit * len(values)), len(values) - 1)]
