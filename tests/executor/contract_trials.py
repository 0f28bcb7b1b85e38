"""Trainables that behave and misbehave; imported by name in the workers."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from reports.ledger import PackedLedger
from sweeps.executor.protocol import Outcome
from trainer.errors import NonFiniteLossError

if TYPE_CHECKING:
    from sweeps.executor.protocol import Reporter, TrialTask

not_a_function = 3


def quick(task: TrialTask, reporter: Reporter) -> Outcome:
    for epoch in range(1, task.config.get("epochs", 3) + 1):
        reporter.epoch(epoch, {"val_accuracy": epoch / 100}, f"{task.checkpoint_dir}/{epoch}")
    count = task.config.get("epochs", 3)
    ledger = PackedLedger(task.known_images[0], str(count).encode(), None)
    return Outcome(figures={"exported_epoch": float(count)}, facts={"pid": str(os.getpid())}, ledger=ledger)


def no_op(task: TrialTask, reporter: Reporter) -> Outcome:
    del task, reporter
    return Outcome()


def patient(task: TrialTask, reporter: Reporter) -> Outcome:
    """Epochs of 20 "batches"; asks for a stop at each batch, leaves a file when told to."""
    epoch = task.recorded_epochs
    while epoch < task.config.get("epochs", 10_000):
        for _ in range(20):
            if reporter.should_stop():
                Path(task.checkpoint_dir, f"stopped-{task.trial}").write_text(str(epoch))
                return Outcome(facts={"left_at": str(epoch)})
            time.sleep(0.002)
        epoch += 1
        reporter.epoch(epoch, {"val_accuracy": epoch / 10_000})
    return Outcome()


def deaf(task: TrialTask, reporter: Reporter) -> Outcome:
    reporter.epoch(task.recorded_epochs + 1, {"val_accuracy": 0.1})
    time.sleep(600)
    return Outcome()


def retelling(task: TrialTask, reporter: Reporter) -> Outcome:
    return quick(task, reporter)


def raising(task: TrialTask, reporter: Reporter) -> Outcome:
    reporter.epoch(1, {"val_accuracy": 0.5})
    raise ValueError(f"the user's own mistake in trial {task.trial}")


def non_finite(task: TrialTask, reporter: Reporter) -> Outcome:
    del task, reporter
    raise NonFiniteLossError(epoch=2, batch=7, loss=float("nan"))


def hungry(task: TrialTask, reporter: Reporter) -> Outcome:
    """Really runs out of a limited address space."""
    import resource

    del task, reporter
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 50_000_000, before[1]))
    try:
        return Outcome(facts={"bytes": str(len(bytearray(400_000_000)))})
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


class ResourceExhaustedError(Exception):
    """Named as TensorFlow's own."""


def gpu_hungry(task: TrialTask, reporter: Reporter) -> Outcome:
    del task, reporter
    raise ResourceExhaustedError("OOM when allocating tensor with shape[512,64] on /job:localhost/device:GPU:0 by allocator GPU_0_bfc")


def killed(task: TrialTask, reporter: Reporter) -> Outcome:
    reporter.epoch(1, {"val_accuracy": 0.5})
    time.sleep(task.config.get("seconds", 0.2))
    os.kill(os.getpid(), signal.SIGKILL)
    return Outcome()


def leaving(task: TrialTask, reporter: Reporter) -> NoReturn:
    del task, reporter
    os._exit(3)


def exiting(task: TrialTask, reporter: Reporter) -> NoReturn:
    del task, reporter
    sys.exit(4)


def returning_nothing(task: TrialTask, reporter: Reporter) -> None:
    del task, reporter


def returning_a_lambda(task: TrialTask, reporter: Reporter) -> Outcome:
    del task, reporter
    return Outcome(facts={"f": lambda: None})  # type: ignore[dict-item]


def falling_epochs(task: TrialTask, reporter: Reporter) -> Outcome:
    del task
    reporter.epoch(2, {})
    reporter.epoch(1, {})
    return Outcome()


def environment(task: TrialTask, reporter: Reporter) -> Outcome:
    del task, reporter
    names = ("CUDA_VISIBLE_DEVICES", "PLANTED")
    return Outcome(facts={name: os.environ.get(name, "unset") for name in names} | {"folder": str(Path.cwd())})


def carrying(task: TrialTask, reporter: Reporter) -> Outcome:
    """Tells the same of each sibling every epoch: its momentum."""
    for epoch in range(1, int(task.config["epochs"]) + 1):
        reporter.epoch(
            epoch, {"val_accuracy": 0.9}, None, {each.trial: {"val_accuracy": each.bn_momentum or 0.0} for each in task.siblings}
        )
    return Outcome(siblings={each.trial: Outcome(facts={"place": each.checkpoint_dir}) for each in task.siblings})
