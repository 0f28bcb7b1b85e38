"""A search space: named parameters, conditions between them, starting points.

The spaces that ship with the product, as YAML files beside this module.
What values a parameter can take: membership, canonical form, enumeration, size.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from search_spaces.located_yaml import load_yaml
from search_spaces.parameters import ChoiceParameter, IntParameter, OrdinalParameter, Parameter, PointValue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True)
class SearchSpace:
    """Parameters in the order of the file.

    Attributes:
        parameters: name (``learning_rate`` or a path such as ``training.batch_size``) to parameter.
        starting_points: points that are tried first; parameters they leave out are drawn.
        name: a shipped space's name, a file's stem, or ``inline``.
        description: why these ranges.
    """

    parameters: Mapping[str, Parameter]
    starting_points: tuple[Mapping[str, PointValue], ...] = ()
    name: str = "inline"
    description: str = ""

    def active(self, point: Mapping[str, PointValue]) -> dict[str, PointValue]:
        """`point` without the parameters whose condition does not hold in it."""
        active: dict[str, PointValue] = {}
        for name, parameter in self.parameters.items():
            if name in point and (parameter.when is None or parameter.when.holds(active)):
                active[name] = point[name]
        return active


_FOLDER = Path(__file__).parent / "spaces"


@cache
def shipped_names() -> tuple[str, ...]:
    """Names of the shipped spaces, sorted."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.yaml")))


def shipped_text(name: str) -> str:
    """The YAML of a shipped space, comments and all; `name` is one of `shipped_names`."""
    return (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def shipped() -> dict[str, str]:
    """Name to description (its first paragraph) of each shipped space."""
    documents = {name: load_yaml(shipped_text(name), f"{name}.yaml").value for name in shipped_names()}
    return {name: " ".join(document["description"].strip().split("\n\n")[0].split()) for name, document in documents.items()}


_STEP_TOLERANCE = 1e-6  # of a step: rounding of low + k * step, not another value


def contains(parameter: Parameter, value: object) -> bool:
    """Whether `value` (a label, for choices) is one that `parameter` can take."""
    if isinstance(parameter, (ChoiceParameter, OrdinalParameter)):
        return value in parameter.labels
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not parameter.low <= value <= parameter.high:
        return False
    if isinstance(parameter, IntParameter):
        return float(value).is_integer() and (int(value) - parameter.low) % parameter.step == 0
    if parameter.step is None:
        return True
    steps = (value - parameter.low) / parameter.step
    return abs(steps - round(steps)) < _STEP_TOLERANCE


def canonical_value(parameter: Parameter, value: PointValue) -> PointValue:
    """`value` in the one form that stands for it: a label, an int, or a float without the rounding of its steps (.15, not .15000000000000002)."""
    if isinstance(parameter, (ChoiceParameter, OrdinalParameter)):
        return str(value)
    if isinstance(parameter, IntParameter):
        return int(value)
    if parameter.step is None:
        return float(value) + 0.0  # -0.0 becomes 0.0
    return stepped(parameter.low, parameter.step, round((float(value) - parameter.low) / parameter.step))


def stepped(low: float, step: float, index: int) -> float:
    """``low + index * step`` in decimal arithmetic, so that .1 + 2 * .1 is .3."""
    return float(Decimal(repr(low)) + index * Decimal(repr(step)))


def finite_values(parameter: Parameter) -> Sequence[PointValue] | None:
    """Every value in order, or None for a float without a step."""
    if isinstance(parameter, (ChoiceParameter, OrdinalParameter)):
        return parameter.labels
    if isinstance(parameter, IntParameter):
        return range(parameter.low, parameter.high + 1, parameter.step)
    if parameter.low == parameter.high:
        return (parameter.low,)
    if parameter.step is None:
        return None
    count = math.floor((parameter.high - parameter.low) / parameter.step + _STEP_TOLERANCE) + 1
    return tuple(stepped(parameter.low, parameter.step, index) for index in range(count))


def continuous_parameters(space: SearchSpace) -> tuple[str, ...]:
    """Names of the parameters with infinitely many values, which a grid cannot enumerate."""
    return tuple(name for name, parameter in space.parameters.items() if finite_values(parameter) is None)


def size(space: SearchSpace) -> int | None:
    """Distinct points of a finite space (inactive parameters do not multiply), or None when it is infinite.

    Only parameters that conditions depend on are enumerated; all others multiply.
    """
    if continuous_parameters(space):
        return None
    deciding = {name for parameter in space.parameters.values() if parameter.when for name in parameter.when.names}
    deciding = _with_ancestors(space, deciding)
    total = 0
    for point in _points(space, [name for name in space.parameters if name in deciding]):
        count = 1
        for name, parameter in space.parameters.items():
            if name not in deciding and (parameter.when is None or parameter.when.holds(point)):
                count *= len(finite_values(parameter) or ())
        total += count
    return total


def grid_points(space: SearchSpace) -> Iterator[dict[str, PointValue]]:
    """Every distinct point of a finite space once, in the order of the file, inactive parameters left out.

    Raises:
        ValueError: a parameter has infinitely many values.
    """
    endless = continuous_parameters(space)
    if endless:
        raise ValueError(
            f"a grid needs finitely many values, but {', '.join(endless)} has no step; give one, as in {{float: [0, 0.6], step: 0.2}}"
        )
    return _points(space, list(space.parameters))


def _points(space: SearchSpace, names: Sequence[str]) -> Iterator[dict[str, PointValue]]:
    if not names:
        yield {}
        return
    *earlier, name = names
    parameter = space.parameters[name]
    for point in _points(space, earlier):
        if parameter.when is None or parameter.when.holds(point):
            for value in finite_values(parameter) or ():
                yield {**point, name: value}
        else:
            yield point


def _with_ancestors(space: SearchSpace, names: set[str]) -> set[str]:
    """`names` and all parameters that decide whether they are active."""
    for _ in space.parameters:
        above = set(itertools.chain.from_iterable(when.names for name in names if (when := space.parameters[name].when)))
        if above <= names:
            break
        names = names | above
    return names
