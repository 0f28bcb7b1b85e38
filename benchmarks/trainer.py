"""Training speed against the keras.io transfer-learning recipe, the cost of recording, and the start of a second trial.

    python benchmarks/trainer.py [--quick | --smoke] [--json FILE]

Both sides train the same network on the same images in one process, epoch by epoch in turn, so that a busy machine slows both. Figures
are of each side's fastest epoch: what else runs on the machine, and its changing clock, only ever add.
The recipe is https://keras.io/guides/transfer_learning/ done carefully: images decoded and resized beforehand, cached in memory, shuffled anew each epoch,
batched, prefetched; backbone called with ``training=False``; one compiled ``fit``. tf.data's autotuner is off, as in our pipelines: with it on, an epoch
of the recipe may wait up to as long again for a thread of the autotuner that sleeps.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

# Python puts this folder first on its path, where this file would pass for the package of its name
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
TARGET_SPEED = 1.0
TARGET_OVERHEAD = 0.05
TARGET_START_SECONDS = 2.0


@dataclass(frozen=True)
class Case:
    """One comparison.

    Attributes:
        name: for the table.
        backbone: of ``keras.applications``.
        frozen: `frozen_layers`.
        size: pixels a side.
        images: to train on; a fifth as many validate.
        batch: images a step.
        epochs: measured, after one that is not.
    """

    name: str
    backbone: str
    frozen: str
    size: int
    images: int
    batch: int
    epochs: int


@dataclass(frozen=True)
class Figures:
    """What a case came to.

    Attributes:
        speed: our training images/s as a multiple of the recipe's.
        ours: images/s.
        recipe: images/s.
        overhead: time of our whole epoch (training, validation, all figures, checkpoint) over the recipe's with validation, minus 1.
        first_start: seconds from the call of `train` to the first step done, compiling included.
        second_start: the same for a second trial with other dropout and learning rate.
    """

    speed: float
    ours: float
    recipe: float
    overhead: float
    first_start: float
    second_start: float


QUICK = (Case("head on frozen MobileNetV2", "mobilenetv2", "all", 64, 512, 32, 3),)
SMOKE = (Case("head on frozen MobileNetV2", "mobilenetv2", "all", 32, 40, 20, 1),)
FULL = (
    Case("head on frozen MobileNetV2", "mobilenetv2", "all", 96, 640, 32, 20),
    Case("whole MobileNetV2", "mobilenetv2", "none", 64, 1024, 32, 8),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one small case")
    parser.add_argument("--smoke", action="store_true", help="so small that the figures mean nothing")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    found = {}
    for case in SMOKE if arguments.smoke else QUICK if arguments.quick else FULL:
        figures = measure(case)
        found[case.name] = asdict(figures)
        print(f"{case.name}, {case.size} px, {case.images} images, batch {case.batch}")
        print(
            f"  training     {figures.ours:8.1f} images/s   recipe {figures.recipe:8.1f}   {figures.speed:.2f}x (target >= {TARGET_SPEED}x)"
        )
        print(f"  whole epoch  {100 * figures.overhead:+8.1f} % against fit with validation (target <= {100 * TARGET_OVERHEAD:.0f} %)")
        print(
            f"  start        {figures.first_start:8.2f} s first, {figures.second_start:.2f} s second trial (target <= {TARGET_START_SECONDS} s)",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2))


def measure(case: Case) -> Figures:
    """Train ours with a callback that runs one epoch of the recipe after each of ours."""
    from trainer import EpochRecord, TrainConfig, train
    from trainer.data import ImageData, ImageSet
    from trainer.fit.process import configure_determinism

    configure_determinism(None)
    draw = np.random.default_rng(0)

    def part(count: int) -> ImageSet:
        return ImageSet(
            draw.integers(0, 256, (count, case.size, case.size, 3), np.uint8), draw.integers(0, 5, count).astype(np.int32), None, 5
        )

    data = ImageData(part(case.images), part(case.images // 5), None, tuple("abcde"), f"random {case}")
    settings = {
        "data": {"source": "memory", "preprocessing": "auto"},
        "model": {"backbone": case.backbone, "frozen_layers": case.frozen, "dropout": 0.2},
        "training": {"epochs": case.epochs + 1, "batch_size": case.batch},
    }
    config = TrainConfig.model_validate(settings)
    epoch_of_recipe = recipe(case, data)
    ours: list[float] = []
    whole: list[float] = []
    theirs: list[tuple[float, float]] = []
    last = [time.perf_counter()]

    def turn(record: EpochRecord) -> None:
        whole.append(time.perf_counter() - last[0])
        ours.append(record.figures["images_per_second"])
        theirs.append(epoch_of_recipe())
        last[0] = time.perf_counter()

    with tempfile.TemporaryDirectory() as folder:
        first = train(config, turn, data=data, checkpoint_dir=Path(folder))
    again = {
        **settings,
        "model": {**settings["model"], "dropout": 0.5},
        "training": {**settings["training"], "learning_rate": 1e-4, "epochs": 1},
    }
    second = train(TrainConfig.model_validate(again), data=data)
    training, theirs_whole = min(training for training, _ in theirs[1:]), min(sum(both) for both in theirs[1:])
    return Figures(
        max(ours[1:]) * training / case.images,
        max(ours[1:]),
        case.images / training,
        min(whole[1:]) / theirs_whole - 1,
        first.figures["start_seconds"],
        second.figures["start_seconds"],
    )


def recipe(case: Case, data: object) -> Callable[[], tuple[float, float]]:
    """The same network and images with stock Keras; the function returned runs an epoch and gives its seconds of training and of validation."""
    import keras
    import tensorflow as tf

    from trainer.network import backbone_info

    base = getattr(keras.applications, backbone_info(case.backbone).builder.partition(":")[2])(
        include_top=False, weights=None, input_shape=(case.size, case.size, 3)
    )
    base.trainable = case.frozen == "none"
    inputs = keras.Input((case.size, case.size, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = base(x, training=False) if case.frozen == "all" else base(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(0.2)(x)
    model = keras.Model(inputs, keras.layers.Dense(5)(x))
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])

    def dataset(part: object, *, shuffle: bool) -> tf.data.Dataset:
        cached = tf.data.Dataset.from_tensor_slices((part.images, part.labels)).cache()
        cached = cached.shuffle(len(part.labels), reshuffle_each_iteration=True) if shuffle else cached
        options = tf.data.Options()
        options.autotune.enabled = False
        return cached.batch(case.batch).prefetch(4).with_options(options)

    training, validation = dataset(data.train, shuffle=True), dataset(data.validation, shuffle=False)

    def epoch() -> tuple[float, float]:
        began = time.perf_counter()
        model.fit(training, epochs=1, verbose=0)
        trained = time.perf_counter()
        model.evaluate(validation, verbose=0)
        return trained - began, time.perf_counter() - trained

    return epoch


if __name__ == "__main__":
    main()
