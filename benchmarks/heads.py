"""Heads on one frozen part: in one program, one after another, and as a plain Keras script trains them.

    python benchmarks/heads.py [--backbone resnet50] [--trials 64] [--heads "" 16 64 512,512] [--cpu] [--smoke] [--json FILE]

The same trials each time: learning rate, dropout and seed differ. The plain script is what users write: the frozen network with the head behind it, ``compile`` and
``fit`` for each trial; it runs the frozen part in each epoch, so that one of its trials is measured, and only for heads that have an aim. All is warm:
activations are there, what is compiled is compiled. Weights are random, saved to a file first. On a machine that does other work, ``--cpu`` counts the seconds of
processor time of all threads instead of those of the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Python puts this folder first on its path, where trainer.py would pass for the package of its name
HERE = Path(__file__).resolve().parent
sys.path[:] = [str(HERE.parent), *(entry for entry in sys.path if Path(entry or ".").resolve() != HERE)]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainer import TrainConfig
    from trainer.data import ImageData

EPOCHS = 5
PLAIN_EPOCHS = 2
CLOCK: list[Callable[[], float]] = [time.perf_counter]
"""What counts the seconds: the last."""
AIM = {"": 150.0, "512,512": 50.0}
"""Trial-epochs a second, in those of the plain script."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="resnet50", help="default: %(default)s")
    parser.add_argument("--images", type=int, default=512, help="to train on; a quarter as many validate (default: %(default)s)")
    parser.add_argument("--size", type=int, default=64, help="pixels a side (default: %(default)s)")
    parser.add_argument("--trials", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--heads", nargs="*", default=["", "16", "64", "512,512"], help="widths of dense layers (default: %(default)s)")
    parser.add_argument("--cpu", action="store_true", help="count processor time of all threads in place of the clock's")
    parser.add_argument("--smoke", action="store_true", help="so small that the figures mean nothing")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.backbone, arguments.images, arguments.size, arguments.trials, arguments.heads = "small_resnet", 40, 16, 3, [""]
    if arguments.cpu:
        CLOCK.append(time.process_time)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(arguments.backbone, arguments.images, arguments.size, arguments.trials, arguments.heads, Path(folder))
    print(
        f"{arguments.trials} heads on frozen {arguments.backbone}, {arguments.images} images of {arguments.size} pixels, trial-epochs a second"
    )
    print(f"{'dense layers':14}{'plain Keras':>14}{'one by one':>14}{'together':>14}{'of one by one':>16}{'of plain Keras':>16}{'aim':>8}")
    for head, rates in found.items():
        alone, together, plainly = rates["alone"], rates["together"], rates.get("plain")
        figures = f"{alone:14.1f}{together:14.1f}{together / alone:16.2f}"
        aim = "" if plainly is None else f"{max(alone, together) / plainly:16.1f}{AIM[head]:8.0f}"
        print(f"{head or 'none':14}{'' if plainly is None else f'{plainly:.2f}':>14}{figures}{aim}")
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2))


def measure(backbone: str, images: int, size: int, trials: int, heads: list[str], folder: Path) -> dict[str, dict[str, float]]:
    """Trial-epochs a second of each head, by how it is trained."""
    from benchmarks.trial_costs import random_images, save_random
    from trainer import train, train_together
    from trainer.fit import together
    from trainer.fit.process import configure_determinism, import_tensorflow_quietly

    import_tensorflow_quietly()
    configure_determinism(None)
    weights = folder / "backbone.weights.h5"
    save_random(backbone, size, weights)
    data = random_images(images, size)
    together.LARGEST_HEAD = sys.maxsize  # what is measured is where it ends to pay
    found = {}
    for head in heads:
        configs = [trial(backbone, weights, head, seed) for seed in range(trials)]

        def one_by_one(some: list[TrainConfig]) -> None:
            for config in some:
                train(config, data=data)

        def at_once(some: list[TrainConfig]) -> None:
            errors = [each for each in train_together(some, data=data, trainings=1) if isinstance(each, Exception)]
            if errors:
                raise errors[0]

        found[head] = {
            **({"plain": plain(weights, configs[:1], data)} if head in AIM else {}),
            "alone": rate(one_by_one, configs, configs[: trials // 4 or 1]),
            "together": rate(at_once, configs, configs),
        }
    return found


def rate(way: Callable[[list[TrainConfig]], None], configs: list[TrainConfig], measured: list[TrainConfig]) -> float:
    """Trial-epochs a second, once the first trials have compiled what there is to compile."""
    way(configs[:2])
    began = CLOCK[-1]()
    way(measured)
    return len(measured) * EPOCHS / (CLOCK[-1]() - began)


def trial(backbone: str, weights: Path, head: str, seed: int) -> TrainConfig:
    """One configuration; nothing of it is kept."""
    from trainer import TrainConfig

    return TrainConfig.model_validate(
        {
            "data": {"source": "memory", "cache_path": str(weights.parent / "cache"), "preprocessing": "rescale"},
            "model": {
                "backbone": backbone,
                "weights": str(weights),
                "frozen_layers": "all",
                "dense": [int(width) for width in head.split(",") if width],
                "dropout": (0.0, 0.2, 0.4)[seed % 3],
            },
            "training": {"epochs": EPOCHS, "frozen_features": "precomputed", "learning_rate": 1e-4 * (1 + seed)},
            "seed": seed,
        }
    )


def plain(weights: Path, configs: list[TrainConfig], data: ImageData) -> float:
    """Trial-epochs a second of a Keras script: the frozen network and the head, compiled and fitted for each trial; compilation is left out."""
    import keras
    import numpy as np

    from trainer.network.build import build_backbone

    images, labels = np.asarray(data.train.images, np.float32), np.asarray(data.train.labels)
    held_out = np.asarray(data.validation.images, np.float32), np.asarray(data.validation.labels)
    took = 0.0
    for config in configs:
        base = build_backbone(config.model, data.image_shape)
        base.load_weights(weights)
        base.trainable = False
        rates: Any = config.model.dropout
        layers: list[Any] = [keras.layers.Rescaling(1 / 255), base, keras.layers.GlobalAveragePooling2D()]
        for width in config.model.dense:
            layers += [keras.layers.Dropout(rates), keras.layers.Dense(width, activation="relu")]
        model = keras.Sequential([*layers, keras.layers.Dropout(rates), keras.layers.Dense(len(data.class_names), activation="softmax")])
        model.compile(keras.optimizers.Adam(config.training.learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(images[:64], labels[:64], validation_data=held_out, verbose=0)  # traced
        began = CLOCK[-1]()
        model.fit(images, labels, epochs=PLAIN_EPOCHS, batch_size=config.training.batch_size, validation_data=held_out, verbose=0)
        took += CLOCK[-1]() - began
    return len(configs) * PLAIN_EPOCHS / took


if __name__ == "__main__":
    main()
