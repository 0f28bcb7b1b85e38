"""What becomes of a trial whose attempt ended: done, tried again, or failed with its cause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweeps.executor.protocol import Cause

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.records import AttemptRecord

WORKER_RETRIES = 2
LOST_NODES_WITHOUT_PROGRESS = 10

_OF_NODES = frozenset({Cause.NODE_LOST, Cause.NODE_UNFIT})
_COUNTED = frozenset({Cause.WORKER_DIED, Cause.OUT_OF_MEMORY})


@dataclass(frozen=True)
class Verdict:
    """Whether to run the trial again, and the cause in words if not."""

    again: bool
    cause: str = ""


def judge_failure(cause: Cause, attempts: Sequence[AttemptRecord], epochs: int) -> Verdict:
    """Decide about an attempt that did not complete.

    A node that was lost, or that has other versions, is no fault of the trial: it runs again, uncounted, as long as some epoch is gained now and then.
    A worker that died or ran out of memory is run again at most twice. The trial's own failures are never repeated.

    Args:
        cause: how the last attempt ended.
        attempts: all attempts of the trial, the last included.
        epochs: epochs on record now.
    """
    if cause is Cause.INTERRUPTED:
        return Verdict(again=True)
    if cause in _OF_NODES:
        fruitless = sum(1 for attempt in attempts if attempt.cause in _OF_NODES and attempt.from_epoch == epochs)
        if fruitless < LOST_NODES_WITHOUT_PROGRESS:
            return Verdict(again=True)
        return Verdict(again=False, cause=f"{cause.value} ({fruitless} times without a new epoch)")
    if cause in _COUNTED:
        counted = sum(1 for attempt in attempts if attempt.cause in _COUNTED)
        if counted <= WORKER_RETRIES:
            return Verdict(again=True)
        return Verdict(again=False, cause=f"{cause.value} ({counted} attempts)")
    return Verdict(again=False, cause=cause.value)
