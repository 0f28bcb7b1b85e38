"""A storage that holds one view and the trial being proposed; Optuna's own would copy every trial twice for each proposal."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NoReturn

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from optuna.distributions import BaseDistribution
    from optuna.study import StudyDirection

_STUDY = 0


def _refuse(*_: object, **__: object) -> NoReturn:
    raise RuntimeError("a sampler's view is asked and written by proposals only; results reach it through the record")


class ViewStorage(BaseStorage):
    """One study in memory: read-only trials, and proposals that are written to."""

    def __init__(self, trials: Sequence[FrozenTrial], direction: StudyDirection) -> None:
        self._trials = {trial.number: trial for trial in trials}
        self._next = max(self._trials, default=-1) + 1
        self._direction = direction
        self._study_attributes: dict[str, Any] = {}

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Add the trial that is being proposed."""
        del study_id, template_trial
        number, self._next = self._next, self._next + 1
        self._trials[number] = FrozenTrial(
            number=number,
            trial_id=number,
            state=TrialState.RUNNING,
            value=None,
            datetime_start=None,
            datetime_complete=None,
            params={},
            distributions={},
            user_attrs={},
            system_attrs={},
            intermediate_values={},
        )
        return number

    def set_trial_param(self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution) -> None:
        """Write a suggested value."""
        trial = self._trials[trial_id]
        trial.params = {**trial.params, param_name: distribution.to_external_repr(param_value_internal)}
        trial.distributions = {**trial.distributions, param_name: distribution}

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:  # noqa: ANN401 - Optuna's interface
        """Write what the sampler remembers of a proposal."""
        self._trials[trial_id].system_attrs = {**self._trials[trial_id].system_attrs, key: value}

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """A trial; Optuna may change its copy of the one being proposed."""
        trial = self._trials[trial_id]
        return trial if trial.state.is_finished() else copy.copy(trial)

    def get_all_trials(self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None) -> list[FrozenTrial]:  # noqa: FBT001, FBT002 - Optuna's interface
        """The view's trials."""
        del study_id
        trials = [trial for trial in self._trials.values() if states is None or trial.state in states]
        return copy.deepcopy(trials) if deepcopy else trials

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        """Whether more is better."""
        del study_id
        return [self._direction]

    def get_study_id_from_name(self, study_name: str) -> int:
        """The one study."""
        del study_name
        return _STUDY

    def get_study_name_from_id(self, study_id: int) -> str:
        """Its name."""
        del study_id
        return "view"

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """What samplers wrote to the study."""
        del study_id
        return dict(self._study_attributes)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:  # noqa: ANN401 - Optuna's interface
        """Let a sampler write to the study; forgotten with the view."""
        del study_id
        self._study_attributes[key] = value

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """None."""
        del study_id
        return {}

    create_new_study = delete_study = get_all_studies = set_study_user_attr = _refuse
    set_trial_state_values = set_trial_intermediate_value = set_trial_user_attr = _refuse
