"""The seam of samplers: one method, no state between proposals, so that a resumed study proposes what an uninterrupted one would.

Optuna's samplers, asked on a view that is made for the question and forgotten afterwards.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import optuna

from search_spaces.space import canonical_value
from sweeps.search.view import View, pruned_below, suggest
from sweeps.search.view_storage import ViewStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from search_spaces.parameters import PointValue
    from search_spaces.space import SearchSpace
    from sweeps.search.view import SeenTrial


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


class OptunaSampler:
    """Adapts a sampler of Optuna.

    Args:
        make: builds it from a seed and the space.
        memory_prefix: system attributes of a trial that it must find again (CMA-ES keeps its state there); empty: none.
        pruned_as_complete: whether pruned trials are shown as finished with their score so far, though never above a finished one.
    """

    def __init__(
        self, make: Callable[[int, SearchSpace], optuna.samplers.BaseSampler], *, memory_prefix: str = "", pruned_as_complete: bool = False
    ) -> None:
        self._make = make
        self._memory_prefix = memory_prefix
        self._pruned_as_complete = pruned_as_complete
        self._view = View(pruned_as_complete=pruned_as_complete)

    def propose(self, question: Question) -> Answer:
        """Ask the sampler for one point, its conditional parameters in the order of the space."""
        space = question.space
        seen = pruned_below("worst", question.trials, maximize=question.maximize) if self._pruned_as_complete else question.trials
        trials = self._view.of(seen, space)
        direction = optuna.study.StudyDirection.MAXIMIZE if question.maximize else optuna.study.StudyDirection.MINIMIZE
        storage = ViewStorage(trials, direction)
        point: dict[str, PointValue] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            warnings.filterwarnings("ignore", "`sigma0` has been deprecated", FutureWarning)  # the Optuna that we allow has it
            study = optuna.Study("view", storage, sampler=self._make(question.seed, space), pruner=optuna.pruners.NopPruner())
            trial = study.ask()
            for name, parameter in space.parameters.items():
                if parameter.when is None or parameter.when.holds(point):
                    point[name] = canonical_value(parameter, suggest(trial, parameter))
        return Answer(point, self._memory(storage, trial.number))

    def _memory(self, storage: ViewStorage, number: int) -> dict[str, object]:
        if not self._memory_prefix:
            return {}
        attributes = storage.get_trial(number).system_attrs
        return {key: value for key, value in attributes.items() if key.startswith(self._memory_prefix)}
