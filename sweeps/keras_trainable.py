"""The trainable of a sweep: one Keras training of `trainer`, reported epoch by epoch. Runs in workers; the only place where `sweeps` meets TensorFlow."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reports.costs import ARCHITECTURE, DEVICE, INFEASIBLE, broken_limits
from reports.folds import CURVES, fold_figure
from reports.ledger import Ledger, ValidationImages, pack
from sweeps.errors import SweepInputError
from sweeps.executor.protocol import Outcome
from sweeps.storage_path import FolderMark
from trainer.fit.process import import_tensorflow_quietly

if TYPE_CHECKING:
    from collections.abc import Collection

    import keras

    from sweeps.executor.protocol import Reporter, TrialTask
    from trainer.records import EpochRecord, TrainResult


EXPORTED = ("exported_val_accuracy", "precise_bn_val_accuracy")
"""Figures of each fold's model that are kept when its training is over."""
TOTAL_MEMORY = ("nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits")
"""Prints MiB, one line a GPU, in the order of the devices' indices."""


def use_share(*, cpu: float, gpu: float) -> None:
    """Restrict TensorFlow to a trial's CPU cores and GPUs, fractions allowed, before it runs anything. In a process that trained before, its first limits stay.

    A trial without GPUs sees none: Ray itself leaves them visible. A fraction of a GPU becomes a limit on this process's memory,
    since neither Ray nor TensorFlow guards one trial's memory from another's; whole GPUs are taken as needed (the trainer sets memory growth).

    Raises:
        SweepInputError: the size of a GPU's memory is not known.
    """
    import_tensorflow_quietly()
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):  # TensorFlow has started, in an earlier trial of this process
        tf.config.threading.set_intra_op_parallelism_threads(max(1, round(cpu)))
        devices = tf.config.list_physical_devices("GPU")
        if not gpu:
            tf.config.set_visible_devices([], "GPU")
        elif gpu < 1:
            for device in devices:
                limit = int(gpu * memory_mb(int(device.name.rsplit(":", 1)[-1])))
                tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration(memory_limit=limit)])


def memory_mb(index: int) -> float:
    """Memory of the GPU that this process sees under `index`, in MiB.

    Raises:
        SweepInputError: nvidia-smi does not say.
    """
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    name = visible[index] if index < len(visible) else str(index)
    try:
        answer = subprocess.run([*TOTAL_MEMORY, f"--id={name}"], capture_output=True, text=True, check=True, timeout=30)  # noqa: S603 - fixed command
        return float(answer.stdout.split()[0])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise SweepInputError(
            f"resources.gpu: a fraction of GPU {name} needs its memory size, which nvidia-smi did not say: {error}. Use a whole GPU per trial."
        ) from error


class InfeasibleError(Exception):
    """The network breaks a limit of the study; its message says which."""


@dataclass
class CostMeter:
    """Measures a task's network before it is trained, once for each architecture of a study in this process, and refuses what breaks a limit.

    Sizes come first: a network that is refused for them is not timed.

    Attributes:
        figures: its costs, once `look` was called.
        facts: of what they are, likewise.
    """

    task: TrialTask
    reporter: Reporter
    figures: dict[str, float] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    def look(self, model: keras.Model) -> None:
        """Find the costs of a network.

        Raises:
            InfeasibleError: it breaks a limit.
        """
        from trainer.network.costs import device_text, latency_figures, size_figures

        task = self.task
        self.facts = {ARCHITECTURE: task.architecture, DEVICE: device_text()} if task.architecture else {}
        self.figures |= task.costs or (_MEASURED.get((task.study, task.architecture), {}) if task.architecture else {})
        for measure in () if self.figures else (size_figures, latency_figures):
            try:
                self.figures |= measure(model)
            except (OSError, TypeError, ValueError, NotImplementedError) as error:  # a person's layer that cannot be written, a full disk
                reason = str(error).strip().splitlines() or [type(error).__name__]
                self.reporter.notice(f"a cost of the network could not be measured: {reason[0]}")
            self._refuse()
        if task.architecture:
            _MEASURED[task.study, task.architecture] = self.figures
        self._refuse()

    def _refuse(self) -> None:
        if reason := broken_limits(self.figures, self.task.limits):
            raise InfeasibleError(reason)


_MEASURED: dict[tuple[str, str], dict[str, float]] = {}
"""Study and architecture → costs that this process measured."""


TRAINABLE = "sweeps.keras_trainable:train_trial"
"""Its name in a `TrialTask`."""


def train_trial(task: TrialTask, reporter: Reporter) -> Outcome:
    """Train from the newest checkpoint in ``task.checkpoint_dir``, or from scratch, to the end or to a stop.

    Args:
        task: its ``config`` is ``TrainConfig.model_dump(mode="json")`` with absolute paths.
        reporter: receives every epoch that is not on record yet, also those that a checkpoint remembers and the record does not.

    Returns:
        What came of it; with the fact ``infeasible`` where the network breaks a limit, so that nothing was trained.

    Raises:
        TrainerInputError: settings or data cannot be used.
        NonFiniteLossError: the loss became NaN or infinite.
        SupersededError: another driver has taken the trial over.
    """
    mark = FolderMark(task)
    mark.put()
    use_share(cpu=task.cpu, gpu=task.gpu)
    from trainer import TrainConfig, train
    from trainer.checkpoints import open_checkpoints
    from trainer.fit.siblings import Sibling

    config = TrainConfig(**task.config)

    def should_stop() -> bool:
        mark.check()
        return reporter.should_stop()

    def report(record: EpochRecord) -> bool:
        mark.check(now=True)
        if record.epoch <= task.recorded_epochs:
            return False
        carried = {sibling.trial: figures for sibling, figures in zip(task.siblings, record.siblings, strict=True)}
        figures = {**record.figures, **_figures_of_folds(record, config.metric_name)}
        return reporter.epoch(record.epoch, figures, None if record.checkpoint is None else str(record.checkpoint), carried)

    meter = CostMeter(task, reporter)
    with open_checkpoints(
        task.checkpoint_dir, cache_path=config.data.cache_path, say=reporter.notice, recorded_epochs=task.recorded_epochs
    ) as checkpoints:
        try:
            result = train(
                config,
                report,
                checkpoint_dir=checkpoints,
                should_stop=should_stop,
                evaluate_test=task.evaluate_test,
                whole_model=False,
                trainings=task.trainings,
                together=task.slots > 1,
                devices=max(1, int(task.gpu)),
                siblings=[Sibling(each.bn_momentum, each.checkpoint_dir) for each in task.siblings],
                on_built=meter.look,
            )
        except InfeasibleError as refusal:
            return Outcome(meter.figures, {**meter.facts, INFEASIBLE: str(refusal)})
    carried = {
        sibling.trial: _with_costs(_outcome(of_sibling, sibling.checkpoint_dir, task.known_images), meter)
        for sibling, of_sibling in zip(task.siblings, result.siblings, strict=True)
    }
    return replace(_with_costs(_outcome(result, task.checkpoint_dir, task.known_images), meter), siblings=carried)


def _figures_of_folds(record: EpochRecord, metric: str) -> dict[str, float]:
    """Of an epoch, what is kept of each fold."""
    kept = dict.fromkeys((metric, *CURVES))
    return {fold_figure(fold, name): own[name] for fold, own in enumerate(record.folds, 1) for name in kept if name in own}


def _with_costs(outcome: Outcome, meter: CostMeter) -> Outcome:
    return replace(outcome, figures={**outcome.figures, **meter.figures}, facts={**outcome.facts, **meter.facts})


def _outcome(result: TrainResult, folder: str, known_images: Collection[str]) -> Outcome:
    from trainer.checkpoints.layout import MODEL

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
    for fold, own in enumerate(result.folds, 1):
        told = {name: value for name, value in own.figures.items() if name in EXPORTED} | {"num_val": float(own.num_val)}
        figures |= {fold_figure(fold, name): value for name, value in told.items()}
    facts = {
        "stopped": result.stopped,
        "frozen_boundary": result.boundary.layer or "none",
        "data_fingerprint": result.data_fingerprint,
        "class_names": ", ".join(result.class_names),
        **({"together": result.together} if result.together else {}),
        **({"frozen_features": result.frozen_features} if result.frozen_features else {}),
    }
    if result.model_path is not None:
        facts["model_path"] = f"{folder}/{MODEL}"  # of the leaders it is there once the study is over
    ledger = ledger_of(result)
    return Outcome(figures, facts, None if ledger is None else pack(ledger, known_images))


def ledger_of(result: TrainResult) -> Ledger | None:
    """What a training tells of its validation images, as reports know it."""
    if result.ledger is None:
        return None
    told = result.ledger
    images = ValidationImages(result.data_fingerprint, told.places, told.labels, result.class_names, told.names, told.rows)
    return Ledger.of(images, told.epochs, told.right, told.classes)
