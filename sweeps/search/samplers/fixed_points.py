"""Samplers that learn nothing from results: every point once (grid), independent random points, evenly spread ones (quasi-random)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Literal

import numpy as np

from search_spaces.space import continuous_parameters, grid_points, size
from sweeps.errors import SweepInputError
from sweeps.search.samplers import Answer, require_flags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from search_spaces.conditions import PointValue
    from search_spaces.space import SearchSpace
    from sweeps.search.samplers import Question


LARGEST_GRID = 200_000


class GridSampler:
    """Enumerates the space in an order drawn from the study's seed; a point already tried is passed over.

    Args:
        shuffle: False keeps the order of the file, last parameter fastest.
    """

    def __init__(self, *, shuffle: bool = True) -> None:
        require_flags(shuffle=shuffle)
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


class RandomSampler:
    """Draws every active parameter from its range, whatever came before."""

    def propose(self, question: Question) -> Answer:
        """A random point."""
        return Answer(random_point(question.space, np.random.default_rng(question.seed)))


def random_point(
    space: SearchSpace, generator: np.random.Generator, given: Mapping[str, PointValue] | None = None
) -> dict[str, PointValue]:
    """A random point that keeps the values in `given`; inactive parameters are left out."""
    units = generator.random(len(space.parameters))
    return point_at(space, dict(zip(space.parameters, units.tolist(), strict=True)), given)


def point_at(space: SearchSpace, units: Mapping[str, float], given: Mapping[str, PointValue] | None = None) -> dict[str, PointValue]:
    """The point whose parameters lie at these shares of their ranges.

    Args:
        space: the space.
        units: parameter to its share of the range, in [0, 1).
        given: values that are kept.
    """
    kept = given or {}
    point: dict[str, PointValue] = {}
    for name, parameter in space.parameters.items():
        if parameter.when is None or parameter.when.holds(point):
            point[name] = kept[name] if name in kept else parameter.at(units[name])
    return point


_SKIPPED = 1_000_003  # a duplicate's next draw comes from far along the sequence


class QmcSampler:
    """A scrambled Sobol' or Halton sequence; proposal i is its i-th point.

    Source: Owen, "Scrambled Sobol' and Niederreiter-Xing points" (1998); `scipy.stats.qmc`.

    Args:
        sequence: ``sobol`` or ``halton``.
        scramble: False gives the plain sequence, whose first Sobol' point is the corner of the space.
    """

    def __init__(self, *, sequence: Literal["sobol", "halton"] = "sobol", scramble: bool = True) -> None:
        require_flags(scramble=scramble)
        if sequence not in ("sobol", "halton"):
            raise ValueError(f"sequence must be sobol or halton, but got {sequence!r}")
        self._sequence = sequence
        self._scramble = scramble

    def propose(self, question: Question) -> Answer:
        """The point of the sequence that belongs to the proposal."""
        from scipy.stats import qmc

        kind = qmc.Sobol if self._sequence == "sobol" else qmc.Halton
        engine = kind(d=len(question.space.parameters), scramble=self._scramble, rng=question.study_seed)
        skipped = (question.proposal + question.draw * _SKIPPED) % (1 << 29)
        if skipped:
            engine.fast_forward(skipped)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # one point at a time is no power of 2
            units = engine.random(1)[0]
        return Answer(point_at(question.space, dict(zip(question.space.parameters, units.tolist(), strict=True))))
