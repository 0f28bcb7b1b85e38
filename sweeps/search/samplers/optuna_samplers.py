"""Optuna's samplers, asked on a view that is made for the question and forgotten afterwards."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any, NoReturn

import optuna
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from sweeps.errors import SweepInputError
from sweeps.search.samplers import Answer, require_flags, require_positive
from sweeps.search.samplers.cma_state import check_state
from sweeps.search.view import View, frozen_trial, pruned_below, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from optuna.distributions import BaseDistribution
    from optuna.study import StudyDirection
    from optuna.trial import FrozenTrial

    from search_spaces.conditions import PointValue
    from search_spaces.space import SearchSpace
    from sweeps.search.samplers import Question, Sampler


_STUDY = 0


def _refuse(*_: object, **__: object) -> NoReturn:
    raise RuntimeError("a sampler's view is asked and written by proposals only; results reach it through the record")


class ViewStorage(BaseStorage):
    """One study in memory: read-only trials, and proposals that are written to."""

    def __init__(self, trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]) -> None:
        self._trials = {trial.number: trial for trial in trials}
        self._next = max(self._trials, default=-1) + 1
        self._directions = list(directions)
        self._study_attributes: dict[str, Any] = {}

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:  # noqa: ARG002 - Optuna's interface
        """Add the trial that is being proposed."""
        number, self._next = self._next, self._next + 1
        self._trials[number] = frozen_trial(number, TrialState.RUNNING)
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

    def get_all_trials(self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None) -> list[FrozenTrial]:  # noqa: ARG002, FBT001, FBT002 - Optuna's interface
        """The view's trials."""
        trials = [trial for trial in self._trials.values() if states is None or trial.state in states]
        return copy.deepcopy(trials) if deepcopy else trials

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:  # noqa: ARG002 - Optuna's interface
        """Whether more is better, of each value."""
        return self._directions

    def get_study_id_from_name(self, study_name: str) -> int:  # noqa: ARG002 - Optuna's interface
        """The one study."""
        return _STUDY

    def get_study_name_from_id(self, study_id: int) -> str:  # noqa: ARG002 - Optuna's interface
        """Its name."""
        return "view"

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:  # noqa: ARG002 - Optuna's interface
        """What samplers wrote to the study."""
        return dict(self._study_attributes)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:  # noqa: ANN401, ARG002 - Optuna's interface
        """Let a sampler write to the study; forgotten with the view."""
        self._study_attributes[key] = value

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:  # noqa: ARG002 - Optuna's interface
        """None."""
        return {}

    create_new_study = delete_study = get_all_studies = set_study_user_attr = _refuse
    set_trial_state_values = set_trial_intermediate_value = set_trial_user_attr = _refuse


SMALLEST_POPULATION = 4
"""Half of a CMA-ES population are parents, and its learning rates need two (Hansen 2016, eq. 57)."""


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
        self._checked: set[int] = set()

    def propose(self, question: Question) -> Answer:
        """Ask the sampler for one point, its conditional parameters in the order of the space."""
        space = question.space
        seen = pruned_below("worst", question.trials, maximize=question.maximize) if self._pruned_as_complete else question.trials
        trials = self._view.of(seen, space, with_cost=question.with_cost)
        self._check_memories(trials)
        direction = optuna.study.StudyDirection.MAXIMIZE if question.maximize else optuna.study.StudyDirection.MINIMIZE
        storage = ViewStorage(trials, [direction, optuna.study.StudyDirection.MINIMIZE] if question.with_cost else [direction])
        point: dict[str, PointValue] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            warnings.filterwarnings("ignore", "`sigma0` has been deprecated", FutureWarning)  # the Optuna that we allow has it
            study = optuna.Study("view", storage, sampler=self._make(question.seed, space), pruner=optuna.pruners.NopPruner())
            trial = study.ask()
            for name, parameter in space.parameters.items():
                if parameter.when is None or parameter.when.holds(point):
                    point[name] = parameter.canonical(suggest(trial, parameter))
        return Answer(point, self._memory(storage, trial.number))

    def _check_memories(self, trials: Sequence[FrozenTrial]) -> None:
        """Let Optuna load no state that is more than a state; each trial's is looked through once."""
        for trial in trials if self._memory_prefix else ():
            if trial.number not in self._checked:
                check_state(trial.system_attrs)
                self._checked.add(trial.number)

    def _memory(self, storage: ViewStorage, number: int) -> dict[str, object]:
        if not self._memory_prefix:
            return {}
        attributes = storage.get_trial(number).system_attrs
        return {key: value for key, value in attributes.items() if key.startswith(self._memory_prefix)}


def tpe(*, n_startup_trials: int = 10, n_ei_candidates: int = 24, constant_liar: bool = True) -> Sampler:
    """Tree-structured Parzen estimator over the joint space (Bergstra et al. 2011; multivariate: Falkner et al. 2018)."""
    require_positive(n_startup_trials=n_startup_trials, n_ei_candidates=n_ei_candidates)
    require_flags(constant_liar=constant_liar)

    def make(seed: int, space: SearchSpace) -> optuna.samplers.BaseSampler:
        return optuna.samplers.TPESampler(
            n_startup_trials=n_startup_trials,
            n_ei_candidates=n_ei_candidates,
            constant_liar=constant_liar,
            multivariate=True,
            group=any(parameter.when is not None for parameter in space.parameters.values()),
            seed=seed,
        )

    return OptunaSampler(make)


def cmaes(*, n_startup_trials: int = 1, sigma0: float | None = None, popsize: int | None = None) -> Sampler:
    """Covariance matrix adaptation (Hansen 2016) for the numbers of a space; choices are drawn at random."""
    _require_package("cmaes")
    require_positive(n_startup_trials=n_startup_trials, popsize=SMALLEST_POPULATION if popsize is None else popsize)
    if popsize is not None and popsize < SMALLEST_POPULATION:
        raise ValueError(f"popsize must be at least {SMALLEST_POPULATION}, but got {popsize}")
    if sigma0 is not None and (not isinstance(sigma0, int | float) or isinstance(sigma0, bool) or sigma0 <= 0):
        raise ValueError(f"sigma0 must be a number above 0, but got {sigma0!r}")

    def make(seed: int, space: SearchSpace) -> optuna.samplers.BaseSampler:
        del space
        return optuna.samplers.CmaEsSampler(
            n_startup_trials=n_startup_trials, sigma0=sigma0, popsize=popsize, seed=seed, warn_independent_sampling=False
        )

    return OptunaSampler(make, memory_prefix="cma:", pruned_as_complete=True)


def _require_package(package: str) -> None:
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise SweepInputError(f"search.sampler: {package} is not installed; `pip install {package}`, or use sampler: tpe.")
