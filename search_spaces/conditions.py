"""Conditions of conditional parameters: a small grammar, never ``eval``. `search_spaces.condition_grammar` reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from search_spaces.parameters import PointValue

Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in"]


@dataclass(frozen=True)
class Condition:
    """``parameter OP value``, e.g. ``frozen_layers != all``; false while the parameter it names is itself inactive.

    Attributes:
        parameter: name of the parameter that is compared.
        operator: how.
        values: labels or numbers; one of them unless the operator is ``in`` or ``not in``.
        text: as written.
    """

    parameter: str
    operator: Operator
    values: tuple[PointValue, ...]
    text: str

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that the condition depends on."""
        return (self.parameter,)

    def holds(self, point: Mapping[str, PointValue]) -> bool:
        """Whether the condition is true of `point`."""
        if self.parameter not in point:
            return False
        found = point[self.parameter]
        if self.operator in ("==", "in"):
            return found in self.values
        if self.operator in ("!=", "not in"):
            return found not in self.values
        number, bound = float(found), float(self.values[0])
        return {"<": number < bound, "<=": number <= bound, ">": number > bound, ">=": number >= bound}[self.operator]


@dataclass(frozen=True)
class AllOf:
    """``A and B``: true where all its parts are."""

    parts: tuple[When, ...]
    text: str

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that the condition depends on, each once."""
        return _names(self.parts)

    def holds(self, point: Mapping[str, PointValue]) -> bool:
        """Whether the condition is true of `point`."""
        return all(part.holds(point) for part in self.parts)


@dataclass(frozen=True)
class AnyOf:
    """``A or B``: true where one of its parts is."""

    parts: tuple[When, ...]
    text: str

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that the condition depends on, each once."""
        return _names(self.parts)

    def holds(self, point: Mapping[str, PointValue]) -> bool:
        """Whether the condition is true of `point`."""
        return any(part.holds(point) for part in self.parts)


When = Condition | AllOf | AnyOf


def all_of(parts: Sequence[When]) -> When:
    """``A and B`` of one or more conditions, its text from theirs."""
    if len(parts) == 1:
        return parts[0]
    return AllOf(tuple(parts), " and ".join(f"({part.text})" if isinstance(part, AnyOf) else part.text for part in parts))


def any_of(parts: Sequence[When]) -> When:
    """``A or B`` of one or more conditions, its text from theirs."""
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts), " or ".join(part.text for part in parts))


def _names(parts: tuple[When, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for part in parts for name in part.names))
