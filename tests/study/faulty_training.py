"""Trainables that go wrong in known ways."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import fast_training

from sweeps.executor.protocol import Outcome

if TYPE_CHECKING:
    from sweeps.executor.protocol import Reporter, TrialTask


class NonFiniteLossError(Exception):
    """Known to executors by its name."""


class ResourceExhaustedError(Exception):
    """Known to executors by its name."""


def always_the_same(task: TrialTask, reporter: Reporter) -> Outcome:
    """The user's code has a mistake."""
    del task, reporter
    raise KeyError("no such layer: conv9")


def sometimes(task: TrialTask, reporter: Reporter) -> Outcome:
    """Fails where dropout is high, each time with a message of its own, and diverges or runs out of memory elsewhere."""
    dropout = task.config["model"]["dropout"]
    if dropout > 0.4:
        raise ValueError(f"dropout {dropout} is too much")
    if dropout > 0.3:
        raise NonFiniteLossError("loss became nan in epoch 1, batch 3")
    if dropout > 0.2:
        raise ResourceExhaustedError("OOM when allocating tensor on /device:GPU:0")
    return fast_training.train(task, reporter)


def memory_once(task: TrialTask, reporter: Reporter) -> Outcome:
    """Runs out of memory after two epochs of its first attempt."""
    if task.attempt == 0:
        for epoch in (1, 2):
            reporter.epoch(epoch, {"val_accuracy": 0.1 * epoch})
        raise MemoryError
    for epoch in range(1, 6):
        if epoch > task.recorded_epochs:
            reporter.epoch(epoch, {"val_accuracy": 0.1 * epoch})
    return Outcome()


class TrainingMemoryError(Exception):
    """Known to executors by its name, and by the micro-batches that it proposes."""

    accumulate = 1


def hungry(task: TrialTask, reporter: Reporter) -> Outcome:
    """Has room for its first two epochs, and for the others with batches in four parts."""
    parts = task.config["training"]["accumulate"]
    for epoch in range(task.recorded_epochs + 1, 6):
        if epoch > 2 and parts < 4:
            error = TrainingMemoryError("OOM when allocating tensor on /device:GPU:0")
            error.accumulate = 2 * parts
            raise error
        reporter.epoch(epoch, {"val_accuracy": 0.1 * epoch})
    return Outcome()


def memory_always(task: TrialTask, reporter: Reporter) -> Outcome:
    """Never fits."""
    del task, reporter
    raise MemoryError


def nan_metric(task: TrialTask, reporter: Reporter) -> Outcome:
    """Its metric is missing at times, or throughout."""
    missing = {1, 3} if task.trial % 2 else set(range(1, 6))
    for epoch in range(1, 6):
        reporter.epoch(epoch, {"val_accuracy": float("nan") if epoch in missing else 0.5, "loss": float("inf")})
    return Outcome({"num_val": float("nan")})


def other_metric(task: TrialTask, reporter: Reporter) -> Outcome:
    """Tells everything but what is ranked."""
    del task
    reporter.epoch(1, {"accuracy": 0.5})
    return Outcome()


def silent(task: TrialTask, reporter: Reporter) -> Outcome:
    """Tells nothing."""
    del task, reporter
    return Outcome()


def leaps(task: TrialTask, reporter: Reporter) -> Outcome:
    """Leaves an epoch out."""
    del task
    for epoch in (1, 3, 4):
        if reporter.epoch(epoch, {"val_accuracy": 0.5}):
            break
    return Outcome()


def forgets(task: TrialTask, reporter: Reporter) -> Outcome:
    """Its checkpoint is deleted before it starts."""
    (Path(task.checkpoint_dir) / fast_training.CHECKPOINT).unlink(missing_ok=True)
    for _ in range(2):  # a notice that is told again is on record once
        reporter.notice("no checkpoint is left: the training starts over")
    return fast_training.train(task, reporter)


def deaf(task: TrialTask, reporter: Reporter) -> Outcome:
    """Never looks whether it should stop."""
    del task, reporter
    print("deaf", flush=True)  # a test waits for it
    time.sleep(600)
    return Outcome()


def hanging(task: TrialTask, reporter: Reporter) -> Outcome:
    """Trial 1 hangs after two epochs of every attempt, trial 2 of its first alone."""
    if task.trial == 1 or (task.trial, task.attempt) == (2, 0):
        for epoch in range(task.recorded_epochs + 1, 3):
            reporter.epoch(epoch, {"val_accuracy": 0.1 * epoch})
        while True:
            time.sleep(1)
    for epoch in range(task.recorded_epochs + 1, 6):
        reporter.epoch(epoch, {"val_accuracy": 0.1 * epoch})
    return Outcome()


def silent_return(task: TrialTask, reporter: Reporter) -> Outcome:
    """Tells nothing and returns."""
    del task, reporter
    return Outcome()
