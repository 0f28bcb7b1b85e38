"""Trials of a transfer sweep share compiled steps and do not grow the process."""

from __future__ import annotations

import time

import numpy as np
import psutil
from tiny_trainings import settings

from trainer import train
from trainer.fit.engine import TRACES
from trainer.fit.kept import forget_compiled


def test_twenty_trials_trace_once_per_boundary_and_optimizer_with_flat_memory() -> None:
    forget_compiled()
    TRACES.clear()
    draw = np.random.default_rng(0)
    process = psutil.Process()
    memory: list[float] = []
    starts: list[float] = []
    seen: set[tuple[str, str]] = set()
    for _ in range(20):
        frozen, optimizer = str(draw.choice(["none", "all"])), str(draw.choice(["adam", "sgd"]))
        config = settings(
            1,
            model={"frozen_layers": frozen, "dropout": float(draw.uniform(0, 0.6)), "bn_momentum": float(draw.uniform(0, 0.99))},
            training={
                "optimizer": optimizer,
                "learning_rate": float(10 ** draw.uniform(-4, -2)),
                "weight_decay": float(draw.uniform(0, 0.1)),
                "label_smoothing": float(draw.uniform(0, 0.2)),
                "gradient_clip": float(draw.uniform(0.5, 5)),
            },
            seed=int(draw.integers(1000)),
        )
        result = train(config)
        memory.append(process.memory_info().rss / 2**20)
        if (frozen, optimizer) in seen:
            starts.append(result.figures["start_seconds"])
        seen.add((frozen, optimizer))
    assert sorted(TRACES.values()) == [1] * len(seen) == [1] * 4
    assert memory[-1] - memory[-8] < 30, f"MB after each trial: {memory}"
    assert np.median(starts) < 2.0


def test_a_kept_model_repeats_a_new_one() -> None:
    config = settings(2, model={"dropout": 0.3}, seed=5)
    forget_compiled()
    new = train(config)
    train(settings(1, model={"dropout": 0.1, "bn_momentum": 0.5}, training={"weight_decay": 0.1, "ema": None}, seed=6))
    began = time.monotonic()
    kept = train(config)
    assert time.monotonic() - began < 20
    assert kept.curves["val_loss"] == new.curves["val_loss"]
    assert kept.curves["loss"] == new.curves["loss"]
