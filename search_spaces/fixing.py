"""Takes a parameter out of a space, or out of the reach of a condition, when its value becomes fixed or its range changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from search_spaces.conditions import AllOf, Condition, When, all_of, any_of
from search_spaces.domain import contains
from search_spaces.labels import label_of
from search_spaces.parameters import ChoiceParameter, OrdinalParameter, Parameter, PointValue
from search_spaces.space import SearchSpace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Truth = When | bool


def fix(space: SearchSpace, name: str, value: Any) -> SearchSpace:  # noqa: ANN401 - a setting holds any plain value
    """`space` with `name` set to `value` for good.

    Conditions on it are decided now: parameters that can no longer be active leave the space with it. Starting points lose the parameters that left.

    Args:
        space: holds `name`.
        name: a parameter.
        value: what its setting is fixed to; it need not be one the space would have tried.
    """
    fixed = space.parameters[name]
    at = {name: _as_point_value(fixed, value)}
    parameters: dict[str, Parameter] = {}
    for other, parameter in space.parameters.items():
        if other == name:
            continue
        when = _decide(parameter.when, lambda part: part.holds(at) if part.parameter == name else part.parameter in parameters and part)
        if when is not False:
            parameters[other] = replace(parameter, when=None if when is True else when)
    return replace(space, parameters=parameters, starting_points=fitting_points(space.starting_points, parameters))


def restate(when: When, parameters: Mapping[str, Parameter]) -> When | None:
    """`when` in terms of the labels that `parameters` still have; None where it can no longer hold.

    Raises:
        ValueError: a parameter it names has become a number, or text, so that the comparison has lost its meaning.
    """

    def restated(part: Condition) -> Truth:
        parameter = parameters.get(part.parameter)
        if parameter is None:
            return False
        if not isinstance(parameter, (ChoiceParameter, OrdinalParameter)):
            if any(isinstance(value, str) for value in part.values):
                raise ValueError(f"the condition {part.text!r} compares {part.parameter} with text, but it is a number here")
            return part
        if any(not isinstance(value, str) for value in part.values):
            raise ValueError(f"the condition {part.text!r} compares {part.parameter} with a number, but it has labels here")
        if set(part.values) <= set(parameter.labels):
            return part
        kept = tuple(label for label in parameter.labels if part.holds({part.parameter: label}))
        words = ", ".join(quoted_label(label) for label in kept)
        return bool(kept) and Condition(part.parameter, "in", kept, f"{part.parameter} in [{words}]")

    decided = _decide(when, restated)
    return None if isinstance(decided, bool) else decided


def fitting_points(
    points: tuple[Mapping[str, PointValue], ...], parameters: Mapping[str, Parameter]
) -> tuple[Mapping[str, PointValue], ...]:
    """Starting points without what does not fit `parameters`; empty and repeated ones are left out."""
    kept: list[Mapping[str, PointValue]] = []
    for point in points:
        fitting = {name: value for name, value in point.items() if name in parameters and contains(parameters[name], value)}
        for name in inactive(fitting, parameters):
            del fitting[name]
        if fitting and fitting not in kept:
            kept.append(fitting)
    return tuple(kept)


def inactive(point: Mapping[str, PointValue], parameters: Mapping[str, Parameter]) -> list[str]:
    """The parameters of a partial point that are not active in it; those whose condition depends on what the point leaves out may be."""
    active = SearchSpace(parameters).active(point)
    decided = [name for name in point if (when := parameters[name].when) and set(when.names) <= set(point)]
    return [name for name in decided if name not in active]


def quoted_label(label: str) -> str:
    """A label as it is written in a condition."""
    quote = "'" if '"' in label else '"'
    return f"{quote}{label}{quote}" if not label or any(sign in label for sign in " ()[],<>=!'\"") else label


def _as_point_value(parameter: Parameter, value: Any) -> PointValue:  # noqa: ANN401 - a setting holds any plain value
    if isinstance(parameter, (ChoiceParameter, OrdinalParameter)):
        for label, known in parameter.values.items():
            if known == value and isinstance(known, bool) == isinstance(value, bool):
                return label
        return label_of(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    return float("nan")  # no number (e.g. null): every comparison with it is false


def _decide(when: When | None, decide: Callable[[Condition], Truth]) -> Truth:
    """`when` with each comparison replaced by what `decide` says of it."""
    if when is None:
        return True
    if isinstance(when, Condition):
        return decide(when)
    parts = [_decide(part, decide) for part in when.parts]
    if isinstance(when, AllOf):
        if False in parts:
            return False
        open_parts = [part for part in parts if not isinstance(part, bool)]
        return all_of(open_parts) if open_parts else True
    if True in parts:
        return True
    open_parts = [part for part in parts if not isinstance(part, bool)]
    return any_of(open_parts) if open_parts else False
