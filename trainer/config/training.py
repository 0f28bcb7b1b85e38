"""Optimiser, schedule, regularisation, stopping, precision.

The whole of one training.
"""

from __future__ import annotations

from typing import Literal

from trainer.config.base import Settings, setting
from trainer.config.data import DataConfig
from trainer.config.model import ModelConfig


class TrainingConfig(Settings):
    """How the model is fitted. Epochs are never searched; stopping is the pruner's or early stopping's."""

    epochs: int = setting(20, ge=1)
    """Epochs of a complete training."""
    batch_size: int = setting(32, ge=1, searchable=True)
    """Images per optimiser step."""
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "lion"] = setting("adam", searchable=True)
    """``sgd`` uses `momentum`."""
    learning_rate: float = setting(1e-3, gt=0, searchable=True)
    """Peak learning rate of the head, and of the backbone unless `backbone_learning_rate_factor` says otherwise."""
    backbone_learning_rate_factor: float = setting(1.0, ge=0, le=10, searchable=True)
    """The backbone's learning rate as a factor of `learning_rate`."""
    momentum: float = setting(0.9, ge=0, lt=1, searchable=True)
    """Momentum of ``sgd`` and ``rmsprop``."""
    schedule: Literal["constant", "cosine", "step", "plateau"] = setting("constant", searchable=True)
    """``cosine`` falls to 0 over the epochs; ``step`` and ``plateau`` multiply by `schedule_factor`."""
    warmup_epochs: float = setting(0.0, ge=0, searchable=True)
    """Epochs of linear warm-up from 0, in steps; fractions allowed."""
    schedule_factor: float = setting(0.5, gt=0, lt=1, searchable=True)
    """Factor of ``step`` and ``plateau``."""
    schedule_patience: int = setting(10, ge=1, searchable=True)
    """Epochs between steps (``step``), or without a better validation loss (``plateau``)."""
    min_learning_rate: float = setting(0.0, ge=0)
    """The schedule never goes below it."""
    weight_decay: float = setting(0.0, ge=0, searchable=True)
    """Decoupled weight decay (AdamW's; for other optimisers the same decay after the step)."""
    label_smoothing: float = setting(0.0, ge=0, lt=1, searchable=True)
    """Share of the target given to all classes alike."""
    gradient_clip: float | None = setting(None, gt=0, searchable=True)
    """Clip the global gradient norm to this."""
    ema: float | None = setting(None, gt=0, lt=1, searchable=True)
    """Momentum of an exponential moving average of the weights that validation and export use."""
    unfreeze_every: int | None = setting(None, ge=1, searchable=True)
    """Gradual unfreezing: thaw one more block, from the output, every so many epochs."""
    frozen_features: Literal["each_step", "precomputed"] = setting("each_step", searchable=True)
    """``precomputed``: the frozen part runs once over the images, and all trainings that freeze the same part train the rest on its activations, which are
    kept on the node. Exact, and refused where it would not be: with random augmentation, `unfreeze_every` or ``frozen_bn: batch``."""
    loss: Literal["auto", "binary_crossentropy"] = setting("auto")
    """``auto``: the cross-entropy that belongs to the output. ``binary_crossentropy`` on a softmax exists to reproduce a known failure."""
    precise_bn: Literal["off", "end", "epoch"] = setting("off", searchable=True)
    """Recompute BatchNorm statistics exactly over the training images after training, or before each validation; weights untouched."""
    early_stopping: int | None = setting(None, ge=1)
    """Stop when the *level* of the metric has not improved for this many epochs."""
    checkpoint_every: int | None = setting(None, ge=1)
    """Epochs between checkpoints; default: every epoch, or as seldom as keeps their cost under 5 %."""
    deterministic: bool | None = setting(None)
    """Bit-exact repeats and resumes; default: on where there is no GPU."""
    mixed_precision: bool = setting(default=False)
    """Compute in float16/bfloat16 with float32 weights."""
    jit_compile: bool | Literal["auto"] = setting("auto")
    """XLA; ``auto``: Keras decides on a GPU, off on a CPU, where it is slower."""
    steps_per_execution: int = setting(1, ge=1)
    """Optimiser steps per call into TensorFlow."""


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
