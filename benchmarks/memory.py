"""How far the memory that `check` predicts of a training is off, on a CPU: predicted and measured peaks of several networks.

Each training is one step in a process of its own; measured is how much its largest resident size exceeds the size before the network was made. That holds what a
device does not: traced graphs, compiled kernels, threads. So each is measured with a small batch too: the growth between both is what the images take, and what a
GPU's memory would show.

    python benchmarks/memory.py [--only NAME ...] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

# Python puts this folder first on its path, where trainer.py would pass for the package of its name
HERE = Path(__file__).resolve().parent
sys.path[:] = [str(HERE.parent), *(entry for entry in sys.path if Path(entry or ".").resolve() != HERE)]

MEGABYTE = 1e6


@dataclass(frozen=True)
class Case:
    """A training: its batch, and the small one that it is compared with."""

    backbone: str
    side: int
    batch_size: int
    small: int
    optimizer: str
    frozen_layers: str = "none"

    @property
    def name(self) -> str:
        """For a table."""
        return f"{self.backbone} {self.side} px, {self.frozen_layers} frozen, {self.optimizer}"


CASES = (
    Case("small_resnet", 64, 128, 8, "adam"),
    Case("plain_cnn", 128, 64, 8, "sgd"),
    Case("vgg16", 64, 32, 4, "adam"),
    Case("resnet50", 96, 24, 4, "sgd"),
    Case("resnet50", 128, 32, 4, "adam", "75%"),
    Case("mobilenetv2", 96, 32, 4, "adam"),
    Case("mobilenetv2", 128, 64, 8, "adam", "all"),
    Case("efficientnetb0", 96, 24, 4, "adam"),
    Case("densenet121", 96, 16, 4, "rmsprop"),
    Case("convnexttiny", 96, 16, 4, "adamw"),
)


def config_of(case: Case, batch_size: int) -> Any:  # noqa: ANN401 - imported in the child alone
    """The settings of a case."""
    from trainer.config.settings import DataConfig, ModelConfig, TrainConfig, TrainingConfig

    return TrainConfig(
        data=DataConfig(source="none.npz", preprocessing="none"),
        model=ModelConfig(backbone=case.backbone, frozen_layers=case.frozen_layers),
        training=TrainingConfig(epochs=1, batch_size=batch_size, optimizer=case.optimizer),  # type: ignore[arg-type]
    )


def predicted(case: Case) -> dict[str, float]:
    """Megabytes with both batches."""
    from trainer.network.inspect import memory_of

    found = [memory_of(config_of(case, size), (case.side, case.side, 3), 5).total for size in (case.batch_size, case.small)]
    return {name: float("nan") if total is None else total / MEGABYTE for name, total in zip(("whole", "small"), found, strict=True)}


def measured(case: Case, batch_size: int) -> float:
    """Megabytes that one step adds to a process at its peak."""
    import tensorflow as tf

    from trainer.fit.engine import Engine
    from trainer.fit.network import Network
    from trainer.fit.replicas import replicas_of
    from trainer.network.build import build_model

    tf.reduce_sum(tf.matmul(tf.ones((64, 64)), tf.ones((64, 64)))).numpy()  # TensorFlow's threads and libraries are there
    before = _status("VmRSS")
    config = config_of(case, batch_size)
    network = Network(build_model(config, (case.side, case.side, 3), 5), replicas_of(1))
    engine = Engine(network, config, fed=False)
    engine.start(config)
    images = np.zeros((batch_size, case.side, case.side, 3), np.float32)
    targets = np.eye(5, dtype=np.float32)[np.arange(batch_size) % 5]
    batches = tf.data.Dataset.from_tensors((images, targets, np.ones(batch_size, np.float32)))
    engine.train_epoch(1, batches, np.full(1, 1e-3, np.float32), None)
    return (_status("VmHWM") - before) / MEGABYTE


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) * 1024


def _child(index: int, what: str) -> Any:  # noqa: ANN401 - JSON
    done = subprocess.run(
        [sys.executable, __file__, "--child", str(index), what],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Print a row a case, then means and worst."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", help="backbones; default: all")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        case = CASES[int(given.child[0])]
        sizes = {"whole": case.batch_size, "small": case.small}
        print(json.dumps(predicted(case) if given.child[1] == "predicted" else measured(case, sizes[given.child[1]])))
        return
    rows = []
    print(f"{'training':<44}{'predicted':>10}{'measured':>10}{'ratio':>7}{'of the images':>22}{'ratio':>7}", flush=True)
    for index, case in enumerate(CASES):
        if given.only and case.backbone not in given.only:
            continue
        told = _child(index, "predicted")
        whole, small = _child(index, "whole"), _child(index, "small")
        grown, told_grown = whole - small, told["whole"] - told["small"]
        rows.append({**asdict(case), "predicted": told, "measured": {"whole": whole, "small": small}})
        print(
            f"{case.name:<44}{told['whole']:>10.0f}{whole:>10.0f}{told['whole'] / whole:>7.2f}{f'{told_grown:.0f} / {grown:.0f}':>22}{told_grown / grown:>7.2f}",
            flush=True,
        )
    ratios = np.array([row["predicted"]["whole"] / row["measured"]["whole"] for row in rows])
    of_images = np.array(
        [(row["predicted"]["whole"] - row["predicted"]["small"]) / (row["measured"]["whole"] - row["measured"]["small"]) for row in rows]
    )
    for name, values in (("whole process", ratios), ("of the images", of_images)):
        print(f"{name}: predicted / measured {values.mean():.2f} on average, {values.min():.2f} to {values.max():.2f}")
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
