"""A trainable without TensorFlow: deterministic curves, checkpoints as JSON, faults on demand."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reports.ledger import Ledger, ValidationImages, pack
from sweeps.executor.protocol import Outcome
from sweeps.study.kill_points import reach

if TYPE_CHECKING:
    from sweeps.executor.protocol import Reporter, TrialTask


CHECKPOINT = "epoch-00001/run.json"
"""Named as the trainer's are, so that what removes those of finished trials would remove it too."""


def curve(config: dict[str, dict[str, float]], seed: int, epochs: int) -> list[float]:
    """Validation accuracy by epoch: best near a learning rate of 3e-3 and a BatchNorm momentum of .9, worse with dropout, a little noise from the seed."""
    rate, dropout = config["training"]["learning_rate"], config["model"]["dropout"]
    momentum = config["model"].get("bn_momentum")
    top = 0.95 - 0.08 * abs(np.log10(rate) + 2.5) - 0.1 * dropout - 0.5 * abs((0.9 if momentum is None else momentum) - 0.9)
    noise = np.random.default_rng(seed).normal(0, 0.01, epochs)
    return [float(np.clip(top * (1 - np.exp(-(epoch + 1) / 2)) + noise[epoch], 0, 1)) for epoch in range(epochs)]


def train(task: TrialTask, reporter: Reporter) -> Outcome:
    """Train from the newest checkpoint; every epoch ever computed by any attempt is noted in ``computed.txt``. Siblings are carried."""
    folder = Path(task.checkpoint_dir)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / CHECKPOINT
    config, epochs = dict(task.config), int(task.config["training"]["epochs"])
    history: list[float] = json.loads(checkpoint.read_text()) if checkpoint.exists() else []
    values = curve(config, int(config["seed"]), epochs)
    siblings = {
        each.trial: curve({**config, "model": {**config["model"], "bn_momentum": each.bn_momentum}}, int(config["seed"]), epochs)
        for each in task.siblings
    }

    def carried(epoch: int) -> dict[int, dict[str, float]]:
        return {trial: {"val_accuracy": of_sibling[epoch - 1], "loss": 1 - values[epoch - 1]} for trial, of_sibling in siblings.items()}

    for epoch, value in enumerate(history, start=1):
        figures = {"val_accuracy": value, "loss": 1 - value}
        if epoch > task.recorded_epochs and reporter.epoch(epoch, figures, str(checkpoint), carried(epoch)):
            return Outcome()
    for epoch in range(len(history) + 1, epochs + 1):
        time.sleep(float(os.environ.get("FAST_TRAINING_SECONDS", "0")))
        with (folder / "computed.txt").open("a") as log:
            log.write(f"{epoch}\n")
        history.append(values[epoch - 1])
        checkpoint.parent.mkdir(exist_ok=True)  # gone when another driver, which took the trial over, has finished it
        partial = checkpoint.with_suffix(f".{os.getpid()}.partial")  # a driver that was stopped may still have a worker on this trial
        with partial.open("w") as stream:
            text = json.dumps(history)
            stream.write(text[: len(text) // 2])
            stream.flush()
            reach("mid-checkpoint")
            stream.write(text[len(text) // 2 :])
        partial.replace(checkpoint)
        if reporter.epoch(epoch, {"val_accuracy": values[epoch - 1], "loss": 1 - values[epoch - 1]}, str(checkpoint), carried(epoch)):
            return Outcome()
    ends = {each.trial: _outcome(Path(each.checkpoint_dir), siblings[each.trial], task) for each in task.siblings}
    return replace(_outcome(folder, history, task), siblings=ends)


def _outcome(folder: Path, history: list[float], task: TrialTask) -> Outcome:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.keras").write_text("a model")
    figures = {"num_val": 500.0, "exported_val_accuracy": max(history)}
    if task.evaluate_test:
        figures["test_accuracy"] = history[-1] - 0.01
    return Outcome(figures, {"class_names": "a,b"}, pack(ledger(history, int(task.config["seed"])), task.known_images))


def ledger(history: list[float], seed: int) -> Ledger:
    """As many of 500 images right in each late epoch as the curve says."""
    generator, late = np.random.default_rng(seed), range(max(len(history) - 11, 1), len(history) + 1)
    right = np.array([generator.random(500) < history[epoch - 1] for epoch in late])
    images = ValidationImages("fast", np.arange(500), np.arange(500) % 2, ("a", "b"))
    return Ledger.of(images, late, right, np.where(right[-1], images.labels, 1 - images.labels))
