"""What to train next, and what to stop: proposals, samplers, pruners. Knows no storage and no executor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from search_spaces.errors import nearest
from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    from collections.abc import Iterable


def unknown_option(setting: str, name: str, option: str, known: Iterable[str]) -> SweepInputError:
    """The refusal of an option that the sampler or pruner `name` does not have; it proposes the nearest of those `known`."""
    options = list(known)
    near = nearest(option, options)
    hint = f" Did you mean {near!r}?" if near else ""
    return SweepInputError(f"{setting}: {name} has no option {option!r}; expected one of {', '.join(options) or 'none'}.{hint}")
