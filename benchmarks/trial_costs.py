"""Where the time of a short trial goes, stage by stage: a head on a frozen backbone, precomputed activations, a warm process.

    python benchmarks/trial_costs.py [--backbone resnet50] [--repeats 5] [--smoke] [--json FILE]

The first trial of a process (TensorFlow's tracing, the activations), then trials that keep nothing, trials that keep what a study keeps (checkpoints, and what
training changed of the exported model), and trials that write the whole model each. Every stage's figure is its least among the repeats: what else runs on the
machine only ever adds. The backbone's weights are random, saved to a file first, so that they are read and frozen like pretrained ones.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.data import ImageData

# Python puts this folder first on its path, where trainer.py would pass for the package of its name
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
AIM = {"nothing kept": 0.1, "as in a study": 0.3}
"""Seconds of a warm trial beside its epochs."""
EPOCHS = 5
STAGES = ("initial weights", "activations", "training steps", "validation", "checkpoints", "exported model", "removal", "everything else")
EPOCH_STAGES = frozenset({"training steps", "validation"})


@dataclass(frozen=True)
class Way:
    """One way to run a trial.

    Attributes:
        name: for the table.
        keeps: whether it has a folder.
        whole: whether the whole model is written there.
    """

    name: str
    keeps: bool
    whole: bool = False


FIRST = Way("first in a process", keeps=True)
WAYS = (Way("nothing kept", keeps=False), Way("as in a study", keeps=True), Way("whole model written", keeps=True, whole=True))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="resnet50", help="default: %(default)s")
    parser.add_argument("--images", type=int, default=512, help="to train on; a quarter as many validate (default: %(default)s)")
    parser.add_argument("--size", type=int, default=64, help="pixels a side (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--smoke", action="store_true", help="so small that the figures mean nothing")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.backbone, arguments.images, arguments.size, arguments.repeats = "small_resnet", 40, 16, 1
    with tempfile.TemporaryDirectory() as folder:
        found = measure(arguments.backbone, arguments.images, arguments.size, arguments.repeats, Path(folder))
    print(f"head on frozen {arguments.backbone}, {arguments.images} images of {arguments.size} pixels, {EPOCHS} epochs, ms")
    print(f"{'':22}" + "".join(f"{name:>22}" for name in found))
    for stage in STAGES:
        print(f"{stage:22}" + "".join(f"{1000 * figures[stage]:22.0f}" for figures in found.values()))
    for name, unit, factor in (
        ("whole trial", "", 1000),
        ("beside its epochs", "", 1000),
        ("megabytes written", "", 1),
        ("kilobytes left", "", 1),
    ):
        print(f"{name:22}" + "".join(f"{factor * figures[name]:22.{0 if factor > 1 else 2}f}" for figures in found.values()) + unit)
    for name, aim in AIM.items():
        print(f"{name}: {found[name]['beside its epochs']:.3f} s beside its epochs (aim {aim} s)")
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2))


def measure(backbone: str, images: int, size: int, repeats: int, folder: Path) -> dict[str, dict[str, float]]:
    """Figures of each way by name: seconds of each stage, of the whole trial, and what it writes."""
    from trainer.fit.process import configure_determinism, import_tensorflow_quietly

    import_tensorflow_quietly()
    configure_determinism(None)
    weights = folder / "backbone.weights.h5"
    save_random(backbone, size, weights)
    data = random_images(images, size)
    found = {FIRST.name: trial(FIRST, backbone, weights, data, 0)}
    for way in WAYS:
        runs = [trial(way, backbone, weights, data, 1 + repeat) for repeat in range(repeats + 1)][1:]
        found[way.name] = {name: min(run[name] for run in runs) for name in runs[0]}
    return found


def trial(way: Way, backbone: str, weights: Path, data: ImageData, seed: int) -> dict[str, float]:
    """Run one trial and remove what it leaves, as the study does with a trial that is not among the best."""
    from trainer import TrainConfig, train

    config = TrainConfig.model_validate(
        {
            "data": {"source": "memory", "cache_path": str(weights.parent / "cache"), "preprocessing": "rescale"},
            "model": {"backbone": backbone, "weights": str(weights), "frozen_layers": "all", "dropout": 0.2},
            "training": {"epochs": EPOCHS, "frozen_features": "precomputed"},
            "seed": seed,
        }
    )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "trial"
        with stopwatch() as seconds:
            began = time.perf_counter()
            train(config, data=data, checkpoint_dir=folder if way.keeps else None, whole_model=way.whole)
            ended = time.perf_counter()
        left = {path.name: path.stat().st_size for path in folder.rglob("*") if path.is_file()} if way.keeps else {}
        shutil.rmtree(folder, ignore_errors=True)
        seconds["removal"] = time.perf_counter() - ended
    figures = {stage: seconds[stage] for stage in STAGES}
    figures["everything else"] = ended - began - sum(seconds[stage] for stage in STAGES if stage != "removal")
    figures["whole trial"] = ended - began + seconds["removal"]
    figures["beside its epochs"] = figures["whole trial"] - sum(seconds[stage] for stage in EPOCH_STAGES)
    figures["megabytes written"] = sum(left.values()) / 1e6
    figures["kilobytes left"] = sum(size for name, size in left.items() if name in {"trained.npz", "model.keras", "export.json"}) / 1e3
    return figures


@contextmanager
def stopwatch() -> Iterator[Counter[str]]:
    """Seconds spent in each stage while this is open."""
    from trainer.fit import train as training
    from trainer.fit.engine import Engine
    from trainer.fit.validation import Validator

    stages: dict[str, tuple[Any, str]] = {
        "initial weights": (Engine, "start"),
        "activations": (Engine, "features"),
        "training steps": (Engine, "train_epoch"),
        "validation": (Validator, "validate"),
        "checkpoints": (training.Training, "_write"),
        "exported model": (training.Training, "_export"),
    }
    seconds: Counter[str] = Counter()
    kept = {stage: getattr(owner, name) for stage, (owner, name) in stages.items()}

    def timed(stage: str) -> Any:  # noqa: ANN401 - a method in place of the one it calls
        def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as above
            began = time.perf_counter()
            try:
                return kept[stage](*arguments, **options)
            finally:
                seconds[stage] += time.perf_counter() - began  # type: ignore[assignment]

        return call

    for stage, (owner, name) in stages.items():
        setattr(owner, name, timed(stage))
    try:
        yield seconds
    finally:
        for stage, (owner, name) in stages.items():
            setattr(owner, name, kept[stage])


def save_random(backbone: str, size: int, path: Path) -> None:
    """Write random weights of a backbone to a file."""
    import keras

    from trainer.config import ModelConfig
    from trainer.network.build import build_backbone
    from trainer.network.weights import save_backbone

    keras.utils.set_random_seed(0)
    save_backbone(build_backbone(ModelConfig(backbone=backbone), (size, size, 3)), path)


def random_images(images: int, size: int) -> ImageData:
    """Noise with random labels of ten classes."""
    from trainer.data import ImageData, ImageSet

    draw = np.random.default_rng(0)

    def part(count: int) -> ImageSet:
        return ImageSet(draw.integers(0, 256, (count, size, size, 3), np.uint8), draw.integers(0, 10, count).astype(np.int32), None, 10)

    return ImageData(part(images), part(images // 4), None, tuple("abcdefghij"), f"noise {images} {size}")


if __name__ == "__main__":
    main()
