"""A space made smaller: whether it lies inside an older one, so that a study may go on in it, and what is left of it when a parameter becomes fixed."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from search_spaces.conditions import AllOf, Condition, When, all_of, any_of
from search_spaces.space import SearchSpace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from search_spaces.conditions import PointValue
    from search_spaces.parameters import Parameter


_MOST_COMBINATIONS = 10_000


@dataclass(frozen=True)
class Narrowing:
    """The answer, true or false, with its reason.

    Attributes:
        holds: whether every point of the new space is a point of the old one.
        reasons: why not, one sentence for each parameter; empty where it holds.
    """

    holds: bool
    reasons: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.holds


def is_narrowing(old: SearchSpace, new: SearchSpace) -> Narrowing:
    """Whether `new` holds no point that `old` did not: the same parameters, each with the same values or fewer, active under the same conditions."""
    reasons = [f"{name} is new; it was not searched before" for name in new.parameters if name not in old.parameters]
    for name, before in old.parameters.items():
        after = new.parameters.get(name)
        if after is None:
            reasons.append(f"{name} is gone; narrow it to one value instead, as in {name}: {before.single_value_example}")
            continue
        reason = _wider(before, after) or _condition_changed(before, after, new)
        if reason:
            reasons.append(f"{name} {reason}")
    return Narrowing(not reasons, tuple(reasons))


def _wider(before: Parameter, after: Parameter) -> str:
    """Why `after` is not a part of `before`, or nothing."""
    if before.kind != after.kind:
        return f"was of kind {before.kind} and is of kind {after.kind}"
    return before.why_wider(after)


def _condition_changed(before: Parameter, after: Parameter, new: SearchSpace) -> str:
    """Conditions must agree wherever the new space reaches; they are compared point by point where that is possible, else as written."""
    if before.when == after.when:
        return ""
    names = dict.fromkeys(name for when in (before.when, after.when) if when for name in when.names)
    values = [new.parameters[name].finite_values() if name in new.parameters else None for name in names]
    message = f"has another condition: {after.when.text if after.when else 'none'} against {before.when.text if before.when else 'none'}"
    if any(found is None for found in values) or math.prod(len(found or ()) for found in values) > _MOST_COMBINATIONS:
        return message
    for combination in itertools.product(*(found or () for found in values)):
        point = new.active(dict(zip(names, combination, strict=True)))
        if (before.when is None or before.when.holds(point)) != (after.when is None or after.when.holds(point)):
            return message
    return ""


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
    at = {name: fixed.compared_as(value)}
    parameters: dict[str, Parameter] = {}
    for other, parameter in space.parameters.items():
        if other == name:
            continue
        when = _decide(parameter.when, lambda part: part.holds(at) if part.parameter == name else part.parameter in parameters and part)
        if when is not False:
            parameters[other] = parameter.with_condition(None if when is True else when)
    return replace(space, parameters=parameters, starting_points=fitting_points(space.starting_points, parameters))


def restate(when: When, parameters: Mapping[str, Parameter]) -> When | None:
    """`when` in terms of the labels that `parameters` still have; None where it can no longer hold.

    Raises:
        ValueError: a parameter it names has become a number, or text, so that the comparison has lost its meaning.
    """

    def restated(part: Condition) -> Truth:
        parameter = parameters.get(part.parameter)
        return parameter is not None and parameter.restate(part)

    decided = _decide(when, restated)
    return None if isinstance(decided, bool) else decided


def fitting_points(
    points: tuple[Mapping[str, PointValue], ...], parameters: Mapping[str, Parameter]
) -> tuple[Mapping[str, PointValue], ...]:
    """Starting points without what does not fit `parameters`; empty and repeated ones are left out."""
    kept: list[Mapping[str, PointValue]] = []
    for point in points:
        fitting = {name: value for name, value in point.items() if name in parameters and parameters[name].contains(value)}
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
