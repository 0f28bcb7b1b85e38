"""A search space: named parameters, conditions between them, starting points. Its points and their number, its YAML, the spaces that ship with the product."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.located_yaml import load_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from search_spaces.conditions import PointValue
    from search_spaces.parameters import Parameter


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


def continuous_parameters(space: SearchSpace) -> tuple[str, ...]:
    """Names of the parameters with infinitely many values, which a grid cannot enumerate."""
    return tuple(name for name, parameter in space.parameters.items() if parameter.finite_values() is None)


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
                count *= len(parameter.finite_values() or ())
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
            for value in parameter.finite_values() or ():
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


def space_to_mapping(space: SearchSpace) -> dict[str, Any]:
    """Plain data in the syntax of the file; `space_from_mapping` reads it back to an equal space."""
    mapping: dict[str, Any] = {}
    if space.name != "inline":
        mapping["name"] = space.name
    if space.description:
        mapping["description"] = space.description
    mapping |= {name: _mapping_of(parameter) for name, parameter in space.parameters.items()}
    if space.starting_points:
        mapping["starting_points"] = [dict(point) for point in space.starting_points]
    return mapping


def _mapping_of(parameter: Parameter) -> dict[str, Any]:
    """One parameter in the syntax of the file, defaults left out."""
    return parameter.to_mapping() | _condition_of(parameter) | ({"description": parameter.description} if parameter.description else {})


def _condition_of(parameter: Parameter) -> dict[str, str]:
    return {} if parameter.when is None else {"when": parameter.when.text}


def space_fingerprint(space: SearchSpace) -> str:
    """16 hexadecimal digits that are equal for spaces with the same parameters, values and conditions.

    Names, descriptions, starting points, the order of parameters and the order of a choice's labels do not matter.
    """
    canonical = {
        name: parameter.to_mapping() | parameter.identity() | _condition_of(parameter) for name, parameter in space.parameters.items()
    }
    return hashlib.sha256(json.dumps(canonical, sort_keys=True).encode()).hexdigest()[:16]
