"""The typed settings of one training. No TensorFlow is imported by this package."""

from trainer.config.settings import DataConfig, ModelConfig, SplitConfig, TrainConfig, TrainingConfig

__all__ = ["DataConfig", "ModelConfig", "SplitConfig", "TrainConfig", "TrainingConfig"]
