"""What class weights do to classes of few images: which cap is sensible, and from how many images on a class is learnt at all.

    OMP_NUM_THREADS=1 python benchmarks/small_classes.py [--seeds 8] [--epochs 20]
    python benchmarks/small_classes.py --keras

Classes of scikit-learn's digits (10 classes) and breast cancer (2 classes) are thinned to a few training examples, the others stay whole. A network of one hidden
layer of 64 units is trained with Adam as the trainer does it: batches of 32, each example's loss multiplied by its class's weight n / (classes x examples of the class),
at most the cap. Judged is a large test set in which no class is thinned: balanced accuracy, and the recall of the thinned classes, as the level and the stable figure of
the curve over the epochs (`reports.stability`), averaged over seeds, with the standard error of the level. All seeds are trained at once, in NumPy.
With --keras the trainer itself trains a small residual network with BatchNorm on the digits, by the weights that it gives with each cap.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

sys.path = [str(Path(__file__).resolve().parents[1]), *sys.path[1:]]  # not this folder: its programs are named as our packages are

from reports.stability import level, stable  # noqa: E402 - after the search path

if TYPE_CHECKING:
    from numpy.typing import NDArray

HIDDEN, BATCH = 64, 32
SIZES = (3, 5, 10, 20)
"""Training examples of a thinned class."""
CAPS = (1.0, 3.0, 5.0, 10.0, 20.0, np.inf)
"""1: no weights at all."""
RATES = (1e-3, 1e-2)


@dataclass(frozen=True)
class Task:
    """Examples to learn and to be judged by, of several seeds.

    Attributes:
        x: to learn, ``(seeds, n, features)``.
        y: their classes, ``(seeds, n)``.
        test_x: to be judged by, ``(seeds, m, features)``.
        test_y: their classes, ``(seeds, m)``.
        thinned: which classes are thinned, by seed.
        classes: how many there are.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    test_x: NDArray[np.float32]
    test_y: NDArray[np.int64]
    thinned: list[list[int]]
    classes: int


def task(name: str, size: int, thin: int, seeds: int) -> Task:
    """Draw, for each seed, which classes are thinned to `size` examples and which examples are learnt and tested."""
    from sklearn.datasets import load_breast_cancer, load_digits

    x, y = (load_digits if name == "digits" else load_breast_cancer)(return_X_y=True)
    x = ((x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-9)).astype(np.float32)
    classes, parts, thinned = len(np.unique(y)), [], []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, size, thin])
        few = sorted(rng.permutation(classes)[:thin].tolist())
        smallest = np.bincount(y).min()
        learn, test = [], []
        for label in range(classes):
            rows = rng.permutation(np.flatnonzero(y == label))[:smallest]
            test.append(rows[: smallest // 2])
            learn.append(rows[smallest // 2 :][: size if label in few else None])
        parts.append((np.concatenate(learn), np.concatenate(test)))
        thinned.append(few)
    learn_rows, test_rows = (np.stack([part[side] for part in parts]) for side in (0, 1))
    return Task(x[learn_rows], y[learn_rows], x[test_rows], y[test_rows], thinned, classes)


def weights_of(given: Task, cap: float) -> NDArray[np.float64]:
    """Weight of each example, ``(seeds, n)``, as `trainer.data.batches.class_weights` gives it, with another cap; 1 for all where the cap is 1."""
    if cap == 1:
        return np.ones(given.y.shape)
    counts = np.stack([np.bincount(row, minlength=given.classes) for row in given.y])
    balanced = np.minimum(given.y.shape[1] / (given.classes * counts), cap)
    return np.take_along_axis(balanced, given.y, axis=1)


def trained(given: Task, cap: float, rate: float, epochs: int) -> NDArray[np.int64]:
    """Classes said of the test examples after each epoch, ``(epochs, seeds, m)``."""
    seeds, n, features = given.x.shape
    rng = np.random.default_rng(7)
    params = [
        rng.normal(0, np.sqrt(2 / features), (seeds, features, HIDDEN)),
        np.zeros((seeds, 1, HIDDEN)),
        rng.normal(0, np.sqrt(1 / HIDDEN), (seeds, HIDDEN, given.classes)),
        np.zeros((seeds, 1, given.classes)),
    ]
    params = [each.astype(np.float32) for each in params]
    first, second = ([np.zeros_like(each) for each in params] for _ in range(2))
    weights, each_seed, said, step = weights_of(given, cap).astype(np.float32), np.arange(seeds)[:, None], [], 0
    for _ in range(epochs):
        order = np.stack([rng.permutation(n) for _ in range(seeds)])
        for start in range(0, n, BATCH):
            rows = order[:, start : start + BATCH]
            x, y, w = given.x[each_seed, rows], given.y[each_seed, rows], weights[each_seed, rows]
            hidden = np.maximum(x @ params[0] + params[1], 0)
            gradient = _softmax(hidden @ params[2] + params[3])
            np.put_along_axis(gradient, y[..., None], np.take_along_axis(gradient, y[..., None], 2) - 1, 2)
            gradient *= (w / rows.shape[1])[..., None]
            back = (gradient @ params[2].transpose(0, 2, 1)) * (hidden > 0)
            gradients = [
                x.transpose(0, 2, 1) @ back,
                back.sum(axis=1, keepdims=True),
                hidden.transpose(0, 2, 1) @ gradient,
                gradient.sum(axis=1, keepdims=True),
            ]
            step += 1
            for place, each in enumerate(gradients):  # Kingma, Ba 2015, algorithm 1
                first[place] = 0.9 * first[place] + 0.1 * each
                second[place] = 0.999 * second[place] + 0.001 * each**2
                params[place] -= rate * (first[place] / (1 - 0.9**step)) / (np.sqrt(second[place] / (1 - 0.999**step)) + 1e-7)
        said.append(np.maximum(given.test_x @ params[0] + params[1], 0) @ params[2] + params[3])
    return np.stack([each.argmax(axis=-1) for each in said])


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def figures(given: Task, said: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Of each seed: level and stable figure of balanced accuracy, and levels of accuracy and of the mean recall of thinned and of whole classes."""
    seeds = said.shape[1]
    recalls = np.stack(
        [[(said[:, seed] == label)[:, given.test_y[seed] == label].mean(axis=1) for label in range(given.classes)] for seed in range(seeds)]
    )  # (seeds, classes, epochs)
    few = [np.isin(np.arange(given.classes), thinned) for thinned in given.thinned]
    curves = {
        "balanced": recalls.mean(axis=1),
        "thinned": np.stack([recalls[seed, few[seed]].mean(axis=0) for seed in range(seeds)]),
        "whole": np.stack([recalls[seed, ~few[seed]].mean(axis=0) for seed in range(seeds)]),
    }
    found = {name: np.array([level(curve) for curve in rows]) for name, rows in curves.items()}
    return {**found, "stable": np.array([stable(curve) for curve in curves["balanced"]])}


KERAS_CAPS, KERAS_SIZES = (1.0, 10.0, np.inf), (2,)


def keras_figures(given: Task, cap: float, seed: int, epochs: int) -> tuple[float, float]:
    """Level and stable figure of the balanced accuracy of one training by the trainer, on one seed's digits."""
    from trainer import TrainConfig, train
    from trainer.data import batches
    from trainer.data.images import ImageData, ImageSet

    def images(x: NDArray[np.float32], y: NDArray[np.int64]) -> ImageSet:
        scaled = (x - x.min()) / (x.max() - x.min()) * 255
        return ImageSet(np.rint(scaled).astype(np.uint8).reshape(-1, 8, 8, 1), y.astype(np.int32), None, given.classes)

    data = ImageData(
        images(given.x[seed], given.y[seed]),
        images(given.test_x[seed], given.test_y[seed]),
        None,
        tuple(str(label) for label in range(given.classes)),
        "small classes",
    )
    curve: list[float] = []
    config = TrainConfig.model_validate(
        {
            "data": {"source": "digits", "imbalance": "none" if cap == 1 else "class_weight"},
            "model": {"backbone": "small_resnet", "options": {"filters": [8, 16]}},
            "training": {"epochs": epochs, "batch_size": BATCH, "learning_rate": 1e-2},
            "metric": "val_balanced_accuracy",
            "seed": seed,
        }
    )
    former, batches.LARGEST_WEIGHT = batches.LARGEST_WEIGHT, cap
    try:
        train(config, lambda epoch: curve.append(epoch.figures["val_balanced_accuracy"]), data=data)
    finally:
        batches.LARGEST_WEIGHT = former
    return level(np.array(curve)), stable(np.array(curve))


def keras_table(seeds: int, epochs: int) -> None:
    """Print one table for the trainer's own network."""
    print(
        "balanced accuracy in percent of small_resnet on digits: level / stable, by the cap of the class weights; +- is the standard error of a level"
    )
    print("| thinned classes | images | none | 10 | no cap | largest weight without a cap | +- |\n|---|---|---|---|---|---|---|")
    for thin in (1, 4):
        for size in KERAS_SIZES:
            given = task("digits", size, thin, seeds)
            found = {cap: np.array([keras_figures(given, cap, seed, epochs) for seed in range(seeds)]) for cap in KERAS_CAPS}
            cells = [f"{100 * rows[:, 0].mean():.1f} / {100 * rows[:, 1].mean():.1f}" for rows in found.values()]
            error = max(100 * rows[:, 0].std(ddof=1) / np.sqrt(seeds) for rows in found.values())
            print(f"| {thin} | {size} | {' | '.join(cells)} | {weights_of(given, np.inf).max():.0f} | {error:.1f} |", flush=True)


def main() -> None:
    """Print one table for the cap and one for the smallest class."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--keras", action="store_true")
    arguments = parser.parse_args()
    if arguments.keras:
        keras_table(min(arguments.seeds, 3), min(arguments.epochs, 15))
        return
    print(
        "balanced accuracy in percent: level / stable, by the cap of the class weights (1: no weights); +- is the standard error of a level"
    )
    print(
        f"| data, learning rate, thinned classes | images | {' | '.join('none' if cap == 1 else 'no cap' if cap == np.inf else f'{cap:g}' for cap in CAPS)} | +- |"
    )
    print(f"|---|---|{'---|' * (len(CAPS) + 1)}")
    recall: dict[int, list[tuple[float, float, float]]] = {}
    for name, thin in (("digits", 1), ("digits", 4), ("breast cancer", 1)):
        for rate in RATES:
            for size in arguments.sizes:
                given = task(name, size, thin, arguments.seeds)
                rows = {cap: figures(given, trained(given, cap, rate, arguments.epochs)) for cap in CAPS}
                cells = [f"{100 * row['balanced'].mean():.1f} / {100 * row['stable'].mean():.1f}" for row in rows.values()]
                error = max(100 * row["balanced"].std(ddof=1) / np.sqrt(arguments.seeds) for row in rows.values())
                print(f"| {name}, {rate:g}, {thin} | {size} | {' | '.join(cells)} | {error:.1f} |", flush=True)
                recall.setdefault(size, []).append(
                    (float(rows[1.0]["thinned"].mean()), float(rows[10.0]["thinned"].mean()), float(rows[10.0]["whole"].mean()))
                )
    print("\nmean recall in percent over the rows above, by the training images of a thinned class")
    print(
        "| images | thinned classes, no weights | thinned classes, weights up to 10 | the other classes, weights up to 10 |\n|---|---|---|---|"
    )
    for size, found in recall.items():
        print(f"| {size} | {' | '.join(f'{100 * value:.0f}' for value in np.mean(found, axis=0))} |")


if __name__ == "__main__":
    main()
