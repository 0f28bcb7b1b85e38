"""Trainables for a cluster: they note where they run, and go wrong as their dropout says. Imported by name in the workers."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import fast_training

if TYPE_CHECKING:
    from sweeps.executor.protocol import Outcome, Reporter, TrialTask


class ResourceExhaustedError(Exception):
    """Named as TensorFlow's own."""


def note(task: TrialTask, **more: object) -> None:
    """Add a line about this attempt to the file of its trial."""
    import ray

    folder = Path(task.checkpoint_dir)
    folder.mkdir(parents=True, exist_ok=True)
    line = {
        "attempt": task.attempt,
        "pid": os.getpid(),
        "node": ray.get_runtime_context().get_node_id(),
        "CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "unset"),
        **more,
    }
    with (folder / "notes.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def train(task: TrialTask, reporter: Reporter) -> Outcome:
    """Train; note when it began and ended."""
    began = time.time()
    outcome = fast_training.train(task, reporter)
    note(task, began=began, ended=time.time())
    return outcome


def slow(task: TrialTask, reporter: Reporter) -> Outcome:
    """Half a second an epoch, noted before it starts."""
    note(task)
    os.environ["FAST_TRAINING_SECONDS"] = "0.5"
    return fast_training.train(task, reporter)


def faulty(task: TrialTask, reporter: Reporter) -> Outcome:
    """Go wrong as the dropout says."""
    note(task)
    dropout = round(float(task.config["model"]["dropout"]), 1)
    if dropout == 0.1:
        raise ValueError(f"no such layer in trial {task.trial}")
    if dropout == 0.4:
        raise ResourceExhaustedError("OOM when allocating tensor with shape[512,64] on /job:localhost/device:GPU:0 by allocator GPU_0_bfc")
    if dropout == 0.2 or (dropout == 0.3 and task.attempt == 0):
        return fast_training.train(task, _DiesAfter(reporter, epochs=2 if task.attempt == 0 else 0))
    return fast_training.train(task, reporter)


class _DiesAfter:
    """A reporter whose process is killed after some epochs have been told."""

    def __init__(self, reporter: Reporter, epochs: int) -> None:
        self._reporter = reporter
        self._epochs = epochs

    def epoch(self, *told: object, **also: object) -> bool:
        if self._epochs == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._epochs -= 1
        stop = self._reporter.epoch(*told, **also)  # type: ignore[arg-type]
        time.sleep(1.5)  # so that the epoch is on its way: the driver may spend two seconds on the death of another worker
        return stop

    def should_stop(self) -> bool:
        return self._reporter.should_stop()


def patient(task: TrialTask, reporter: Reporter) -> Outcome:
    """Lives long enough for anything that wants to kill it."""
    note(task)
    time.sleep(120)
    return fast_training.train(task, reporter)


def look_around(task: TrialTask, reporter: Reporter) -> Outcome:
    """Everything that a worker could learn about the storage from; and the trial's share as the Keras trainable asks for it, and what TensorFlow then says."""
    from sweeps.keras_trainable import use_share

    known = {
        "task": repr(asdict(task)),
        "environment": dict(os.environ),
        "arguments": sys.argv,
        "command line": Path("/proc/self/cmdline").read_text(),
    }
    use_share(cpu=task.cpu, gpu=task.gpu)
    import tensorflow as tf

    note(
        task,
        known=known,
        visible=[device.name for device in tf.config.get_visible_devices("GPU")],
        threads=tf.config.threading.get_intra_op_parallelism_threads(),
    )
    return fast_training.train(task, reporter)
