"""Pruners stop trials early: one question after each epoch. A further one is a file with a function that makes it and a line in `PRUNERS`."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from sweeps.errors import SweepInputError
from sweeps.search import unknown_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweeps.search.pruning.algorithms import LevelBook


class Pruner(Protocol):
    """Stops trials that fall behind."""

    def judge(self, book: LevelBook, trial: int, epoch: int) -> str | None:
        """Why the trial should stop after `epoch` (counted from 1), in words with figures; None lets it go on."""
        ...


@dataclass(frozen=True)
class PrunerEntry:
    """A pruner that a sweep file can name.

    Attributes:
        make: ``package.module:function`` called with the planned epochs and the options; None prunes nothing. Imported when the pruner is wanted.
        options: each with its smallest value; all are whole numbers.
    """

    make: str | None = None
    options: Mapping[str, int] = field(default_factory=dict)


PRUNERS: dict[str, PrunerEntry] = {
    "asha": PrunerEntry("sweeps.search.pruning.algorithms:asha", {"grace": 1, "reduction": 2}),
    "median": PrunerEntry("sweeps.search.pruning.algorithms:below_median", {"grace": 1, "startup_trials": 1}),
    "none": PrunerEntry(),
}


def make_pruner(name: str, options: Mapping[str, Any], planned_epochs: int) -> Pruner | None:
    """The pruner that the sweep file names; None for ``none``.

    Raises:
        SweepInputError: no such pruner or option, or an option out of range.
    """
    if name not in PRUNERS:
        raise SweepInputError(f"search.pruner: {name!r} is unknown; expected one of {', '.join(PRUNERS)}.")
    entry = PRUNERS[name]
    if options and not entry.options:
        raise SweepInputError(
            f"search.pruner_options: pruner {name} takes no options, got {', '.join(options)}. To stop trials early, set pruner: asha or pruner: median."
        )
    for option, value in options.items():
        if option not in entry.options:
            raise unknown_option("search.pruner_options", name, option, entry.options)
        least = entry.options[option]
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise SweepInputError(f"search.pruner_options: {option} must be a whole number of at least {least}, but got {value!r}.")
    if entry.make is None:
        return None
    module, _, function = entry.make.partition(":")
    pruner: Pruner = getattr(import_module(module), function)(planned_epochs, **options)
    return pruner
