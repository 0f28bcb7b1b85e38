"""The seam of samplers: one method, no state between proposals, so that a resumed study proposes what an uninterrupted one would."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from search_spaces.parameters import PointValue
    from search_spaces.space import SearchSpace
    from sweeps.search.seen_trial import SeenTrial


@dataclass(frozen=True)
class Question:
    """What a sampler is asked.

    Attributes:
        space: where to propose.
        trials: search trials so far, by number, as `SearchHistory` shows them.
        maximize: whether more is better.
        seed: of this draw.
        study_seed: the same for every proposal of the study.
        proposal: how many search configurations came before.
        draw: 0, then one more for every duplicate.
        is_taken: whether a point's configuration was proposed before.
    """

    space: SearchSpace
    trials: Sequence[SeenTrial]
    maximize: bool
    seed: int
    study_seed: int
    proposal: int
    draw: int
    is_taken: Callable[[Mapping[str, PointValue]], bool]


@dataclass(frozen=True)
class Answer:
    """A proposed point with what the sampler wants to find again beside it."""

    point: Mapping[str, PointValue]
    memory: Mapping[str, Any] = field(default_factory=dict)


class Sampler(Protocol):
    """Proposes points."""

    def propose(self, question: Question) -> Answer | None:
        """A point of the space (inactive parameters left out), or None when every point of it was proposed."""
        ...
