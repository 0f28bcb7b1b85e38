"""Keras optimisers by name, one for each group of weights that has its own rate or its own start."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

    from trainer.config import TrainingConfig

DECAYS_FIRST = frozenset({"adamw"})
"""Optimisers whose weight decay comes before the step, as Loshchilov & Hutter define it; the others decay after it."""


def create_optimizer(training: TrainingConfig) -> keras.optimizers.Optimizer:
    """A new optimiser without weight decay, clipping or averaging: the step does these, with variables.

    Momentum of SGD and RMSprop is part of the traced step. ``adamw`` is Adam here; its decay is the step's.
    """
    import keras

    rate = training.learning_rate
    if training.optimizer in {"adam", "adamw"}:
        return keras.optimizers.Adam(rate)
    if training.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=training.momentum)
    if training.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(rate, momentum=training.momentum)
    return keras.optimizers.Lion(rate)
