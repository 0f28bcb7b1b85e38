"""A search space: named parameters, conditions between them, starting points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from search_spaces.parameters import Parameter, PointValue


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
