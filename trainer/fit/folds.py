"""A training of folds: a model for each, all of them after the same epoch, and their means as the training's figures.

The models take turns in one network, so that a GPU holds one of them: each fold's weights and optimiser lie in memory as they would in a checkpoint, and are put back
for its next epoch. So a fold's model is to the last bit that of a training with ``data.split.only_fold``. One checkpoint holds those of all folds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from trainer.errors import NonFiniteLossError
from trainer.fit.history import History, candidates, identity, level_has_stalled
from trainer.fit.ledger import late_epochs
from trainer.fit.siblings import Course
from trainer.fit.train import Training
from trainer.fit.writing import CheckpointWriter
from trainer.records import EpochRecord, TrainResult, ValidationLedger

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from trainer.checkpoints.layout import Arrays
    from trainer.checkpoints.local import Checkpoints
    from trainer.config import TrainConfig
    from trainer.data import ImageData
    from trainer.fit.engine import Engine
    from trainer.network.frozen_plan import FrozenPlan
    from trainer.records import StopReason

SUMS = ("val_gained", "val_lost", "seconds", "precomputed_seconds", "features_computed", "features_read", "features_saved_seconds")
"""Figures of which a training with folds has the sum of its folds'; of memory it has the most, and of all others the mean."""
MOST = ("peak_memory_mb",)
OF_IMAGES = ("val_", "exported_val_", "precise_bn_val_")
"""Beginnings of figures that are means over validation images: each image counts once, also where folds differ in size."""
OF_THE_FILE = ("test_", "parameters", "frozen_by_batch", "precomputed_share", "features_float16")
"""Beginnings of figures that are those of the exported model, the first fold's."""


@dataclass(frozen=True)
class Held:
    """A fold's model while others use the network, as a checkpoint has it."""

    weights: Arrays
    state: Arrays


class _FoldTraining(Training):
    """The training of one fold's model. State: also the model itself, while others use the network."""

    continued: Held | None = None
    """What it goes on from."""
    exported: tuple[int, Arrays] | None = None
    """The epoch to export, by the means, and this fold's weights after it."""
    held: Held

    def _resume(self, on_epoch_end: Callable[[EpochRecord], object] | None) -> None:  # noqa: ARG002 - the epochs before are told for all folds together
        if self.continued is None:
            return
        self._start_sets()
        self._put_back(self.continued.weights, self.continued.state)

    def hold(self) -> None:
        """Keep the model as it is between epochs."""
        self.engine.swap_averages()
        self.held = Held(*self._values())
        self.engine.swap_averages()

    def enter(self) -> None:
        """Put the model into the network."""
        self._put_back(self.held.weights, self.held.state)

    def next_epoch(self, epoch: int, should_stop: Callable[[], bool] | None) -> EpochRecord | None:
        """Train and validate one epoch; None when it was stopped."""
        self.enter()
        self.callbacks.call("on_epoch_begin", epoch - 1)
        record = self._epoch(epoch, should_stop)
        self.hold()
        return record

    def finish(self, stopped: StopReason, *, evaluate_test: bool) -> TrainResult:
        """The fold's own result."""
        self.enter()
        return self._finish(stopped, evaluate_test=evaluate_test)

    def _best_late(self, course: Course) -> tuple[int, Arrays] | None:  # noqa: ARG002 - all folds export the same epoch
        return self.exported


class FoldsTraining:
    """State of the training of all folds."""

    def __init__(
        self,
        config: TrainConfig,
        data: ImageData,
        sets: Sequence[ImageData],
        engines: Sequence[tuple[Engine, FrozenPlan]],
        checkpoints: Checkpoints | None,
        opened: contextlib.ExitStack,
    ) -> None:
        """Nothing is trained yet.

        Args:
            config: of the training.
            data: its images, undivided.
            sets: the images of each fold.
            engines: of each fold, usually one that all share, with what becomes of its frozen part.
            checkpoints: of the training, or None.
            opened: closes what is opened on the way.
        """
        self.config, self.data, self.checkpoints = config, data, checkpoints
        self.began = time.monotonic()
        self.whole_model = True
        self.plan = engines[0][1]
        self.history = History()
        self.identity = identity(config, data.fingerprint)
        self.writer = CheckpointWriter(checkpoints)
        self.folds: list[_FoldTraining] = []
        for fold, (images, (engine, plan)) in enumerate(zip(sets, engines, strict=True), 1):
            one = _FoldTraining([Course(_of_fold(config, fold), checkpoints if fold == 1 else None)], images, engine, None, opened)
            one.plan = plan
            self.folds.append(one)

    def run(
        self, on_epoch_end: Callable[[EpochRecord], object] | None, should_stop: Callable[[], bool] | None, *, evaluate_test: bool
    ) -> TrainResult:
        """Continue or start, train all folds to the end, export the first one's model."""
        self._resume(on_epoch_end)
        for fold in self.folds:
            fold.began, fold.whole_model = time.monotonic(), self.whole_model
            fold.begin(None)
            fold.hold()
        self.folds[0].began = self.began
        stopped = self._epochs(on_epoch_end, should_stop)
        return self._finish(stopped, evaluate_test=evaluate_test)

    def _resume(self, on_epoch_end: Callable[[EpochRecord], object] | None) -> None:
        checkpoint = self.writer.newest(self.identity)
        if checkpoint is None:
            return
        self.history = History.from_json(checkpoint.run)
        for fold, weights, state, told in zip(
            self.folds, self._shares(checkpoint.weights), self._shares(checkpoint.state), checkpoint.run["folds"], strict=True
        ):
            fold.courses[0].history, fold.continued = History.from_json(told), Held(weights, state)
        if on_epoch_end is not None:
            for epoch in range(1, len(self.history.figures) + 1):
                on_epoch_end(self._record(epoch, checkpoint.place if epoch == checkpoint.epoch else None, replayed=True))

    def _shares(self, arrays: Arrays) -> list[Arrays]:
        """What a checkpoint holds of each fold."""
        each = len(arrays) // len(self.folds)
        return [arrays[start : start + each] for start in range(0, len(arrays), each)]

    def _record(self, epoch: int, place: Path | str | None, *, replayed: bool = False) -> EpochRecord:
        of_folds = tuple(dict(fold.history.figures[epoch - 1]) for fold in self.folds)
        return EpochRecord(epoch, dict(self.history.figures[epoch - 1]), place, replayed=replayed, folds=of_folds)

    def _epochs(self, on_epoch_end: Callable[[EpochRecord], object] | None, should_stop: Callable[[], bool] | None) -> StopReason:
        """Train the epochs that are left, each in all folds; says why there are no more."""
        training = self.config.training
        for epoch in range(len(self.history.figures) + 1, training.epochs + 1):
            if self._stalled():
                return "early_stopping"
            clock = time.monotonic()
            for number, fold in enumerate(self.folds, 1):
                try:
                    if fold.next_epoch(epoch, should_stop) is None:
                        return "requested"
                except NonFiniteLossError as error:
                    error.args = (f"{error} of the model of fold {number}",)
                    raise
            self.history.figures.append(mean_figures([fold.history.figures[-1] for fold in self.folds], self._sizes()))
            due = self.writer.due(epoch, training, time.monotonic() - clock)
            place = self._write(epoch) if due or self._stalled() else None
            if on_epoch_end is not None and on_epoch_end(self._record(epoch, place)) is True:
                if place is None:
                    self._write(epoch)
                return "requested"
        return "completed"

    def _sizes(self) -> list[int]:
        """Validation images of each fold."""
        return [len(fold.data.validation) for fold in self.folds]

    def _stalled(self) -> bool:
        patience, maximize = self.config.training.early_stopping, self.config.maximize
        return patience is not None and level_has_stalled(self.history.curve(self.config.metric_name), patience, maximize=maximize)

    def _write(self, epoch: int) -> Path | str | None:
        clock = time.monotonic()
        run = {**self.history.to_json(self.identity, self.plan.mode), "folds": [fold.history.to_json({}) for fold in self.folds]}
        weights = [array for fold in self.folds for array in fold.held.weights]
        state = [array for fold in self.folds for array in fold.held.state]
        return self.writer.write(epoch, (weights, state, run), self._candidates, clock)

    def _candidates(self) -> tuple[int, ...]:
        epochs = () if self.checkpoints is None else self.checkpoints.epochs()
        return candidates(self.history.curve(self.config.metric_name), epochs, maximize=self.config.maximize)

    def _finish(self, stopped: StopReason, *, evaluate_test: bool) -> TrainResult:
        """Choose the epoch to export by the means, measure each fold's model after it, write the first one's."""
        if stopped != "requested" and self.checkpoints is not None:
            for epoch in self._candidates():
                weights = self.checkpoints.weights(epoch)
                if weights is not None:
                    for fold, own in zip(self.folds, self._shares(weights), strict=True):
                        fold.exported = epoch, own
                    break
        results = [fold.finish(stopped, evaluate_test=evaluate_test and fold is self.folds[0]) for fold in self.folds]
        first = results[0]
        ledgers = [result.ledger for result in results if result.ledger is not None]
        return replace(
            first,
            curves=self.history.curves(),
            num_train=min(result.num_train for result in results),
            num_val=sum(result.num_val for result in results),
            data_fingerprint=self.data.fingerprint,
            figures=self._figures(results),
            ledger=joined(ledgers) if len(ledgers) == len(results) else None,
            folds=tuple(results),
        )

    def _figures(self, results: Sequence[TrainResult]) -> dict[str, float]:
        figures = mean_figures([result.figures for result in results], self._sizes())
        own = {name: value for name, value in results[0].figures.items() if name.startswith(OF_THE_FILE)}
        return {**figures, **own, "start_seconds": results[0].figures["start_seconds"]}


def _of_fold(config: TrainConfig, fold: int) -> TrainConfig:
    """The training of one fold's model; when it ends is decided by the means."""
    return config.model_copy(
        update={"data": config.data.of_fold(fold), "training": config.training.model_copy(update={"early_stopping": None})}
    )


def mean_figures(of_folds: Sequence[Mapping[str, float]], sizes: Sequence[int]) -> dict[str, float]:
    """Figures of a training with folds.

    Args:
        of_folds: figures of each fold's model; those that not all of them have are left out.
        sizes: validation images of each fold.
    """
    figures: dict[str, float] = {}
    for name in of_folds[0]:
        if not all(name in each for each in of_folds):
            continue
        values = [each[name] for each in of_folds]
        if name in SUMS:
            figures[name] = float(sum(values))
        elif name in MOST:
            figures[name] = float(max(values))
        else:
            figures[name] = float(np.average(values, weights=sizes if name.startswith(OF_IMAGES) else None))
    return figures


def joined(ledgers: Sequence[ValidationLedger]) -> ValidationLedger:
    """What the folds' models tell of all images: of each, the one that was not trained on it."""
    places = np.concatenate([each.places for each in ledgers])
    order = np.argsort(places)
    common = sorted(set.intersection(*(set(each.epochs) for each in ledgers)))[-late_epochs(len(places)) :]
    right = [each.right[[each.epochs.index(epoch) for epoch in common]] for each in ledgers]
    names = [name for each in ledgers for name in each.names or ()]
    rows = [each.rows for each in ledgers if each.rows is not None]
    classes = [each.classes for each in ledgers if each.classes is not None]
    return ValidationLedger(
        places=places[order],
        labels=np.concatenate([each.labels for each in ledgers])[order],
        names=tuple(names[row] for row in order) if len(names) == len(places) else None,
        rows=np.concatenate(rows)[order] if len(rows) == len(ledgers) else None,
        epochs=tuple(common),
        right=np.concatenate(right, axis=1)[:, order],
        classes=np.concatenate(classes)[order] if len(classes) == len(ledgers) else None,
    )
