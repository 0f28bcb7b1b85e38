"""The whole of one training."""

from __future__ import annotations

from typing import Literal

from trainer.config.base import Settings, setting
from trainer.config.data import DataConfig
from trainer.config.model import ModelConfig
from trainer.config.training import TrainingConfig

Metric = Literal["val_accuracy", "val_balanced_accuracy", "val_macro_f1", "val_top5", "val_loss"]


class TrainConfig(Settings):
    """Everything that determines a training's result."""

    data: DataConfig
    model: ModelConfig = setting(default_factory=ModelConfig)
    training: TrainingConfig = setting(default_factory=TrainingConfig)
    metric: Metric = setting("val_accuracy")
    """The per-epoch metric that early stopping and the choice of the exported checkpoint use."""
    seed: int = setting(0, ge=0)
    """Seed of initial weights, data order, augmentation and dropout."""
    allow: tuple[str, ...] = setting(())
    """Names of pre-flight findings that are known and accepted."""
