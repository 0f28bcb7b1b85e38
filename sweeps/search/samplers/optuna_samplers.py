"""Optuna's samplers, asked on a view that is made for the question and forgotten afterwards."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import optuna

from sweeps.errors import SweepInputError
from sweeps.search.samplers import Answer, require_flags, require_positive
from sweeps.search.view import View, pruned_below, suggest
from sweeps.search.view_storage import ViewStorage

if TYPE_CHECKING:
    from collections.abc import Callable

    from search_spaces.conditions import PointValue
    from search_spaces.space import SearchSpace
    from sweeps.search.samplers import Question, Sampler


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
                    point[name] = parameter.canonical(suggest(trial, parameter))
        return Answer(point, self._memory(storage, trial.number))

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
