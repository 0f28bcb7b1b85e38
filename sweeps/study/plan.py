"""What the study logic needs to know of a sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reports.records import Role
    from search_spaces.parameters import PointValue
    from sweeps.search.proposals import Proposer
    from sweeps.search.pruning import Pruner


@dataclass(frozen=True)
class StudyPlan:
    """A sweep as the driver runs it.

    Attributes:
        metric: what is ranked.
        maximize: whether more is better.
        seed: the study's.
        trials: search configurations wanted.
        planned_epochs: epochs of a complete training.
        proposer: gives the next configuration.
        pruner: judges each epoch, or None.
        configure: point and seed → what the trainable is called with (plain data).
        trainable: ``package.module:function``.
        checkpoint_root: folder or URL under which every trial has its own.
        cpu: cores of a trial.
        gpu: GPUs of a trial.
        concurrent: trials at a time, or None for as many as the executor has room for.
        time: seconds of this run, or None.
        gpu_hours: of the study, or None.
        stop_when_settled: end the search once no improvement is credible.
        settled_within: an improvement not worth a search, or None for the best figure's standard error.
        confirm_top: leaders that are trained again.
        confirm_seeds: fresh trainings of each.
        test_roles: roles of trials whose exported checkpoint is measured on the test images: confirmations, since the choice among configurations is made by then.
        affinity: what the trainable is called with → trials with the same text share warm workers.
    """

    metric: str
    maximize: bool
    seed: int
    trials: int
    planned_epochs: int
    proposer: Proposer
    pruner: Pruner | None
    configure: Callable[[Mapping[str, PointValue], int], Mapping[str, Any]]
    trainable: str
    checkpoint_root: str
    cpu: float = 1.0
    gpu: float = 0.0
    concurrent: int | None = None
    time: float | None = None
    gpu_hours: float | None = None
    stop_when_settled: bool = False
    settled_within: float | None = None
    confirm_top: int = 0
    confirm_seeds: int = 3
    test_roles: frozenset[Role] = frozenset({"confirmation"})
    affinity: Callable[[Mapping[str, Any]], str] = lambda _config: ""
