"""How a run of a study ended.

How a run behaves, besides what its sweep file says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sweeps.errors import SweepError
from sweeps.record import StorageTimes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweeps.record.facts import HistorySource
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


@dataclass(frozen=True)
class StudyOptions:
    """Options of `run_study`.

    Attributes:
        facts: what identifies the study beyond its sweep file (``data_fingerprint``, ``command``); texts.
        versions: package to version.
        hardware: of this host; texts.
        boundaries: what each ``frozen_layers`` label means on the backbone, so that labels that freeze the same layers are one configuration.
        history: the study whose trials a new study begins with.
        grace_seconds: how long running trials may take to save when the run is stopped.
        same_failures: so many equal exceptions at the start of a run stop it; 0: never.
        poll_seconds: longest wait for an event.
        times: how long the storage is waited for, and how long a trial is kept for a driver that is not heard of.
    """

    facts: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    hardware: Mapping[str, str] = field(default_factory=dict)
    boundaries: Mapping[str, str] = field(default_factory=dict)
    history: HistorySource | None = None
    grace_seconds: float = 30.0
    same_failures: int = 3
    poll_seconds: float = 0.2
    times: StorageTimes = field(default_factory=StorageTimes)
