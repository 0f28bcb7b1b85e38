"""How to run a sweep, besides what its file says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sweeps.record import HistorySource

ExecutorKind = Literal["ray-tune", "ray-core", "inline"]


@dataclass(frozen=True)
class LaunchOptions:
    """Options of `sweeps.launch.launch`.

    Attributes:
        executor: who runs the trials.
        address: of a Ray cluster to join, or None to start one here.
        quiet: show no progress.
        history: the study whose trials a new one begins with.
    """

    executor: ExecutorKind = "ray-core"
    address: str | None = None
    quiet: bool = False
    history: HistorySource | None = None
