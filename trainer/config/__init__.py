"""The typed settings of one training; import from here. No TensorFlow is imported by this package."""

from trainer.config.base import Settings, searchable_settings, setting
from trainer.config.data import DataConfig, SplitConfig
from trainer.config.model import ModelConfig
from trainer.config.training import TrainConfig, TrainingConfig

__all__ = [
    "DataConfig",
    "ModelConfig",
    "Settings",
    "SplitConfig",
    "TrainConfig",
    "TrainingConfig",
    "searchable_settings",
    "setting",
]
