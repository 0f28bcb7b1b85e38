"""The next configuration of a study: starting points, then the sampler, never one that was tried."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from search_spaces.space import continuous_parameters, grid_points, size
from sweeps.search.samplers import Question
from sweeps.search.samplers.fixed_points import LARGEST_GRID, random_point
from sweeps.search.view import inside, plain
from sweeps.seeds import proposal_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from search_spaces.conditions import PointValue
    from search_spaces.space import SearchSpace
    from sweeps.search.samplers import Sampler
    from sweeps.search.view import SeenTrial

    ConfigurationId = Callable[[Mapping[str, PointValue]], str]
    Refused = Callable[[Mapping[str, PointValue]], bool]

SAMPLER_DRAWS = 10
RANDOM_DRAWS = 200


@dataclass(frozen=True)
class Proposal:
    """A configuration to be trained."""

    point: Mapping[str, PointValue]
    configuration: str
    memory: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Proposer:
    """Proposes; holds no state, so that the same record gives the same proposal.

    Attributes:
        space: where to search.
        sampler: who is asked.
        configuration_id: a point's configuration: equal for points with the same effect.
        seed: the study's.
        maximize: whether more is better.
        duplicates: whether the sampler may repeat a configuration; a starting point is used once all the same.
        with_cost: whether the frontier of score and cost is searched.
    """

    space: SearchSpace
    sampler: Sampler
    configuration_id: ConfigurationId
    seed: int
    maximize: bool
    duplicates: bool = False
    with_cost: bool = False

    def next(
        self, trials: Sequence[SeenTrial], taken: Collection[str], proposal: int, refused: Refused = lambda _: False
    ) -> Proposal | None:
        """A configuration that is not taken, or any where duplicates are allowed.

        Args:
            trials: search trials so far.
            taken: configurations that were tried, imported ones included.
            proposal: how many search configurations came before.
            refused: whether a point's network is known to break a limit; such a point is not proposed.

        Returns:
            The proposal, or None when the space is exhausted.
        """
        start = self._starting_point(taken)
        if start is not None:
            return start

        def is_taken(point: Mapping[str, PointValue]) -> bool:
            return self.configuration_id(plain(point)) in taken or refused(plain(point))

        for draw in range(SAMPLER_DRAWS):
            seed = proposal_seed(self.seed, proposal, draw)
            answer = self.sampler.propose(
                Question(self.space, trials, self.maximize, seed, self.seed, proposal, draw, is_taken, self.with_cost)
            )
            if answer is None:
                return None
            point = plain(answer.point)
            configuration = self.configuration_id(point)
            if (self.duplicates or configuration not in taken) and not refused(point):
                return Proposal(point, configuration, answer.memory)
        return self._random(taken, proposal, refused) or self._from_all_points(taken, proposal, refused)

    def _starting_point(self, taken: Collection[str]) -> Proposal | None:
        """The first starting point that is not taken; what it leaves open is drawn, always alike."""
        points = (
            random_point(self.space, np.random.default_rng([self.seed, index]), given)
            for index, given in enumerate(self.space.starting_points)
        )
        return self._first_new((point for point in points if inside(point, self.space)), taken)

    def _random(self, taken: Collection[str], proposal: int, refused: Refused) -> Proposal | None:
        """A random point that is not taken."""
        generator = np.random.default_rng(proposal_seed(self.seed, proposal, SAMPLER_DRAWS))
        return self._first_new((random_point(self.space, generator) for _ in range(RANDOM_DRAWS)), taken, refused)

    def _from_all_points(self, taken: Collection[str], proposal: int, refused: Refused) -> Proposal | None:
        """Any point of a finite space that is not taken, when drawing does not find one."""
        if continuous_parameters(self.space) or (size(self.space) or 0) > LARGEST_GRID:
            return None
        points = list(grid_points(self.space))
        order = np.random.default_rng(proposal_seed(self.seed, proposal, SAMPLER_DRAWS + 1)).permutation(len(points))
        return self._first_new((points[index] for index in order.tolist()), taken, refused)

    def _first_new(
        self, points: Iterable[Mapping[str, PointValue]], taken: Collection[str], refused: Refused = lambda _: False
    ) -> Proposal | None:
        for point in map(plain, points):
            configuration = self.configuration_id(point)
            if configuration not in taken and not refused(point):
                return Proposal(point, configuration)
        return None
