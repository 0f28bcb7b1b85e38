"""Every point of a finite space once."""

from __future__ import annotations

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
        self._space: SearchSpace | None = None
        self._points: list[dict[str, PointValue]] = []
        self._tried = 0  # the points before it are taken, and stay so

    def propose(self, question: Question) -> Answer | None:
        """The first point that is not taken; None when there is none."""
        if question.space is not self._space:
            self._space, self._tried = question.space, 0
            points = list(grid_points(question.space))
            order = np.random.default_rng(question.study_seed).permutation(len(points)) if self._shuffle else np.arange(len(points))
            self._points = [points[index] for index in order.tolist()]
        while self._tried < len(self._points):
            if not question.is_taken(self._points[self._tried]):
                return Answer(self._points[self._tried])
            self._tried += 1
        return None


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
