"""Searched choices: labels, each with the value that its setting receives.

A label is text by which a value is stored, shown and compared; the value itself keeps its type.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from search_spaces.conditions import ORDER, Condition, ConditionError
from search_spaces.errors import nearest, shown
from search_spaces.parameters import Parameter, RefusedError, Scale

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from search_spaces.conditions import Operator, PointValue, When
    from search_spaces.errors import KeyPath


class _Labels(Parameter):
    """What choices and ordinals have in common."""

    options = ("when", "description")
    low = high = step = None
    log = False

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        kind, listed = cls.kind, given[cls.kind]
        if not isinstance(listed, (list, dict)):
            message = f"expected a list of values or a mapping of label to value, got {shown(listed)}; write e.g. [none, 50%, all]"
            raise RefusedError((kind,), message)
        if not listed:
            raise RefusedError((kind,), "expected at least one value, got none; write e.g. [none, 50%, all], or remove the parameter")
        if isinstance(listed, dict):
            return {"labels": tuple(listed), "values": dict(listed)}
        labels: dict[str, Any] = {}
        for index, value in enumerate(listed):
            if isinstance(value, float) and not math.isfinite(value):
                raise RefusedError((kind, index), f"expected a finite number, got {value!r}")
            label = label_of(value)
            if label in labels:
                same = "the same value twice" if labels[label] == value else "two values that read alike"
                message = f"duplicate label {label!r} ({same}); remove one, or name them: {{{kind}: {{label: value, ...}}}}"
                raise RefusedError((kind, index), message)
            labels[label] = value
        return {"labels": tuple(labels), "values": labels}

    def contains(self, value: object) -> bool:
        return value in self.labels

    def canonical(self, value: PointValue) -> PointValue:
        return str(value)

    def finite_values(self) -> Sequence[PointValue]:
        return self.labels

    def setting(self, value: PointValue) -> Any:  # noqa: ANN401 - a setting holds any plain value
        return self.values.get(str(value), value)

    def value_of(self, setting: Any) -> PointValue | None:  # noqa: ANN401 - a setting holds any plain value
        wanted = _with_lists(setting)
        return next((label for label in self.labels if _with_lists(self.setting(label)) == wanted), None)

    def compared_as(self, setting: Any) -> PointValue:  # noqa: ANN401 - a setting holds any plain value
        for label, value in self.values.items():
            if value == setting and isinstance(value, bool) == isinstance(setting, bool):
                return label
        return label_of(setting)

    def compare(self, operator: Operator, words: Sequence[tuple[str, str]], text: str) -> Condition:
        labels = [self._label(kind, word) for kind, word in words]
        if operator in ORDER:
            if self.scale is None:
                raise ConditionError(f"{text!r} compares text by order; use ==, !=, in or not in, or make {self.name} an ordinal")
            rank = self.labels.index(labels[0])
            chosen = {"<": slice(rank), "<=": slice(rank + 1), ">": slice(rank + 1, None), ">=": slice(rank, None)}[operator]
            labels, operator = list(self.labels[chosen]), "in"
        condition = Condition(self.name, operator, tuple(labels), text)
        if not any(condition.holds({self.name: label}) for label in self.labels):
            raise ConditionError(f"{text!r} never holds: the labels of {self.name} are {', '.join(self.labels)}")
        return condition

    def _label(self, kind: str, word: str) -> str:
        label = word[1:-1] if kind == "quoted" else word
        if label not in self.labels:
            meant = nearest(label, self.labels)
            hint = f"did you mean {meant!r}?" if meant else f"expected one of {', '.join(self.labels)}"
            raise ConditionError(f"{label!r} is no label of {self.name}; {hint}")
        return label

    def restate(self, condition: Condition) -> Condition | bool:
        if any(not isinstance(value, str) for value in condition.values):
            raise ValueError(f"the condition {condition.text!r} compares {self.name} with a number, but it has labels here")
        if set(condition.values) <= set(self.labels):
            return condition
        kept = tuple(label for label in self.labels if condition.holds({self.name: label}))
        words = ", ".join(quoted_label(label) for label in kept)
        return bool(kept) and Condition(self.name, "in", kept, f"{self.name} in [{words}]")

    def why_wider(self, after: Parameter) -> str:
        added = [label for label in after.labels if label not in self.labels]
        if added:
            return f"has new labels: {', '.join(added)}"
        changed = [label for label in after.labels if repr(self.setting(label)) != repr(after.setting(label))]
        return f"gives other values to its labels: {', '.join(changed)}" if changed else ""

    def tried(self) -> Iterator[tuple[KeyPath, Any]]:
        listed = self._is_listed()
        for index, label in enumerate(self.labels):
            yield (self.kind, index if listed else label), self.setting(label)

    def to_mapping(self) -> dict[str, Any]:
        values = {label: self.setting(label) for label in self.labels}
        return {self.kind: list(values.values()) if self._is_listed() else values}

    def _is_listed(self) -> bool:
        """Whether every value has the label that it would get in a list."""
        return all(label_of(self.setting(label)) == label for label in self.labels)

    @property
    def allowed(self) -> str:
        return "one of " + ", ".join(quoted_label(label) for label in self.labels)

    @property
    def single_value_example(self) -> str:
        return f"{{{self.kind}: [{self.labels[0]}]}}"


@dataclass(frozen=True)
class ChoiceParameter(_Labels):
    """One of several labels without order. `values` maps each label to what the setting receives."""

    kind = "choice"
    name: str
    labels: tuple[str, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    when: When | None = None
    description: str = ""

    @property
    def scale(self) -> None:
        """What a sampler sees."""
        return None

    def identity(self) -> dict[str, Any]:
        """Its labels with their values."""
        return {self.kind: sorted(([label, self.setting(label)] for label in self.labels), key=lambda pair: str(pair[0]))}


@dataclass(frozen=True)
class OrdinalParameter(_Labels):
    """One of several labels in a meaningful order, e.g. from nothing frozen to everything."""

    kind = "ordinal"
    name: str
    labels: tuple[str, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    when: When | None = None
    description: str = ""

    def why_wider(self, after: Parameter) -> str:
        """Why `after` is not a part of this one, or nothing."""
        kept = [label for label in self.labels if label in after.labels]
        return super().why_wider(after) or ("" if kept == list(after.labels) else "has its labels in another order")

    @property
    def scale(self) -> Scale:
        """What a sampler sees."""
        return Scale(whole=True, low=0, high=len(self.labels) - 1, step=1)

    def to_scale(self, value: PointValue) -> PointValue:
        """The rank of a label."""
        return self.labels.index(str(value))

    def from_scale(self, place: Any) -> PointValue:  # noqa: ANN401 - what a sampler returns
        """The label of a rank."""
        return self.labels[int(place)]

    def identity(self) -> dict[str, Any]:
        """Its labels with their values."""
        return {self.kind: [[label, self.setting(label)] for label in self.labels]}


def label_of(value: Any) -> str:  # noqa: ANN401 - choices hold any plain value
    """The label of a choice that was given without one.

    Text is its own label; ``true``, ``false`` and ``null`` are lower case; a number is written in its shortest form, so that ``1`` and ``1.0`` stay apart;
    lists and mappings are written in one line (``[512, 512]``).
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=True)


def quoted_label(label: str) -> str:
    """A label as it is written in a condition."""
    quote = "'" if '"' in label else '"'
    return f"{quote}{label}{quote}" if not label or any(sign in label for sign in " ()[],<>=!'\"") else label


def _with_lists(value: Any) -> Any:  # noqa: ANN401 - plain data
    """Lists for tuples."""
    return [_with_lists(item) for item in value] if isinstance(value, (list, tuple)) else value
