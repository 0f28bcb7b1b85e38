"""Training images per second: our pipeline, Keras's ImageDataGenerator and a hand-written Sequence, on the same images and ranges.

Rotation, shear, zoom and left-right flip against ImageDataGenerator; rotation of half of the images and division by the maximum against the
Sequence; uint8 images in memory; each side yields float32 batches. Ratios compare a peer with the row of ours above it. The peers are used as they are in the
scripts people run: `flow` with a batch size, and a `Sequence` that rotates with SciPy, both in the main process (Keras's default of one
worker). They are also run with one thread per core, as `fit(workers=...)` would, so that the ratio is not one of threads alone.

    python benchmarks/input_pipeline.py [--images 1024] [--side 64] [--repeats 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Python puts this folder first on its path, where benchmarks/trainer.py would pass for the package
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
BATCH = 32
DEGREES, SHEAR, ZOOM = 20.0, 10.0, 0.2
FOUR = {
    "name": "strong",
    "flip": 0.5,
    "degrees": DEGREES,
    "shear": SHEAR,
    "zoom": ZOOM,
    "fill": "nearest",
    **dict.fromkeys(("shift", "brightness", "contrast", "saturation"), 0.0),
}
HALF = {"name": "rotate", "degrees": DEGREES, "share": 0.5, "fill": "nearest"}
TARGET = 3.0
OURS = "steadysweep, rotation+shear+zoom+flip"
OURS_ROTATING = "steadysweep, rotate half, per-image max"


def pictures(count: int, side: int) -> np.ndarray:
    """Smooth colour pictures with some noise, ``(count, side, side, 3)`` uint8."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 200, (count, 8, 8, 3))
    fine = np.repeat(np.repeat(coarse, -(-side // 8), axis=1), -(-side // 8), axis=2)[:, :side, :side]
    return (fine + generator.integers(0, 56, (count, side, side, 3))).astype(np.uint8)


def ours(images: np.ndarray, policy: dict[str, object], preprocessing: str) -> Callable[[int], int]:
    """One epoch of `trainer.data.batches.training_epoch`."""
    from trainer.config import DataConfig, TrainConfig, TrainingConfig
    from trainer.data import ImageData, ImageSet
    from trainer.data.batches import training_epoch

    labels = (np.arange(len(images)) % 2).astype(np.int32)
    part = ImageSet(images, labels, None, 2)
    data = ImageData(part, part, None, ("a", "b"), "benchmark")
    settings = {"augmentation": policy, "preprocessing": preprocessing}
    config = TrainConfig(data=DataConfig(source="digits", **settings), training=TrainingConfig(batch_size=BATCH))

    def epoch(number: int) -> int:
        return sum(int(batch[0].shape[0]) for batch in training_epoch(data, config, number + 1))

    return epoch


def image_data_generator(images: np.ndarray, threads: int) -> Callable[[int], int]:
    """One epoch of ImageDataGenerator(...).flow(...), batch by batch, in `threads` threads."""
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    labels = np.eye(2, dtype=np.float32)[np.arange(len(images)) % 2]
    generator = ImageDataGenerator(rotation_range=DEGREES, shear_range=SHEAR, zoom_range=ZOOM, horizontal_flip=True)
    # the generator converts to float32 once, here, as it does in a script
    flow = generator.flow(images, labels, batch_size=BATCH, shuffle=True, seed=0)

    def epoch(number: int) -> int:  # noqa: ARG001
        return _consume(lambda index: len(flow[index][0]), len(flow), threads)

    return epoch


def rotating_sequence(images: np.ndarray, threads: int) -> Callable[[int], int]:
    """One epoch of a Sequence that draws with replacement, rotates half of the images with SciPy and divides each by its maximum."""
    from scipy import ndimage

    generator, lock = np.random.default_rng(0), threading.Lock()

    def batch(index: int) -> int:  # noqa: ARG001
        with lock:
            rows = generator.integers(0, len(images), BATCH)
            turned, angles = generator.random(BATCH) < 0.5, generator.uniform(-DEGREES, DEGREES, BATCH)
        out = np.empty((BATCH, *images.shape[1:]), np.float32)
        for place, (row, turn, angle) in enumerate(zip(rows, turned, angles, strict=True)):
            image = images[row].astype(np.float32)
            if turn:
                image = ndimage.rotate(image, angle, reshape=False, order=1, mode="nearest")
            out[place] = image / image.max()
        return len(out)

    def epoch(number: int) -> int:  # noqa: ARG001
        return _consume(batch, len(images) // BATCH, threads)

    return epoch


def _consume(batch: Callable[[int], int], count: int, threads: int) -> int:
    if threads == 1:
        return sum(batch(index) for index in range(count))
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(batch, range(count)))


def measured(epoch: Callable[[int], int], repeats: int) -> dict[str, float]:
    """Best images/s of wall and of processor time over `repeats` epochs, after one to warm up."""
    epoch(0)
    wall, processor = [], []
    for number in range(repeats):
        began, used = time.perf_counter(), time.process_time()
        images = epoch(number)
        wall.append(images / (time.perf_counter() - began))
        processor.append(images / (time.process_time() - used))
    return {"images_per_second": max(wall), "images_per_cpu_second": max(processor)}


def contenders(images: np.ndarray, cores: int) -> Iterator[tuple[str, Callable[[int], int]]]:
    """Name and epoch function of each side."""
    yield OURS, ours(images, FOUR, "auto")
    yield "ImageDataGenerator", image_data_generator(images, 1)
    yield f"ImageDataGenerator, {cores} threads", image_data_generator(images, cores)
    yield OURS_ROTATING, ours(images, HALF, "per_image_max")
    yield "Sequence", rotating_sequence(images, 1)
    yield f"Sequence, {cores} threads", rotating_sequence(images, cores)


def main() -> int:
    """Measure, print a table, say whether the target is met against the peers as people run them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    images, cores = pictures(arguments.images, arguments.side), len(os.sched_getaffinity(0))
    results = {name: measured(epoch, arguments.repeats) for name, epoch in contenders(images, cores)}
    print(f"{arguments.images} images of {arguments.side}x{arguments.side}x3, batches of {BATCH}, {cores} cores")
    print(f"{'':42} {'images/s':>9} {'ratio':>6} {'per CPU s':>10} {'ratio':>6}")
    mine = results[OURS]
    for name, figures in results.items():
        mine = figures if name in {OURS, OURS_ROTATING} else mine
        ratios = [mine[key] / figures[key] for key in ("images_per_second", "images_per_cpu_second")]
        print(f"{name:42} {figures['images_per_second']:9.0f} {ratios[0]:6.2f} {figures['images_per_cpu_second']:10.0f} {ratios[1]:6.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"cores": cores, "side": arguments.side, "batch": BATCH, "results": results}, indent=1))
    pairs = ((OURS, "ImageDataGenerator"), (OURS_ROTATING, "Sequence"))
    met = all(results[one]["images_per_second"] >= TARGET * results[other]["images_per_second"] for one, other in pairs)
    print(f"target of {TARGET:g}x over both, as people run them: {'met' if met else 'missed'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
