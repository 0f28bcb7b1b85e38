"""The live display tells trials of several drivers apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.console import Console

from reports.records import AttemptRecord, TrialRecord
from sweeps.progress.live import draw
from sweeps.study import StudySnapshot


def shown(*drivers: str) -> str:
    """What a terminal would show of one running trial a driver."""
    trials = tuple(
        TrialRecord(
            number,
            "c",
            "search",
            "RUNNING",
            0,
            {"dropout": 0.1},
            {"val_accuracy": np.array([0.3, 0.4, 0.5])},
            10,
            attempts=(AttemptRecord(0, driver, "worker:1", 0, None, None, None),),
        )
        for number, driver in enumerate(drivers)
    )
    counts: dict[str, Any] = {"complete": 0, "pruned": 0, "failed": 0, "confirmations": 0, "confirmations_target": 0}
    hours = {"elapsed": 1.0, "eta": None, "trial_hours": 0.0, "gpu_hours": 0.0}
    console = Console(width=120, record=True, file=None, quiet=False)
    snapshot = StudySnapshot("flowers", "val_accuracy", True, 9, running=trials, leaders=(), phase="search", **counts, **hours)  # noqa: FBT003 - maximised
    with console.capture() as captured:
        console.print(draw(snapshot))
    return captured.get()


def test_each_running_trial_is_shown_with_its_driver() -> None:
    text = shown("box:11", "node:22")
    assert "driver" in text
    assert "box:11" in text
    assert "node:22" in text


def test_a_single_driver_takes_no_room() -> None:
    assert "driver" not in shown("box:11", "box:11")
