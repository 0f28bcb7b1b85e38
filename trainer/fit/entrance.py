"""The trainer's one entrance: what a training needs is made or found, then its model is trained (`trainer.fit.train`), or one for each fold (`trainer.fit.folds`)."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from trainer.checkpoints import open_checkpoints
from trainer.checkpoints.local import Checkpoints
from trainer.data import load_data
from trainer.data.batches import check_class_weights
from trainer.errors import ConfigError
from trainer.fit.accumulation import out_of_memory
from trainer.fit.folds import FoldsTraining
from trainer.fit.history import mode_of
from trainer.fit.kept import engine_for, forget_compiled
from trainer.fit.metrics import metrics_of
from trainer.fit.process import configure_determinism, import_tensorflow_quietly, share_gpus
from trainer.fit.siblings import courses_of
from trainer.fit.together import turn, why_alone
from trainer.fit.train import Training
from trainer.fit.whole import can_be_made

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import keras

    from trainer.config import TrainConfig
    from trainer.data import ImageData
    from trainer.fit.siblings import Sibling
    from trainer.records import EpochRecord, TrainResult


def train(  # noqa: PLR0913 - the trainer's one entrance: all but the first are options
    config: TrainConfig,
    on_epoch_end: Callable[[EpochRecord], object] | None = None,
    *,
    checkpoint_dir: Path | str | Checkpoints | None = None,
    should_stop: Callable[[], bool] | None = None,
    keep_compiled: bool = True,
    evaluate_test: bool = False,
    whole_model: bool = True,
    trainings: int = 1,
    together: bool = False,
    data: ImageData | None = None,
    devices: int = 1,
    siblings: Sequence[Sibling] = (),
    on_built: Callable[[keras.Model], object] | None = None,
) -> TrainResult:
    """Train one model, or with ``data.split.folds`` one for each fold.

    Args:
        config: everything that determines the result.
        on_epoch_end: called after each epoch, once its checkpoint is written; returning True ends the training. Continuing from a checkpoint, it is
            called first for the epochs before it, marked `EpochRecord.replayed`.
        checkpoint_dir: folder of this training's checkpoints, continued from if it holds any, and of the exported ``model.keras``; or its address on an
            object store (``s3://bucket/prefix``, ``gs://bucket/prefix``); or an open one of `open_checkpoints`, whose `say` hears what is lost.
        should_stop: asked before each step; True ends the training at once, without the epoch it is in.
        keep_compiled: keep the compiled model for later trainings of the same architecture, boundary and optimiser in this process.
        evaluate_test: evaluate the exported checkpoint on the test images: once, whatever interrupts; the figures are kept beside the checkpoints.
        whole_model: export ``model.keras``; False: only what training changed of it (``trained.npz``), of which `trainer.fit.whole.complete` makes the whole
            model; a backbone that a person's own function makes is exported whole all the same.
        trainings: that will plausibly see the same images as this one, itself included, for ``frozen_features: auto``; 0: share no work with others.
        together: train the head in one program with those of other trainings of this process that want it too, where that is possible and pays
            (`trainer.fit.together`): call `train` in several threads, or `trainer.train_together`. Who else trains changes nothing in the result.
        data: loaded images; default: `load_data` of ``config.data``.
        devices: GPUs (CPUs where there is no GPU) that share each batch; the result does not depend on their number, up to rounding and dropout masks.
        siblings: trainings that differ in ``model.bn_momentum`` alone. This one carries them: their figures stand in `EpochRecord.siblings`, their results in
            `TrainResult.siblings`, and each costs one pass over the validation images an epoch.
        on_built: called with the network before anything is trained; what it raises ends the training.

    Returns:
        Curves, the exported checkpoint and its figures. A training that was asked to stop exports no model.

    Raises:
        TrainerInputError: settings or data cannot be used.
        NonFiniteLossError: the loss became NaN or infinite.
        TrainingMemoryError: it ran out of memory; says in how many micro-batches to try, if any.
    """
    with turn(checkpoint_dir.say if isinstance(checkpoint_dir, Checkpoints) else None), contextlib.ExitStack() as opened:
        began = time.monotonic()
        import_tensorflow_quietly()
        import tensorflow as tf

        configure_determinism(config.training.deterministic)
        share_gpus()
        data = _divided(load_data(config.data) if data is None else data, config)
        metrics_of(config, data.class_names)  # refuses those that this data cannot have
        check_class_weights(config.data, data.class_names)
        if checkpoint_dir is not None and not isinstance(checkpoint_dir, Checkpoints):
            checkpoint_dir = opened.enter_context(open_checkpoints(checkpoint_dir, cache_path=config.data.cache_path))
        courses = courses_of(config, siblings, checkpoint_dir, devices)
        begun = None if checkpoint_dir is None else mode_of(checkpoint_dir.latest_run())
        whole = whole_model or not can_be_made(config)
        sets = (
            [data] if not config.data.split.trains_folds else [data.of_fold(fold) for fold in range(1, (config.data.split.folds or 0) + 1)]
        )
        engines = [
            engine_for(config, each, keep=keep_compiled, devices=devices, trainings=trainings, begun=begun, siblings=len(siblings))
            for each in sets
        ]
        engine, plan = engines[0]
        if on_built is not None:
            on_built(engine.network.built.model)
        if config.data.split.trains_folds:
            one_or_all: Training | FoldsTraining = FoldsTraining(config, data, sets, engines, checkpoint_dir, opened)
        else:
            one_or_all = Training(courses, data, engine, checkpoint_dir, opened)
            one_or_all.plan = plan
            if together and trainings:
                one_or_all.alone = "it carries siblings" if siblings else why_alone(config, engine, plan) or ""
        one_or_all.began, one_or_all.whole_model = began, whole
        try:
            return one_or_all.run(on_epoch_end, should_stop, evaluate_test=evaluate_test)
        except tf.errors.ResourceExhaustedError as error:
            forget_compiled()  # what earlier trainings of this process left takes memory too
            batch_size, accumulate = config.training.batch_size, config.training.accumulate
            raise out_of_memory(error, batch_size, accumulate, engine.looking_at_batches) from error


def _divided(data: ImageData, config: TrainConfig) -> ImageData:
    """The images that a training with this split sees, of images that a caller may have loaded for all folds."""
    split = config.data.split
    if split.trains_folds and (data.pool is None or data.fold):
        raise ConfigError(
            "data: data.split.folds needs images that are divided into folds; give those of trainer.data.load_data(config.data), or none"
        )
    return data.of_fold(split.only_fold) if split.only_fold is not None and data.pool is not None and not data.fold else data
