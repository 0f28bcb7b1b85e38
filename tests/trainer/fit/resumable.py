"""A training for tests to kill: ``python resumable.py FOLDER BATCHES`` kills itself before batch BATCHES (counted from 1, 0: never)."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tiny_trainings import settings

from trainer import EpochRecord, TrainResult, train


def main(folder: Path | str, kill_before: int) -> TrainResult:
    """Adam, dropout, mixup, BatchNorm, weight averages, a plateau schedule and thawing, all of which have state or draw."""
    config = settings(
        6,
        model={"dropout": 0.3, "dense": [8], "frozen_layers": "all"},
        training={
            "ema": 0.9,
            "unfreeze_every": 2,
            "schedule": "plateau",
            "schedule_patience": 1,
            "warmup_epochs": 0.5,
            "checkpoint_every": 1,
            "deterministic": True,
        },
        data={"augmentation": "mixup"},
        seed=3,
    )
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        if asked == kill_before:
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    records: list[EpochRecord] = []
    result = train(config, records.append, checkpoint_dir=folder, should_stop=should_stop)
    told = [[record.epoch, record.replayed] for record in records]
    if isinstance(folder, str):
        return result
    (folder / "told.json").write_text(json.dumps({"told": told, "curves": {name: list(curve) for name, curve in result.curves.items()}}))
    return result


if __name__ == "__main__":
    main(sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1]), int(sys.argv[2]))
