"""The kinds of searched parameters. A point of a space is ``{name: value}``; choices and ordinals are stored by their label.

Labels of choices: text by which a value is stored, shown and compared; the value itself keeps its type.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from search_spaces.conditions import When


PointValue = float | int | str
Point = "Mapping[str, PointValue]"


@dataclass(frozen=True)
class FloatParameter:
    """A real number in [low, high], drawn on a logarithmic scale or in steps from `low`."""

    name: str
    low: float
    high: float
    log: bool = False
    step: float | None = None
    when: When | None = None
    description: str = ""


@dataclass(frozen=True)
class IntParameter:
    """A whole number in [low, high]."""

    name: str
    low: int
    high: int
    log: bool = False
    step: int = 1
    when: When | None = None
    description: str = ""


@dataclass(frozen=True)
class ChoiceParameter:
    """One of several labels without order. `values` maps each label to what the setting receives."""

    name: str
    labels: tuple[str, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    when: When | None = None
    description: str = ""


@dataclass(frozen=True)
class OrdinalParameter:
    """One of several labels in a meaningful order, e.g. from nothing frozen to everything."""

    name: str
    labels: tuple[str, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    when: When | None = None
    description: str = ""


Parameter = FloatParameter | IntParameter | ChoiceParameter | OrdinalParameter


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
