"""One real step, measured: what a training will cost, from a few batches of its own data."""

from __future__ import annotations

import itertools
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainer.checkpoints.local import epochs_between_writes

if TYPE_CHECKING:
    from trainer.config import TrainConfig
    from trainer.data import ImageData
    from trainer.data.images import ImageSet

BATCHES = 4
EPOCHS = 3


@dataclass(frozen=True)
class Rehearsal:
    """What a few batches cost.

    Attributes:
        start_seconds: from the call to the first step, tracing included.
        epoch_seconds: estimate for one whole epoch with validation.
        trial_seconds: estimate for a complete training in a warm process.
        images_per_second: training, augmentation included.
        peak_memory_mb: of this process.
        checkpoint_seconds: to write one checkpoint.
        checkpoint_every: epochs between checkpoints that this cost leads to.
        loss: of the last rehearsed epoch; finite, or the rehearsal had raised.
    """

    start_seconds: float
    epoch_seconds: float
    trial_seconds: float
    images_per_second: float
    peak_memory_mb: float
    checkpoint_seconds: float
    checkpoint_every: int
    loss: float


def rehearse(config: TrainConfig, data: ImageData) -> Rehearsal:
    """Train a few batches forward and backward and validate a few, then scale up to the whole data.

    Args:
        config: the training; its epochs are not run.
        data: its images; nothing of it is changed.

    Raises:
        TrainerInputError: the model cannot be built or trained as configured.
        NonFiniteLossError: already the first batches lead to NaN.
    """
    from trainer.fit.entrance import train

    size = config.training.batch_size * BATCHES
    small = replace(data, train=_few(data.train, size), validation=_few(data.validation, size), test=None, pool=None)
    # own metrics are tried on all labels before (`trainer.preflight.own_code`), where no class is missing; own callbacks would write what they write of a training
    alone = {"metrics": (), "callbacks": ()}
    brief = {"epochs": EPOCHS, "early_stopping": None, "schedule": "constant", "checkpoint_every": 1, **alone}
    short = config.model_copy(update={"training": config.training.model_copy(update=brief), "metric": "val_accuracy", "direction": "auto"})
    models = (config.data.split.folds or 1) if config.data.split.trains_folds else 1
    if models > 1:  # one of the folds tells what each of them costs
        short = short.model_copy(update={"data": config.data.of_fold(1)})
    ends: list[tuple[float, float]] = []  # when each epoch was reported, and its seconds without its checkpoint
    with tempfile.TemporaryDirectory() as folder:
        result = train(
            short,
            lambda record: ends.append((time.monotonic(), record.figures["seconds"])),
            data=small,
            keep_compiled=False,
            checkpoint_dir=Path(folder),
            whole_model=False,
        )
    checkpoint_seconds = models * max(0.0, min(later - earlier - seconds for (earlier, _), (later, seconds) in itertools.pairwise(ends)))
    last = {name: values[-1] for name, values in result.curves.items()}
    training_seconds = len(small.train) / last["images_per_second"]
    validation_seconds = max(last["seconds"] - training_seconds, 0.0)
    epoch_seconds = models * (
        len(data.train) / last["images_per_second"] + validation_seconds * len(data.validation) / len(small.validation)
    )
    return Rehearsal(
        start_seconds=result.figures.get("start_seconds", 0.0),
        epoch_seconds=epoch_seconds,
        trial_seconds=epoch_seconds * config.training.epochs,
        images_per_second=last["images_per_second"],
        peak_memory_mb=last["peak_memory_mb"],
        checkpoint_seconds=checkpoint_seconds,
        checkpoint_every=config.training.checkpoint_every or epochs_between_writes(checkpoint_seconds, epoch_seconds),
        loss=last["loss"],
    )


def _few(images: ImageSet, count: int) -> ImageSet:
    """At most `count` images, evenly spread so that every class has its share."""
    if len(images) <= count:
        return images
    return images.take(np.linspace(0, len(images) - 1, count).astype(np.int64))
