"""The sampler's view: trials in Optuna's form, derived from the record for each proposal.

The record itself never reaches a sampler: pruned trials would be ranked by their last raw value, a narrowed range would raise or empty the joint space, and ten thousand
trials would make a proposal slow (measured: TPE 2.5 to 69 ms from 100 to 10,000 trials). `SearchHistory` chooses which trials are shown.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from optuna.trial import FrozenTrial, TrialState

from sweeps.search.distributions import seen_distribution, seen_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from search_spaces import SearchSpace
    from sweeps.search.seen_trial import SeenTrial

_LARGEST_CACHE = 4_000


class View:
    """Turns seen trials into Optuna's; those that are over are turned once.

    Args:
        pruned_as_complete: for samplers that ignore pruned trials: show them as finished with their score so far; imported ones of shorter trainings not at all.
    """

    def __init__(self, *, pruned_as_complete: bool) -> None:
        self._pruned_as_complete = pruned_as_complete
        self._space: SearchSpace | None = None
        self._known: dict[int, tuple[SeenTrial, FrozenTrial]] = {}

    def of(self, trials: Sequence[SeenTrial], space: SearchSpace) -> list[FrozenTrial]:
        """The trials as Optuna's samplers read them, in the same order."""
        if space is not self._space or len(self._known) > _LARGEST_CACHE:
            self._space, self._known = space, {}
            self._distributions = {name: seen_distribution(parameter) for name, parameter in space.parameters.items()}
        return [self._frozen(trial, space) for trial in trials if not (trial.shorter and self._pruned_as_complete)]

    def _frozen(self, trial: SeenTrial, space: SearchSpace) -> FrozenTrial:
        known = self._known.get(trial.number)
        if known is not None and known[0] is trial:
            return known[1]
        score = trial.score if trial.score is not None and math.isfinite(trial.score) else None
        state = self._state(trial, score)
        frozen = FrozenTrial(
            number=trial.number,
            trial_id=trial.number,
            state=state,
            value=score if state is TrialState.COMPLETE else None,
            datetime_start=None,
            datetime_complete=None,
            params={name: seen_value(space.parameters[name], value) for name, value in trial.point.items()},
            distributions={name: self._distributions[name] for name in trial.point},
            user_attrs={},
            system_attrs=dict(trial.memory),
            intermediate_values={trial.epochs: score} if state is TrialState.PRUNED and score is not None else {},
        )
        if state.is_finished():
            self._known[trial.number] = (trial, frozen)
        return frozen

    def _state(self, trial: SeenTrial, score: float | None) -> TrialState:
        if trial.state == "RUNNING":
            return TrialState.RUNNING
        if score is None:
            return TrialState.FAIL
        return TrialState.COMPLETE if self._pruned_as_complete else TrialState[trial.state]
