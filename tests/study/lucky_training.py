"""A trainable whose search figures say less than its fresh seeds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.executor.protocol import Outcome

if TYPE_CHECKING:
    from sweeps.executor.protocol import Reporter, TrialTask

EPOCHS = 6


def train(task: TrialTask, reporter: Reporter) -> Outcome:
    """Hold what ``luck.json`` beside the checkpoints says of a dropout: its figure in the search, that of fresh seeds, and how many times .007 these may add."""
    folder = Path(task.checkpoint_dir)
    luck = json.loads((folder.parent.parent / "luck.json").read_text())
    search, fresh, *spread = luck[f"{task.config['model']['dropout']:g}"]
    value = (fresh + task.config["seed"] % 7 / 1000 * (spread[0] if spread else 1)) if task.evaluate_test else search
    for epoch in range(1, EPOCHS + 1):
        reporter.epoch(epoch, {"val_accuracy": value - 0.004 / epoch})  # a curve that never moves would be taken for a broken metric
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.keras").write_text(f"a model of {value}")
    figures = {"num_val": 500.0, "exported_val_accuracy": value}
    return Outcome({**figures, "test_accuracy": value} if task.evaluate_test else figures)


def fails_when_fresh(task: TrialTask, reporter: Reporter) -> Outcome:
    """`train`, but no fresh training ends."""
    if task.evaluate_test:
        raise ValueError(f"no room for seed {task.config['seed']}")
    return train(task, reporter)
