"""The typed settings of one training; import from here. No TensorFlow is imported by this package."""

from trainer.config.settings import (
    DataConfig,
    Metric,
    ModelConfig,
    Settings,
    SplitConfig,
    TrainConfig,
    TrainingConfig,
    parse_frozen_layers,
    searchable_settings,
    setting,
)

__all__ = [
    "DataConfig",
    "Metric",
    "ModelConfig",
    "Settings",
    "SplitConfig",
    "TrainConfig",
    "TrainingConfig",
    "parse_frozen_layers",
    "searchable_settings",
    "setting",
]
