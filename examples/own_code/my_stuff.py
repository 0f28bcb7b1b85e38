"""What the study own.yaml adds to its trainings: a metric, a loss and a callback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

FAR = 2


def far_off(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """How far the digit that is named lies from the right one, on average; more than two apart counts double."""
    distance = np.abs(probabilities.argmax(axis=1) - labels)
    return float(np.where(distance > FAR, 2 * distance, distance).mean())


def ordered(targets: Any, probabilities: Any, power: float = 1.0) -> Any:  # noqa: ANN401 - tensors
    """Cross-entropy, with a fine for probability on digits far from the right one."""
    places = keras.ops.arange(targets.shape[-1], dtype="float32")
    right = keras.ops.sum(targets * places, axis=-1, keepdims=True)
    far = keras.ops.sum(probabilities * keras.ops.abs(places - right) ** power, axis=-1)
    return far - keras.ops.sum(targets * keras.ops.log(probabilities + 1e-7), axis=-1)


class Diary(keras.callbacks.Callback):
    """Writes a line an epoch to diary.txt."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called with the figures that the study records."""
        with Path("diary.txt").open("a") as file:
            file.write(f"{epoch} {(logs or {})['val_far_off']:.3f} {float(self.model.optimizer.learning_rate):.2g}\n")
