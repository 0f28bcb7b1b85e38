"""Whether a space lies inside an older one, so that a study may go on in it."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from search_spaces.domain import contains, finite_values
from search_spaces.parameters import ChoiceParameter, FloatParameter, IntParameter, OrdinalParameter, Parameter

if TYPE_CHECKING:
    from search_spaces.space import SearchSpace

_MOST_COMBINATIONS = 10_000
_KINDS = {FloatParameter: "float", IntParameter: "int", ChoiceParameter: "choice", OrdinalParameter: "ordinal"}


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
            reasons.append(f"{name} is gone; narrow it to one value instead, as in {_single_value_example(name, before)}")
            continue
        reason = _wider(before, after) or _condition_changed(before, after, new)
        if reason:
            reasons.append(f"{name} {reason}")
    return Narrowing(not reasons, tuple(reasons))


def _single_value_example(name: str, parameter: Parameter) -> str:
    kind = _KINDS[type(parameter)]
    if isinstance(parameter, (ChoiceParameter, OrdinalParameter)):
        return f"{name}: {{{kind}: [{parameter.labels[0]}]}}"
    return f"{name}: {{{kind}: [{parameter.low!r}, {parameter.low!r}]}}"


def _wider(before: Parameter, after: Parameter) -> str:
    """Why `after` is not a part of `before`, or nothing."""
    if isinstance(before, (ChoiceParameter, OrdinalParameter)) and isinstance(after, type(before)):
        return _labels_changed(before, after)
    if isinstance(before, FloatParameter) and isinstance(after, FloatParameter):
        return _range_wider(before, after)
    if isinstance(before, IntParameter) and isinstance(after, IntParameter):
        return _range_wider(before, after)
    return f"was of kind {_KINDS[type(before)]} and is of kind {_KINDS[type(after)]}"


def _labels_changed(before: ChoiceParameter | OrdinalParameter, after: ChoiceParameter | OrdinalParameter) -> str:
    added = [label for label in after.labels if label not in before.labels]
    if added:
        return f"has new labels: {', '.join(added)}"
    changed = [label for label in after.labels if repr(before.values.get(label, label)) != repr(after.values.get(label, label))]
    if changed:
        return f"gives other values to its labels: {', '.join(changed)}"
    if isinstance(after, OrdinalParameter) and [label for label in before.labels if label in after.labels] != list(after.labels):
        return "has its labels in another order"
    return ""


def _range_wider(before: FloatParameter | IntParameter, after: FloatParameter | IntParameter) -> str:
    if after.low < before.low or after.high > before.high:
        return f"is wider: [{after.low!r}, {after.high!r}] against [{before.low!r}, {before.high!r}]"
    if before.log != after.log:
        return f"{'is now' if after.log else 'is no longer'} drawn on a logarithmic scale"
    if before.step is None:
        return ""
    if after.step is None:
        return "" if after.low == after.high and contains(before, after.low) else f"no longer moves in steps of {before.step!r}"
    ratio = after.step / before.step
    if round(ratio) < 1 or not math.isclose(ratio, round(ratio), rel_tol=1e-9) or not contains(before, after.low):
        return f"has other steps: {after.step!r} from {after.low!r} against {before.step!r} from {before.low!r}"
    return ""


def _condition_changed(before: Parameter, after: Parameter, new: SearchSpace) -> str:
    """Conditions must agree wherever the new space reaches; they are compared point by point where that is possible, else as written."""
    if before.when == after.when:
        return ""
    names = dict.fromkeys(name for when in (before.when, after.when) if when for name in when.names)
    values = [finite_values(new.parameters[name]) if name in new.parameters else None for name in names]
    message = f"has another condition: {after.when.text if after.when else 'none'} against {before.when.text if before.when else 'none'}"
    if any(found is None for found in values) or math.prod(len(found or ()) for found in values) > _MOST_COMBINATIONS:
        return message
    for combination in itertools.product(*(found or () for found in values)):
        point = new.active(dict(zip(names, combination, strict=True)))
        if (before.when is None or before.when.holds(point)) != (after.when is None or after.when.holds(point)):
            return message
    return ""
