"""Which epochs Optuna's tools are shown: all of them would make loading a study eight times slower."""

from __future__ import annotations

from functools import cache

SHOWN_EPOCHS = 32


@cache
def shown_epochs(planned_epochs: int) -> frozenset[int]:
    """At most 32 epochs, evenly spaced, the first and the last among them; counted from 1."""
    if planned_epochs <= SHOWN_EPOCHS:
        return frozenset(range(1, planned_epochs + 1))
    return frozenset(round(1 + index * (planned_epochs - 1) / (SHOWN_EPOCHS - 1)) for index in range(SHOWN_EPOCHS))
