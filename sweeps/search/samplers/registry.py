"""Samplers by their name in the sweep file, with their options."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

import optuna

from sweeps.errors import SweepInputError
from sweeps.search.samplers.fixed_points import GridSampler, QmcSampler, RandomSampler, check_grid
from sweeps.search.samplers.sampler import OptunaSampler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from search_spaces.space import SearchSpace
    from sweeps.search.samplers.sampler import Sampler


SMALLEST_POPULATION = 4
"""Half of a CMA-ES population are parents, and its learning rates need two (Hansen 2016, eq. 57)."""


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
        "grid": _grid,
        "gp": _gp,
        "cmaes": _cmaes,
        "qmc": _qmc,
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
    _flag(constant_liar=constant_liar)

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
    _positive(n_startup_trials=n_startup_trials, popsize=SMALLEST_POPULATION if popsize is None else popsize)
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


def _gp(*, n_startup_trials: int = 10, n_candidates: int = 1_000) -> Sampler:
    """Gaussian process with expected improvement."""
    from sweeps.search.samplers.gaussian_process import GaussianProcessSampler

    _positive(n_startup_trials=n_startup_trials, n_candidates=n_candidates)
    return GaussianProcessSampler(n_startup_trials=n_startup_trials, n_candidates=n_candidates)


def _grid(*, shuffle: bool = True) -> Sampler:
    """Every point once."""
    _flag(shuffle=shuffle)
    return GridSampler(shuffle=shuffle)


def _qmc(*, sequence: Literal["sobol", "halton"] = "sobol", scramble: bool = True) -> Sampler:
    """An even spread."""
    _flag(scramble=scramble)
    if sequence not in ("sobol", "halton"):
        raise ValueError(f"sequence must be sobol or halton, but got {sequence!r}")
    return QmcSampler(sequence=sequence, scramble=scramble)


def _flag(**flags: bool) -> None:
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            raise TypeError(f"{name} must be true or false, but got {flag!r}")


def _positive(**numbers: int) -> None:
    for name, number in numbers.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, but got {number!r}")


def _needs(package: str) -> None:
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise SweepInputError(f"search.sampler: {package} is not installed; `pip install {package}`, or use sampler: tpe.")
