"""Trains on one and on two logical CPUs and prints the curves as JSON; a program, because devices are configured before TensorFlow starts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import tensorflow as tf

tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)

from trainer import train  # noqa: E402 - the devices come first
from trainer.config import DataConfig, ModelConfig, SplitConfig, TrainConfig, TrainingConfig  # noqa: E402

CONFIG = TrainConfig(
    data=DataConfig(source="digits", split=SplitConfig(train=65, validation=100, test=0), imbalance="class_weight"),
    model=ModelConfig(backbone="small_resnet", options={"filters": [4]}, bn_momentum=0.8),
    training=TrainingConfig(
        epochs=3,
        batch_size=16,
        learning_rate=0.01,
        weight_decay=0.01,
        gradient_clip=0.5,
        ema=0.9,
        label_smoothing=0.1,
        steps_per_execution=2,
    ),
)
"""65 images in batches of 16: the last batch is a single image, fewer than devices."""


def main(folder: Path) -> None:
    found: dict[str, object] = {}
    one, two = (train(CONFIG, devices=devices) for devices in (1, 2))
    found["right"] = [result.ledger.right.mean(axis=1).tolist() for result in (one, two)]
    one, two = one.curves, two.curves
    found["whole"] = [one, two]
    train(CONFIG, lambda record: record.epoch == 2, checkpoint_dir=folder, devices=2)
    continued = train(CONFIG, checkpoint_dir=folder, devices=1)
    found["begun on two, ended on one"] = [one, continued.curves]
    try:
        train(CONFIG, devices=3)
    except Exception as error:  # noqa: BLE001 - the test reads it
        found["error"] = f"{type(error).__name__}: {error}"
    import keras

    model = keras.models.load_model(continued.model_path)
    found["layers"] = sorted(
        {f"{type(layer).__module__.split('.')[0]}:{getattr(layer, 'synchronized', False)}" for layer in model._flatten_layers()}
    )
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
