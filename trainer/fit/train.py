"""One training from its settings to its result."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trainer.checkpoints.layout import TEST, TRAINED
from trainer.data.batches import evaluation_batches, training_epoch
from trainer.fit.callbacks import OwnCallbacks
from trainer.fit.history import candidates, identity, level_has_stalled
from trainer.fit.optimizers import epoch_rates
from trainer.fit.process import peak_memory_mb
from trainer.fit.scores import held_out_figures, noted_figures
from trainer.fit.siblings import CARRIED_SECONDS, Course, histories_to_json, momenta_of, take_back
from trainer.fit.together import MEETING, Slot, released
from trainer.fit.validation import Validator, epoch_figures
from trainer.fit.whole import write_trained
from trainer.fit.writing import CheckpointWriter
from trainer.network.frozen_plan import FrozenPlan
from trainer.network.parts import assign
from trainer.network.weights import export_model
from trainer.records import EpochRecord, TrainResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from trainer.checkpoints.layout import Arrays
    from trainer.checkpoints.local import Checkpoints
    from trainer.data import ImageData, ImageSet
    from trainer.fit.engine import Engine, EpochTotals
    from trainer.fit.history import History
    from trainer.fit.validation import Validation
    from trainer.network.features import Features
    from trainer.records import StopReason, ValidationLedger


BY_ITSELF = "by itself"
"""Nobody asked for more."""
_Steps = tuple[float, "EpochTotals", "NDArray[np.float32]", "NDArray[np.float32] | None"]
"""Of an epoch: when the first began, totals, learning rates, logits of the validation images where they are known."""


class Training:
    """State of the training of one model."""

    def __init__(
        self, courses: list[Course], data: ImageData, engine: Engine, checkpoints: Checkpoints | None, opened: contextlib.ExitStack
    ) -> None:
        self.courses, self.opened = courses, opened
        self.config = config = courses[0].config
        self.data, self.engine, self.checkpoints = data, engine, checkpoints
        self.began = time.monotonic()
        self.maximize = config.maximize
        self.fed, self.fed_config = data, config
        self.writer = CheckpointWriter(checkpoints)
        self.whole_model = True
        self.plan = FrozenPlan("each_step", "")
        self.features: Features | None = None
        self.alone = BY_ITSELF
        self.slot: Slot | None = None
        self.identity = identity(config, data.fingerprint)
        self.start_seconds = 0.0
        self.callbacks = OwnCallbacks(config.training.callbacks, config.training.arguments, engine)

    @property
    def history(self) -> History:
        """The epochs of the training's own momentum."""
        return self.courses[0].history

    def run(
        self, on_epoch_end: Callable[[EpochRecord], object] | None, should_stop: Callable[[], bool] | None, *, evaluate_test: bool
    ) -> TrainResult:
        """Continue or start, train to the end, export."""
        self.begin(on_epoch_end)
        if self.alone:
            return self._finish(self._epochs(on_epoch_end, should_stop), evaluate_test=evaluate_test)
        self.slot = Slot(self.engine, self.config, self.fed)
        MEETING.join(self.slot)
        try:
            stopped = self._epochs(on_epoch_end, should_stop)
        finally:
            MEETING.leave(self.slot)
        self.slot.enter()
        return self._finish(stopped, evaluate_test=evaluate_test)

    def begin(self, on_epoch_end: Callable[[EpochRecord], object] | None) -> None:
        """Continue or start: the network, its inputs and what measures it are as they must be before the next epoch."""
        self.engine.start(self.config)
        self._resume(on_epoch_end)
        if not self.history.figures and self.config.model.frozen_bn == "reestimate":
            self.engine.network.recompute_statistics(self.engine.frozen_norms(), self._plain_training_images())
        if not self.history.figures:
            self._start_sets()
        if self.engine.after is not None:  # go on with the activations of the frozen part in place of the images
            say = None if self.checkpoints is None else self.checkpoints.say
            self.features = self.engine.features(self.data, self.config, say)
            self.fed, self.fed_config = self.features.data, self.features.config
        self.validator = Validator(self.fed, self.fed_config, self.engine.after)
        if self.config.training.callbacks:
            self.callbacks.begin(self.config.training.epochs, -(-len(self.fed.train) // self.config.training.batch_size))

    def _epochs(self, on_epoch_end: Callable[[EpochRecord], object] | None, should_stop: Callable[[], bool] | None) -> StopReason:
        """Train the epochs that are left; says why there are no more."""
        for epoch in range(len(self.history.figures) + 1, self.config.training.epochs + 1):
            if self._stalled():
                return "early_stopping"
            self.callbacks.call("on_epoch_begin", epoch - 1)
            record = self._epoch(epoch, should_stop)
            if record is None:
                return "requested"
            if on_epoch_end is not None:
                with contextlib.nullcontext() if self.slot is None else released():  # what listens may wait for other trainings' epochs
                    wanted = on_epoch_end(record)
                if wanted is True:
                    if record.checkpoint is None:
                        self._write(epoch)
                    return "requested"
        return "completed"

    def _resume(self, on_epoch_end: Callable[[EpochRecord], object] | None) -> None:
        checkpoint = self.writer.newest(self.identity)
        if checkpoint is None or self.checkpoints is None:
            return
        take_back(self.courses, checkpoint.run, self.checkpoints.place)
        self._start_sets()
        self._put_back(checkpoint.weights, checkpoint.state)
        if on_epoch_end is not None:
            for epoch in range(1, len(self.history.figures) + 1):
                on_epoch_end(self._record(epoch, checkpoint.place if epoch == checkpoint.epoch else None, replayed=True))

    def _put_back(self, weights: Arrays, state: Arrays) -> None:
        """Make the engine what it was when `_values` gave these."""
        self.engine.restore(weights, momenta_of(self.courses))
        assign(self.engine.state, state)
        self.engine.swap_averages()

    def _start_sets(self) -> None:
        """Give the siblings the moving statistics that the network has, and their momenta."""
        network = self.engine.network
        norms = [id(layer) for layer in network.norms]
        momenta = [network.momenta(momentum) for momentum in momenta_of(self.courses)]
        self.engine.moving.start([dict(zip(norms, each, strict=True)) for each in momenta])

    def _record(self, epoch: int, place: Path | str | None, *, replayed: bool = False) -> EpochRecord:
        own, *siblings = (dict(course.history.figures[epoch - 1]) for course in self.courses)
        return EpochRecord(epoch, own, place, replayed=replayed, siblings=tuple(siblings))

    def _stalled(self) -> bool:
        patience = self.config.training.early_stopping
        return patience is not None and level_has_stalled(self.history.curve(self.config.metric_name), patience, maximize=self.maximize)

    def _epoch(self, epoch: int, should_stop: Callable[[], bool] | None) -> EpochRecord | None:
        """Train and validate one epoch and write its checkpoint; None when it was stopped."""
        training, network = self.config.training, self.engine.network
        steps = self._steps(epoch, should_stop) if self.slot is None else self._steps_beside_others(self.slot, epoch, should_stop)
        if steps is None:
            return None
        clock, totals, rates, logits = steps
        trained = time.monotonic() - clock
        if not self.start_seconds:
            self.start_seconds = self.engine.first_step_at - self.began
        normalised = self.engine.normalised_by_batch(self.engine.stage_of(epoch))
        holds = self.slot is None or self.checkpoints is not None
        if self.slot is not None and holds:
            self.slot.enter()
        if holds:
            self.engine.swap_averages()
        if training.precise_bn == "epoch":
            network.recompute_statistics(normalised, self._plain_training_images(), after=self.engine.after)
            self._start_sets()
        self.callbacks.call("on_test_begin")
        validation = self.validator.validate(network, epoch, normalised, logits=logits)
        figures = {
            "loss": totals.loss,
            "accuracy": totals.accuracy,
            **epoch_figures(validation, self.history.correct),
            "learning_rate": float(rates[-1]),
            "gradient_norm": totals.gradient_norm,
            "images_per_second": totals.images / trained,
            "peak_memory_mb": peak_memory_mb(),
            "seconds": time.monotonic() - clock,
        }
        self._note(self.courses[0], epoch, figures, validation)
        for course in self.courses[1:]:
            self._measure(course, epoch, figures, validation, normalised)
        self.callbacks.call("on_test_end", logs=figures)
        self.callbacks.call("on_epoch_end", epoch - 1, logs=figures)
        due = self.writer.due(epoch, training, time.monotonic() - clock)
        folder = self._write(epoch, swapped=True) if due or self._stalled() else None
        if holds:
            self.engine.swap_averages()
        return self._record(epoch, folder)

    def _measure(self, course: Course, epoch: int, carrier: Mapping[str, float], validation: Validation, normalised: list[Any]) -> None:
        """Validate a sibling's moving statistics after an epoch; figures of the training itself are the `carrier`'s."""
        clock = time.monotonic()
        if self.engine.moving.layers:  # else no layer is trained whose statistics its momentum could shape
            with self._statistics_of(course):
                validation = self.validator.validate(self.engine.network, epoch, normalised, validation)
        figures = {**carrier, **epoch_figures(validation, course.history.correct), CARRIED_SECONDS: time.monotonic() - clock}
        self._note(course, epoch, figures, validation)

    def _note(self, course: Course, epoch: int, figures: dict[str, float], validation: Validation) -> None:
        history = course.history
        history.figures.append(figures)
        history.correct = validation.scores.correct
        if not validation.windowed:
            history.late.add(epoch, validation.scores.predicted, self.data.validation.labels, self.data.num_classes)

    @contextlib.contextmanager
    def _statistics_of(self, course: Course) -> Iterator[None]:
        """Inside, the network has a course's moving statistics."""
        if course.index is None:
            yield
            return
        self.engine.moving.exchange(course.index)
        try:
            yield
        finally:
            self.engine.moving.exchange(course.index)

    def _steps(self, epoch: int, should_stop: Callable[[], bool] | None) -> _Steps | None:
        """The steps of an epoch in this training's engine."""
        self.engine.network.rekey(self.config.seed, epoch)
        fed = self.fed if self.features is None else self.features.of_epoch(epoch)
        batches = training_epoch(fed, self.fed_config, epoch)
        rates = epoch_rates(self.config.training, epoch, int(batches.cardinality()), self.history.curve("val_loss"))
        clock = time.monotonic()
        totals = self.engine.train_epoch(epoch, batches, rates, should_stop)
        return None if totals is None else (clock, totals, rates, None)

    def _steps_beside_others(self, slot: Slot, epoch: int, should_stop: Callable[[], bool] | None) -> _Steps | None:
        """The steps of an epoch in one program with other trainings; also the logits of the validation images after it."""
        fed = self.fed if self.features is None else self.features.of_epoch(epoch)
        steps = -(-len(fed.train) // self.config.training.batch_size)
        rates = epoch_rates(self.config.training, epoch, steps, self.history.curve("val_loss"))
        clock = self.engine.first_step_at = time.monotonic()
        answer = slot.epoch(epoch, fed.train, fed.class_names, rates, should_stop)
        return None if answer is None else (clock, answer[0], rates, answer[1])

    def _write(self, epoch: int, *, swapped: bool = False) -> Path | str | None:
        """Write a checkpoint; its network weights are those that validation used, the others lie in the state. None where it could not be written."""
        if self.checkpoints is None:
            return None
        clock = time.monotonic()
        if not swapped:
            if self.slot is not None:
                self.slot.enter()
            self.engine.swap_averages()
        run = {**self.history.to_json(self.identity, self.plan.mode), **histories_to_json(self.courses)}
        content = *self._values(), run
        if not swapped:
            self.engine.swap_averages()
        return self.writer.write(epoch, content, lambda: {each for course in self.courses for each in self._candidates(course)}, clock)

    def _values(self) -> tuple[Arrays, Arrays]:
        """Weights and state of a checkpoint; the averages must be swapped in."""
        return self.engine.values(momenta_of(self.courses)), [variable.numpy() for variable in self.engine.state]

    def _candidates(self, course: Course) -> tuple[int, ...]:
        epochs = self.checkpoints.epochs() if self.checkpoints is not None else ()
        return candidates(course.history.curve(self.config.metric_name), epochs, maximize=self.maximize)

    def _finish(self, stopped: StopReason, *, evaluate_test: bool) -> TrainResult:
        """Choose the epoch to export, measure it, write it; for each momentum."""
        if stopped != "requested" and self.history.figures:
            self.engine.swap_averages()
        self.callbacks.end(self.history.figures[-1] if self.history.figures else {})
        own, *siblings = (self._result(course, stopped, evaluate_test=evaluate_test) for course in self.courses)
        costs = {"start_seconds": self.start_seconds, **self._feature_figures()}
        if self.slot is not None:
            costs["trained_beside"] = self.slot.shared / max(self.slot.epochs, 1)
        features = f"{'kept' if self.plan.fed else 'each step'}: {self.plan.reason}"
        together = "" if self.alone == BY_ITSELF else f"alone: {self.alone}" if self.alone else "together"
        return replace(own, figures={**own.figures, **costs}, siblings=tuple(siblings), frozen_features=features, together=together)

    def _result(self, course: Course, stopped: StopReason, *, evaluate_test: bool) -> TrainResult:
        """What a course gives, without what the training as such cost."""
        done = len(course.history.figures)
        exported, path = done, None
        frozen_by_batch = self.engine.frozen_norms() if self.engine.batch_statistics else []
        ledger: ValidationLedger | None = None
        figures: dict[str, float] = {"frozen_by_batch": float(len(frozen_by_batch))}
        if stopped != "requested" and done:
            course.open(self.opened, None if self.checkpoints is None else self.checkpoints.say)
            found = self._best_late(course)
            if found is not None:  # without checkpoints the last epoch's weights stay
                exported, weights = found
                self.engine.restore(weights, momenta_of(self.courses))
            with self._statistics_of(course):
                self.engine.network.use_momentum(course.momentum)
                final, classes = self._final_figures(course, exported, evaluate_test=evaluate_test)
                figures |= final
                ledger = course.history.late.ledger(self.data.validation, self.config.data, self.data.num_classes, exported, classes)
                path = self._export(course, exported)
        test = self.data.test
        return TrainResult(
            curves=course.history.curves(),
            stopped=stopped,
            boundary=self.engine.stages[0],
            model_path=path,
            exported_epoch=exported,
            num_train=len(self.data.train),
            num_val=self.validator.images,
            num_test=0 if test is None else len(test),
            class_names=self.data.class_names,
            data_fingerprint=self.data.fingerprint,
            figures=figures,
            ledger=ledger,
        )

    def _best_late(self, course: Course) -> tuple[int, Arrays] | None:
        """The epoch to export and its weights: the best late one with a checkpoint; None without checkpoints."""
        for epoch in () if self.checkpoints is None else self._candidates(course):
            weights = None if self.checkpoints is None else self.checkpoints.weights(epoch)
            if weights is not None:
                return epoch, weights
        return None

    def _feature_figures(self) -> dict[str, float]:
        """What the frozen part cost and what sharing it saved."""
        if self.features is None or self.engine.after is None:
            return {}
        features = self.features
        return {
            "precomputed_share": self.engine.after.share,
            "precomputed_seconds": features.seconds,
            "features_computed": float(features.computed),
            "features_read": float(features.read),
            "features_saved_seconds": features.saved,
            "features_float16": float(self.config.training.cache_dtype == "float16"),
        }

    def _final_figures(self, course: Course, exported: int, *, evaluate_test: bool) -> tuple[dict[str, float], NDArray[np.integer] | None]:
        """Figures of the exported epoch, and the classes that its file predicts where these are not the epoch's own."""
        chosen = course.history.figures[exported - 1]
        figures = {
            f"exported_{name}": value
            for name, value in chosen.items()
            if name.startswith("val_") and name not in {"val_gained", "val_lost"}
        }
        classes = None
        network = self.engine.network
        normalised = self.engine.normalised_by_batch(self.engine.stage_of(exported))
        if self.config.training.precise_bn == "end" and normalised:
            network.recompute_statistics(normalised, self._plain_training_images(), after=self.engine.after)
            precise = self.validator.validate(network, exported, []).scores
            figures["precise_bn_val_accuracy"], classes = precise.accuracy, precise.predicted
        if evaluate_test and self.data.test is not None:
            figures |= self._test_figures(course, exported, self.data.test)
        figures["parameters"] = float(network.built.model.count_params())
        return figures, classes

    def _test_figures(self, course: Course, exported: int, test: ImageSet) -> dict[str, float]:
        """Figures of the network as it stands on the test images, measured once for an exported epoch: a training that is continued after its end reads them."""
        of = {"epoch": exported, "epochs": len(course.history.figures)}
        known = None if course.place is None else noted_figures(course.place, of)
        if known is not None:
            return known
        figures = held_out_figures(
            self.engine.network.logits(evaluation_batches(test, self.config)), test, self.data.class_names, self.config
        )
        if course.place is not None:
            with contextlib.suppress(OSError):  # measured again if the training is continued
                course.place.write_note(TEST, {**of, "figures": figures})
        return figures

    def _export(self, course: Course, exported: int) -> Path | str | None:
        """Write the model; None where that is not wanted, or cannot be: what was measured stands without it."""
        place = course.place
        if place is None:
            return None
        epochs = len(course.history.figures)
        try:
            if self.whole_model:
                return place.export(exported, epochs, lambda path: export_model(self.engine.network.built.model, path))
            return place.export(exported, epochs, lambda path: write_trained(self.engine, course.config, self.data, path), TRAINED)
        except OSError as error:
            place.say(
                f"the model of epoch {exported} could not be written to {place.place} ({error.strerror or error}); "
                "the training's figures stand, but this model cannot be exported"
            )
            return None

    def _plain_training_images(self) -> Iterable[Any]:
        """Every training image (or its precomputed activations) once, shuffled, without augmentation: batches mixed in class."""
        plain = self.fed_config.data.model_copy(update={"augmentation": "none", "sampling": "every_image", "imbalance": "none"})
        fed = self.data if self.features is None else self.features.plain()
        return (images for images, _, _ in training_epoch(fed, self.fed_config.model_copy(update={"data": plain}), 0))
