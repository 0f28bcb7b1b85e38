"""The fast trainable with networks that cost something: the more, the wider their dense layer; measurements are counted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import fast_training

from reports.costs import ARCHITECTURE, DEVICE, INFEASIBLE, broken_limits
from sweeps.executor.protocol import Outcome

if TYPE_CHECKING:
    from sweeps.executor.protocol import Reporter, TrialTask


def train(task: TrialTask, reporter: Reporter) -> Outcome:
    """Measure as the Keras trainable does: before the first epoch, where nobody did."""
    figures = dict(task.costs)
    dense = task.config["model"]["dense"]
    if not figures:
        with (Path(task.checkpoint_dir).parents[1] / "measured.txt").open("a") as log:
            log.write(f"{task.architecture}\n")
        units = sum(dense)
        figures = {"parameters": 1e4 * units, "file_mb": 0.04 * units, "latency_ms": 0.1 * units + task.trial / 1000}
    facts = {ARCHITECTURE: task.architecture, DEVICE: "an abacus"}
    if reason := broken_limits(figures, task.limits):
        return Outcome(figures, {**facts, INFEASIBLE: reason})
    outcome = fast_training.train(task, reporter)
    return Outcome({**outcome.figures, **figures}, {**outcome.facts, **facts}, outcome.ledger)
