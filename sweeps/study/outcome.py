"""How a run of a study ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sweeps.errors import SweepError

if TYPE_CHECKING:
    from sweeps.study.observer import StudySnapshot

EndReason = Literal["done", "space exhausted", "time budget", "gpu-hours budget", "settled", "interrupted"]


@dataclass(frozen=True)
class StudyOutcome:
    """Where a run left its study.

    Attributes:
        reason: why it ended. After a budget or an interruption, trials that were cut are continued by the next run.
        snapshot: states, leaders, costs.
        note: the reason's figures, or empty.
        unfinished: numbers of the trials that a next run continues.
    """

    reason: EndReason
    snapshot: StudySnapshot
    unfinished: tuple[int, ...] = ()
    note: str = ""


class SweepAbortedError(SweepError):
    """The first trials of a run all failed with the same exception: the message holds its traceback."""
