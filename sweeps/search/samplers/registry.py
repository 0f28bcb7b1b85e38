"""Samplers by their name in the sweep file, with their options."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import optuna

from sweeps.errors import SweepInputError
from sweeps.search.samplers.grid import GridSampler, check_grid
from sweeps.search.samplers.optuna_sampler import OptunaSampler
from sweeps.search.samplers.qmc import QmcSampler
from sweeps.search.samplers.random_points import RandomSampler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from search_spaces.space import SearchSpace
    from sweeps.search.samplers.protocol import Sampler


def make_sampler(name: str, options: Mapping[str, Any], space: SearchSpace) -> Sampler:
    """The sampler that the sweep file names.

    Args:
        name: ``tpe``, ``random``, ``grid``, ``gp``, ``cmaes`` or ``qmc``.
        options: its arguments.
        space: where it will propose.

    Raises:
        SweepInputError: no such sampler or option, an option of a wrong value, or a space it cannot search.
    """
    makers: dict[str, Callable[..., Sampler]] = {
        "tpe": _tpe,
        "random": RandomSampler,
        "grid": GridSampler,
        "gp": _gp,
        "cmaes": _cmaes,
        "qmc": QmcSampler,
    }
    if name not in makers:
        raise SweepInputError(f"search.sampler: {name!r} is unknown; expected one of {', '.join(makers)}.")
    if name == "grid":
        check_grid(space)
    known = [option for option in inspect.signature(makers[name]).parameters if option != "self"]
    for option in options:
        if option not in known:
            near = get_close_matches(option, known, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise SweepInputError(
                f"search.sampler_options: {name} has no option {option!r}; expected one of {', '.join(known) or 'none'}.{hint}"
            )
    try:
        return makers[name](**options)
    except (TypeError, ValueError) as error:
        raise SweepInputError(f"search.sampler_options: {name} does not accept {dict(options)!r}: {error}") from error


def _tpe(*, n_startup_trials: int = 10, n_ei_candidates: int = 24, constant_liar: bool = True) -> Sampler:
    """Tree-structured Parzen estimator over the joint space (Bergstra et al. 2011; multivariate: Falkner et al. 2018)."""
    _positive(n_startup_trials=n_startup_trials, n_ei_candidates=n_ei_candidates)

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


def _cmaes(*, n_startup_trials: int = 1, sigma0: float | None = None, popsize: int | None = None) -> Sampler:
    """Covariance matrix adaptation (Hansen 2016) for the numbers of a space; choices are drawn at random."""
    _needs("cmaes")

    def make(seed: int, space: SearchSpace) -> optuna.samplers.BaseSampler:
        del space
        return optuna.samplers.CmaEsSampler(
            n_startup_trials=n_startup_trials, sigma0=sigma0, popsize=popsize, seed=seed, warn_independent_sampling=False
        )

    return OptunaSampler(make, memory_prefix="cma:", pruned_as_complete=True)


def _gp(*, n_startup_trials: int = 10, n_candidates: int = 1_000) -> Sampler:
    """Gaussian process with expected improvement."""
    from sweeps.search.samplers.gaussian_process import GaussianProcessSampler

    _positive(n_startup_trials=n_startup_trials, n_candidates=n_candidates)
    return GaussianProcessSampler(n_startup_trials=n_startup_trials, n_candidates=n_candidates)


def _positive(**numbers: int) -> None:
    for name, number in numbers.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, but got {number!r}")


def _needs(package: str) -> None:
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise SweepInputError(f"search.sampler: {package} is not installed; `pip install {package}`, or use sampler: tpe.")
