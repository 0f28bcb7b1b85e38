"""Learning rate by step: warm-up, then constant, cosine, steps or plateaus. Pure functions of settings and past validation losses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from trainer.config import TrainingConfig


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
