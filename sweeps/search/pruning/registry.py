"""Pruners by their name in the sweep file, with their options."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from sweeps.errors import SweepInputError
from sweeps.search.pruning.algorithms import MedianStopping, SuccessiveHalving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweeps.search.pruning.levels import Pruner

OPTIONS: Mapping[str, Mapping[str, int]] = {  # name → option → smallest value
    "asha": {"grace": 1, "reduction": 2},
    "median": {"grace": 1, "startup_trials": 1},
    "none": {},
}
REDUCTION = 2


def default_grace(planned_epochs: int) -> int:
    """Epochs before any trial may be stopped: a quarter of the training, at least two (one epoch has no level to speak of).

    Chosen with `REDUCTION` by ``benchmarks/pruning.py``: earlier and harder stopping loses late risers, later stopping saves less.
    """
    return max(2, round(planned_epochs / 4))


def make_pruner(name: str, options: Mapping[str, Any], planned_epochs: int) -> Pruner | None:
    """The pruner that the sweep file names; None for ``none``.

    Raises:
        SweepInputError: no such pruner or option, or an option out of range.
    """
    if name not in OPTIONS:
        raise SweepInputError(f"search.pruner: {name!r} is unknown; expected one of {', '.join(OPTIONS)}.")
    known = OPTIONS[name]
    if options and not known:
        raise SweepInputError(
            f"search.pruner_options: pruner {name} takes no options, got {', '.join(options)}. To stop trials early, set pruner: asha or pruner: median."
        )
    for option, value in options.items():
        if option not in known:
            near = get_close_matches(option, known, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise SweepInputError(f"search.pruner_options: {name} has no option {option!r}; expected one of {', '.join(known)}.{hint}")
        if not isinstance(value, int) or isinstance(value, bool) or value < known[option]:
            raise SweepInputError(f"search.pruner_options: {option} must be a whole number of at least {known[option]}, but got {value!r}.")
    grace = int(options.get("grace", default_grace(planned_epochs)))
    if name == "asha":
        return SuccessiveHalving(planned_epochs, grace, int(options.get("reduction", REDUCTION)))
    if name == "median":
        return MedianStopping(planned_epochs, grace, int(options.get("startup_trials", 5)))
    return None
