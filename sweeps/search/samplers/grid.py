"""Every point of a finite space once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from search_spaces.domain import continuous_parameters, grid_points, size
from sweeps.errors import SweepInputError
from sweeps.search.samplers.protocol import Answer

if TYPE_CHECKING:
    from search_spaces.parameters import PointValue
    from search_spaces.space import SearchSpace
    from sweeps.search.samplers.protocol import Question

LARGEST_GRID = 200_000


class GridSampler:
    """Enumerates the space in an order drawn from the study's seed; a point already tried is passed over.

    Args:
        shuffle: False keeps the order of the file, last parameter fastest.
    """

    def __init__(self, *, shuffle: bool = True) -> None:
        self._shuffle = shuffle

    def propose(self, question: Question) -> Answer | None:
        """The next point that no trial has; None when there is none."""
        if question.draw:
            # A duplicate by effect (another point with the same configuration): pass over as many untried points as were drawn.
            untried = self._untried(question)
            return Answer(untried[question.draw]) if question.draw < len(untried) else None
        untried = self._untried(question, limit=1)
        return Answer(untried[0]) if untried else None

    def _untried(self, question: Question, limit: int | None = None) -> list[dict[str, PointValue]]:
        points = _enumerated(_Keyed(question.space))
        order = np.random.default_rng(question.study_seed).permutation(len(points)) if self._shuffle else np.arange(len(points))
        tried = {_key(question.space.active(trial.point)) for trial in question.trials}
        found: list[dict[str, PointValue]] = []
        for index in order.tolist():
            if _key(points[index]) not in tried:
                found.append(points[index])
                if limit is not None and len(found) >= limit:
                    break
        return found


def check_grid(space: SearchSpace) -> None:
    """Refuse a space that has no grid, or too large a one.

    Raises:
        SweepInputError: naming the parameters without a step, or the number of points.
    """
    endless = continuous_parameters(space)
    if endless:
        raise SweepInputError(
            f"search.sampler: grid needs finitely many values, but {', '.join(endless)} has no step; give it one, as in {{float: [0, 0.6], step: 0.2}}, or use another."
        )
    points = size(space) or 0
    if points > LARGEST_GRID:
        raise SweepInputError(
            f"search.sampler: the grid has {points:,} points; expected at most {LARGEST_GRID:,}. Use fewer or coarser parameters, or sampler: random."
        )


class _Keyed:
    """A space as a cache's key: by identity, since spaces hold dictionaries."""

    def __init__(self, space: SearchSpace) -> None:
        self.space = space

    def __hash__(self) -> int:
        return id(self.space)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and other.space is self.space


@lru_cache(maxsize=4)
def _enumerated(space: _Keyed) -> tuple[dict[str, PointValue], ...]:
    return tuple(grid_points(space.space))


def _key(point: dict[str, PointValue]) -> tuple[tuple[str, PointValue], ...]:
    return tuple(point.items())
