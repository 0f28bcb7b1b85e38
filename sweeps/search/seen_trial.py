"""What a sampler may know of a trial."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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


def pruned_below(bound: Literal["worst", "median"], trials: Sequence[SeenTrial], *, maximize: bool) -> list[SeenTrial]:
    """`trials` with no pruned one scored better than a bound that the finished ones set, for samplers that take a score so far for a result.

    Args:
        bound: the ``worst`` finished score, so that none ranks above a finished one; or the ``median``, for models of the scores themselves, which one
            collapsed training must not pull down everywhere.
        trials: as a sampler is shown them.
        maximize: whether more is better.
    """
    complete = [trial for trial in trials if trial.state == "COMPLETE" and not trial.shorter]
    finished = [trial.score for trial in complete if trial.score is not None and math.isfinite(trial.score)]
    if not finished:
        return list(trials)
    limit = median(finished) if bound == "median" else min(finished) if maximize else max(finished)

    def is_better(trial: SeenTrial) -> bool:
        return trial.state == "PRUNED" and trial.score is not None and (trial.score > limit if maximize else trial.score < limit)

    return [replace(trial, score=limit) if is_better(trial) else trial for trial in trials]
