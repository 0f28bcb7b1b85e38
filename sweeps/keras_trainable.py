"""The trainable of a sweep: one Keras training of `trainer`, told to a `Reporter`. Runs in workers; the only place where `sweeps` meets TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.executor.protocol import Outcome
from sweeps.folder_mark import FolderMark
from sweeps.keras_devices import use_share

if TYPE_CHECKING:
    from sweeps.executor.protocol import Reporter, TrialTask
    from trainer.records import EpochRecord, TrainResult

TRAINABLE = "sweeps.keras_trainable:train_trial"
"""Its name in a `TrialTask`."""


def train_trial(task: TrialTask, reporter: Reporter) -> Outcome:
    """Train from the newest checkpoint in ``task.checkpoint_dir``, or from scratch, to the end or to a stop.

    Args:
        task: its ``config`` is ``TrainConfig.model_dump(mode="json")`` with absolute paths.
        reporter: is told every epoch that is not on record yet, also those that a checkpoint remembers and the record does not.

    Raises:
        TrainerInputError: settings or data cannot be used.
        NonFiniteLossError: the loss became NaN or infinite.
        SupersededError: another driver has taken the trial over.
    """
    mark = FolderMark(task)
    mark.put()
    use_share(cpu=task.cpu, gpu=task.gpu)
    from trainer import TrainConfig, train
    from trainer.fit.checkpoints import open_checkpoints

    config = TrainConfig(**task.config)

    def should_stop() -> bool:
        mark.check()
        return reporter.should_stop()

    def tell(record: EpochRecord) -> bool:
        mark.check(now=True)
        if record.epoch <= task.recorded_epochs:
            return False
        return reporter.epoch(record.epoch, record.figures, None if record.checkpoint is None else str(record.checkpoint))

    with open_checkpoints(
        task.checkpoint_dir, cache_path=config.data.cache_path, say=reporter.notice, told_epochs=task.recorded_epochs
    ) as checkpoints:
        result = train(
            config,
            tell,
            checkpoint_dir=checkpoints,
            should_stop=should_stop,
            evaluate_test=task.evaluate_test,
            devices=max(1, int(task.gpu)),
        )
    return _outcome(result)


def _outcome(result: TrainResult) -> Outcome:
    figures = {
        **result.figures,
        "exported_epoch": float(result.exported_epoch),
        "num_train": float(result.num_train),
        "num_val": float(result.num_val),
        "num_test": float(result.num_test),
        "num_classes": float(len(result.class_names)),
        "frozen_share": float(result.boundary.share),
        "frozen_index": float(result.boundary.index),
    }
    facts = {
        "stopped": result.stopped,
        "frozen_boundary": result.boundary.layer or "none",
        "data_fingerprint": result.data_fingerprint,
        "class_names": ", ".join(result.class_names),
    }
    if result.model_path is not None:
        facts["model_path"] = str(result.model_path)
    return Outcome(figures, facts)
