"""What a sampler may know of a trial."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from search_spaces.parameters import PointValue


@dataclass(frozen=True, eq=False)
class SeenTrial:
    """A search trial as the view holds it; compared by identity.

    Attributes:
        number: its number in the study: the view keeps the order.
        configuration: ID; the view holds each once.
        state: finished with a result, pruned, or still going.
        point: its active parameters.
        score: stable so far; None while there is none.
        epochs: how many the score rests on.
        memory: what the sampler wrote at its proposal.
        shorter: from another study with fewer epochs: its score is that of a shorter training.
    """

    number: int
    configuration: str
    state: Literal["COMPLETE", "PRUNED", "RUNNING"]
    point: Mapping[str, PointValue]
    score: float | None
    epochs: int
    memory: Mapping[str, Any] = field(default_factory=dict)
    shorter: bool = False
