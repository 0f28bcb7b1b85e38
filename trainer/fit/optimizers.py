"""Optimisers, in groups of weights with a rate and a start of their own, and the learning rate of every step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras
    from numpy.typing import NDArray

    from trainer.config import TrainingConfig
    from trainer.network.parts import BuiltModel
    from trainer.records import FrozenBoundary

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


@dataclass(frozen=True)
class Group:
    """Some weights and their optimiser.

    Attributes:
        stage: from which stage of gradual unfreezing on they are trained.
        backbone: whether `backbone_learning_rate_factor` applies.
        variables: the weights.
        optimizer: its count of steps starts when the group does, so that a thawed block begins like a new training.
    """

    stage: int
    backbone: bool
    variables: tuple[Any, ...]
    optimizer: keras.optimizers.Optimizer
    initial: tuple[np.ndarray, ...]

    def reset(self) -> None:
        """Forget all steps and moments."""
        for variable, value in zip(self.optimizer.variables, self.initial, strict=True):
            variable.assign(value)


def make_groups(built: BuiltModel, stages: Sequence[FrozenBoundary], training: TrainingConfig) -> tuple[Group, ...]:
    """The head, the backbone's part that is trained from the start, and one group for each block that a later stage thaws."""
    groups = []
    head = tuple(built.head.trainable_variables)
    if head:
        groups.append(_group(0, head, training, backbone=False))
    above = len(built.backbone.layers)
    for stage, boundary in enumerate(stages):
        layers = built.backbone.layers[boundary.index + 1 : above]
        variables = tuple(variable for layer in layers for variable in layer.trainable_variables)
        if variables:
            groups.append(_group(stage, variables, training, backbone=True))
        above = boundary.index + 1
    return tuple(groups)


def _group(stage: int, variables: tuple[Any, ...], training: TrainingConfig, *, backbone: bool) -> Group:
    optimizer = create_optimizer(training)
    optimizer.build(variables)
    return Group(stage, backbone, variables, optimizer, tuple(np.asarray(variable.numpy()) for variable in optimizer.variables))


PLATEAU_MIN_DELTA = 1e-4
"""A validation loss is better when it is lower by more than this, as in Keras's ReduceLROnPlateau."""


def epoch_rates(training: TrainingConfig, epoch: int, steps: int, val_losses: Sequence[float]) -> NDArray[np.float32]:
    """The learning rates of every step of an epoch.

    Args:
        training: schedule settings.
        epoch: counted from 1.
        steps: optimiser steps of an epoch, ≥ 1.
        val_losses: of the epochs before, shape ``(epoch - 1,)``.

    Returns:
        Rates of the head, shape ``(steps,)``.
    """
    done = (epoch - 1) * steps + np.arange(steps, dtype=np.float64)
    warmup = training.warmup_epochs * steps
    total = training.epochs * steps
    if training.schedule == "cosine":
        progress = np.clip((done - warmup) / max(total - warmup, 1.0), 0.0, 1.0)
        factor = 0.5 * (1.0 + np.cos(math.pi * progress))  # Loshchilov & Hutter 2017, SGDR, equation 5, without restarts
    elif training.schedule == "step":
        factor = np.full(steps, training.schedule_factor ** ((epoch - 1) // training.schedule_patience))
    elif training.schedule == "plateau":
        factor = np.full(steps, training.schedule_factor ** plateaus(val_losses, training.schedule_patience))
    else:
        factor = np.ones(steps)
    rates = np.maximum(training.learning_rate * factor, training.min_learning_rate)
    if warmup > 0:
        rates = np.where(done < warmup, training.learning_rate * (done + 1.0) / (warmup + 1.0), rates)
    return rates.astype(np.float32)


def plateaus(val_losses: Sequence[float], patience: int) -> int:
    """How often the validation loss has gone `patience` epochs without getting better by 1e-4; the count starts again after each.

    A function of the past alone, so a resumed training needs no state for it.
    Source: keras.callbacks.ReduceLROnPlateau without cooldown.
    """
    best, waited, count = math.inf, 0, 0
    for loss in val_losses:
        if loss < best - PLATEAU_MIN_DELTA:
            best, waited = loss, 0
            continue
        waited += 1
        if waited >= patience:
            count += 1
            waited = 0
    return count
