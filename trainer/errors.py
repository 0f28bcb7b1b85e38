"""Errors of the trainer, and the hint that proposes a word. Bad input (`TrainerInputError`) is told apart from a training that failed."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The end of a message that proposes the known word most like `word`, e.g. ``; did you mean 'flip'?``; empty where none is like it."""
    near = difflib.get_close_matches(word, list(known), 1, cutoff)
    return f"; did you mean {near[0]!r}?" if near else ""


class TrainerError(Exception):
    """Base of every error that the trainer raises on purpose."""


class TrainerInputError(TrainerError):
    """The configuration or the data cannot be used as given; the message says where, what was expected and how to fix it."""


class ConfigError(TrainerInputError):
    """A setting, or a combination of settings, is impossible."""


class DataError(TrainerInputError):
    """Images, labels or splits cannot be used."""


class UserCodeError(ConfigError, DataError):
    """A function of the person's own (``package.module:function``) cannot be found, or raised an error; the message names its file and line."""


class WeightsUnavailableError(TrainerInputError):
    """Pretrained weights could not be had; the message names the file to provide."""


class TrainingMemoryError(TrainerError):
    """A training ran out of the device's memory, or the machine's.

    Attributes:
        accumulate: micro-batches with which it is the same training in less memory (``training.accumulate``); None where there is no such number.
    """

    def __init__(self, message: str, accumulate: int | None = None) -> None:
        super().__init__(message)
        self.accumulate = accumulate


class NonFiniteLossError(TrainerError):
    """The loss became NaN or infinite.

    Attributes:
        epoch: first epoch with a non-finite loss, counted from 1.
        batch: first batch of that epoch with a non-finite loss, counted from 1.
    """

    def __init__(self, epoch: int, batch: int, loss: float) -> None:
        super().__init__(f"loss became {loss} in epoch {epoch}, batch {batch}")
        self.epoch = epoch
        self.batch = batch
        self.loss = loss
