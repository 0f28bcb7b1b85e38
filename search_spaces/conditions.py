"""Conditions of conditional parameters: a small grammar, never ``eval``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from search_spaces.parameters import PointValue


@dataclass(frozen=True)
class Condition:
    """``parameter OP value``, e.g. ``frozen_layers != all``; false while the parameter it names is itself inactive."""

    parameter: str
    operator: Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in"]
    values: tuple[PointValue, ...]
    text: str

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
