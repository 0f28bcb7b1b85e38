"""Named places where a test may kill the driver: ``STEADYSWEEP_KILL_AT=point[:n]`` ends the process by SIGKILL at the n-th passing."""

from __future__ import annotations

import os
import signal
from collections import Counter

VARIABLE = "STEADYSWEEP_KILL_AT"
POINTS = (
    "history-imported",
    "proposal-drawn",
    "trial-written",
    "sibling-written",
    "attempt-written",
    "submitted",
    "started",
    "epoch-received",
    "curve-written",
    "epoch-written",
    "prune-decided",
    "ended-received",
    "curves-compacted",
    "ledger-written",
    "attributes-set",
    "told",
    "leaders-fixed",
    "race-planned",
    "race-ended",
    "mid-removal",
    "mid-checkpoint",
)
"""In the order of a study's and a trial's life; ``mid-checkpoint`` is passed by trainables while they write a checkpoint."""

_passed: Counter[str] = Counter()


def reach(point: str) -> None:
    """Pass a place; costs a look at the environment.

    Raises:
        ValueError: `point` is not one of `POINTS`.
    """
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    if point not in POINTS:
        raise ValueError(f"kill point {point!r} is unknown; expected one of {', '.join(POINTS)}")
    name, _, count = wanted.partition(":")
    _passed[point] += 1
    if point == name and _passed[point] == int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)
