"""A model function that leaves its process otherwise than it found it, and the trials of one worker, as JSON on the last line of stdout.

``python wicked_model.py FOLDER NAME...``: each NAME is a trial of this worker, in this order.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

EPOCHS = 2
MEGABYTES = 5


def plain(input_shape: tuple[int, int, int]) -> Any:  # noqa: ANN401 - a Keras model
    """A small network."""
    import keras

    layers = [keras.Input(input_shape), keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(), keras.layers.ReLU()]
    return keras.Sequential(layers)


def wicked(input_shape: tuple[int, int, int]) -> Any:  # noqa: ANN401 - a Keras model
    """The same, and much that is nobody's business."""
    import keras

    model = plain(input_shape)
    keras.config.set_dtype_policy("mixed_float16")
    keras.config.set_floatx("float16")
    keras.config.set_epsilon(0.5)
    keras.utils.set_random_seed(999)
    np.random.seed(1)  # noqa: NPY002 - what people do
    os.environ["TF_DETERMINISTIC_OPS"] = "0"
    sys.stdout.write("x" * (MEGABYTES << 20) + "\n")
    sys.stderr.write("y" * (MEGABYTES << 20) + "\n")
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return model


def main(folder: str, names: list[str]) -> None:
    """Run the trials one after the other in one worker."""
    from sweeps.executor.protocol import Ended, EpochEnded, TrialTask
    from sweeps.executor.worker import Worker, WorkerSettings
    from sweeps.keras_trainable import TRAINABLE
    from trainer.config import DataConfig, ModelConfig, SplitConfig, TrainConfig, TrainingConfig

    worker, told = Worker(WorkerSettings(import_paths=(str(Path(__file__).parent),))), {}
    for number, name in enumerate(names):
        config = TrainConfig(
            data=DataConfig(source="digits", split=SplitConfig(train=100, validation=100, test=0)),
            model=ModelConfig(backbone=f"wicked_model:{name}"),
            training=TrainingConfig(epochs=EPOCHS, batch_size=50),
            seed=7,
        )
        worker.begin(TrialTask(number, 0, TRAINABLE, config.model_dump(mode="json"), f"{folder}/{number}"))
        curves, end = [], None
        while end is None:
            for event in worker.next_events().events:
                if isinstance(event, EpochEnded):
                    curves.append([event.figures["loss"], event.figures["val_loss"], event.figures["val_accuracy"]])
                end = event if isinstance(event, Ended) else end
        told[name] = {"curves": curves, "cause": end.cause, "error": end.error}
    sys.stdout.write(f"\n{json.dumps(told)}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
