"""Executors run trials somewhere; study logic knows only the protocol."""

from sweeps.executor.protocol import (
    Cause,
    Ended,
    EpochEnded,
    Event,
    Executor,
    Noticed,
    Outcome,
    Reporter,
    Started,
    Trainable,
    TrialTask,
)

__all__ = ["Cause", "Ended", "EpochEnded", "Event", "Executor", "Noticed", "Outcome", "Reporter", "Started", "Trainable", "TrialTask"]
