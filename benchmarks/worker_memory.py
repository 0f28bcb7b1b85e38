"""Memory of one warm worker over many small trials of five architectures: ``python benchmarks/worker_memory.py`` (`--trials 200`).

Prints the resident memory of the process after each tenth trial, and how much a trial adds from the twentieth on. The worker is the one of every executor; what
would make it retire (`WorkerSettings.max_growth_mb`, `max_trials`) is left out, so that growth is seen.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ARCHITECTURES = 5
SETTLED = 20
"""Trials after which every architecture was built and all that stays of libraries is there."""


def memories(trials: int, folder: Path) -> list[float]:
    """Resident megabytes after each trial."""
    import psutil

    from sweeps.executor.protocol import Cause, Ended, TrialTask
    from sweeps.executor.worker import Worker, WorkerSettings
    from sweeps.keras_trainable import TRAINABLE
    from trainer.config import DataConfig, ModelConfig, SplitConfig, TrainConfig, TrainingConfig

    worker, process, told = Worker(WorkerSettings()), psutil.Process(), []
    for number in range(trials):
        config = TrainConfig(
            data=DataConfig(source="digits", split=SplitConfig(train=100, validation=100, test=0)),
            model=ModelConfig(backbone="plain_cnn", options={"filters": [4 + 2 * (number % ARCHITECTURES)], "kernel": 3, "dropout": 0.0}),
            training=TrainingConfig(epochs=2, batch_size=50),
            seed=number,
        )
        worker.begin(TrialTask(number, 0, TRAINABLE, config.model_dump(mode="json"), str(folder / str(number))))
        end = None
        while end is None:
            end = next((event for event in worker.next_events().events if isinstance(event, Ended)), None)
        if end.cause is not Cause.COMPLETED:
            raise SystemExit(f"trial {number}: {end.cause}: {end.error}")
        told.append(process.memory_info().rss / 1e6)
        if number % 10 == 9:
            print(f"after {number + 1:4} trials: {told[-1]:7.0f} MB", flush=True)
    return told


def main() -> None:
    """Print memory and growth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="worker-memory-") as folder:
        told = memories(given.trials, Path(folder))
    settled = told[min(SETTLED, len(told) - 1) :]
    growth = (settled[-1] - settled[0]) / max(1, len(settled) - 1)
    print(
        f"{growth:.2f} MB a trial from trial {SETTLED} on; {given.trials} trials of {ARCHITECTURES} architectures in {time.monotonic() - began:.0f} s"
    )
    if given.json:
        given.json.write_text(json.dumps({"megabytes": told, "growth_a_trial": growth}) + "\n")


if __name__ == "__main__":
    main()
