"""Keras image-classification trainer: data, augmentation, models, freezing, BatchNorm, training loop, diagnostics.

Useful alone: ``from trainer import TrainConfig, train``. It knows nothing of Ray or Optuna.
TensorFlow is imported by :func:`train` and friends when they are called, never by ``import trainer``.
"""
