"""Samplers propose configurations. A further one is a file with a function or class that makes it and a line in `SAMPLERS`.

A sampler keeps no state between proposals, so that a resumed study proposes what an uninterrupted one would.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from sweeps.errors import SweepInputError
from sweeps.search import unknown_option

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from search_spaces.conditions import PointValue
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
        is_taken: whether a point's configuration was proposed before, or its network is known to break a limit.
        with_cost: whether the frontier of score and cost is searched rather than the best score.
    """

    space: SearchSpace
    trials: Sequence[SeenTrial]
    maximize: bool
    seed: int
    study_seed: int
    proposal: int
    draw: int
    is_taken: Callable[[Mapping[str, PointValue]], bool]
    with_cost: bool = False


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


@dataclass(frozen=True)
class SamplerEntry:
    """A sampler that a sweep file can name.

    Attributes:
        make: ``package.module:name`` of a class or function whose keyword arguments are the sampler's options; imported when the sampler is wanted.
        finite: whether it enumerates the space, which must then have finitely many points.
        frontier: whether it can search for a frontier (``search.cost``).
    """

    make: str
    finite: bool = False
    frontier: bool = False


SAMPLERS: dict[str, SamplerEntry] = {
    "tpe": SamplerEntry("sweeps.search.samplers.optuna_samplers:tpe", frontier=True),
    "random": SamplerEntry("sweeps.search.samplers.fixed_points:RandomSampler", frontier=True),
    "grid": SamplerEntry("sweeps.search.samplers.fixed_points:GridSampler", finite=True, frontier=True),
    "gp": SamplerEntry("sweeps.search.samplers.gaussian_process:GaussianProcessSampler"),
    "cmaes": SamplerEntry("sweeps.search.samplers.optuna_samplers:cmaes"),
    "qmc": SamplerEntry("sweeps.search.samplers.fixed_points:QmcSampler", frontier=True),
}


def make_sampler(name: str, options: Mapping[str, Any], space: SearchSpace) -> Sampler:
    """The sampler that the sweep file names.

    Args:
        name: one of `SAMPLERS`.
        options: its arguments.
        space: where it will propose.

    Raises:
        SweepInputError: no such sampler or option, an option of a wrong value, or a space it cannot search.
    """
    if name not in SAMPLERS:
        raise SweepInputError(f"search.sampler: {name!r} is unknown; expected one of {', '.join(SAMPLERS)}.")
    entry = SAMPLERS[name]
    if entry.finite:
        from sweeps.search.samplers.fixed_points import check_grid

        check_grid(space)
    module, _, attribute = entry.make.partition(":")
    maker: Callable[..., Sampler] = getattr(import_module(module), attribute)
    known = list(inspect.signature(maker).parameters)
    for option in options:
        if option not in known:
            raise unknown_option("search.sampler_options", name, option, known)
    try:
        return maker(**options)
    except (TypeError, ValueError) as error:
        raise SweepInputError(f"search.sampler_options: {name} does not accept {dict(options)!r}: {error}") from error


def require_flags(**flags: bool) -> None:
    """Refuse an option that is neither true nor false.

    Raises:
        TypeError: with its name.
    """
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            raise TypeError(f"{name} must be true or false, but got {flag!r}")


def require_positive(**numbers: int) -> None:
    """Refuse an option that is no whole number of at least 1.

    Raises:
        ValueError: with its name.
    """
    for name, number in numbers.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, but got {number!r}")
