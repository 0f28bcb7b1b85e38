"""Keras image-classification trainer: data, augmentation, models, freezing, BatchNorm, training loop, diagnostics.

Useful alone: ``from trainer import TrainConfig, train``. It knows nothing of Ray or Optuna.
TensorFlow is imported by :func:`train` and friends when they are called, never by ``import trainer``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.config import TrainConfig
from trainer.late_wrappers import put_wrappers_off
from trainer.records import EpochRecord, TrainResult

if TYPE_CHECKING:
    from trainer.fit.entrance import train
    from trainer.fit.several import train_together

__all__ = ["EpochRecord", "TrainConfig", "TrainResult", "train", "train_together"]

put_wrappers_off()


def __getattr__(name: str) -> object:
    if name == "train":
        from trainer.fit.entrance import train

        return train
    if name == "train_together":
        from trainer.fit.several import train_together

        return train_together
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
