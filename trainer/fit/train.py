"""One training from its settings to its result."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trainer.checkpoints import open_checkpoints
from trainer.checkpoints.layout import TEST, TRAINED
from trainer.checkpoints.local import Checkpoints, Pace
from trainer.data import load_data
from trainer.data.batches import check_class_weights, evaluation_batches, training_epoch
from trainer.fit.accumulation import out_of_memory
from trainer.fit.callbacks import OwnCallbacks
from trainer.fit.history import candidates, check_same_training, identity, level_has_stalled, mode_of
from trainer.fit.kept import engine_for, forget_compiled
from trainer.fit.metrics import metrics_of
from trainer.fit.optimizers import epoch_rates
from trainer.fit.process import configure_determinism, import_tensorflow_quietly, peak_memory_mb, share_gpus
from trainer.fit.scores import held_out_figures, noted_figures
from trainer.fit.siblings import CARRIED_SECONDS, Course, courses_of, histories_to_json, momenta_of, take_back
from trainer.fit.together import MEETING, Slot, released, turn, why_alone
from trainer.fit.validation import Validator, epoch_figures
from trainer.fit.whole import can_be_made, write_trained
from trainer.network.frozen_plan import FrozenPlan
from trainer.network.parts import assign
from trainer.network.weights import export_model
from trainer.records import EpochRecord, TrainResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import keras
    import numpy as np
    from numpy.typing import NDArray

    from trainer.config import TrainConfig
    from trainer.data import ImageData, ImageSet
    from trainer.fit.engine import Engine, EpochTotals
    from trainer.fit.history import History
    from trainer.fit.siblings import Sibling
    from trainer.fit.validation import Validation
    from trainer.network.features import Features
    from trainer.records import StopReason, ValidationLedger


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
    """Train one model.

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
        data = load_data(config.data) if data is None else data
        metrics_of(config, data.class_names)  # refuses those that this data cannot have
        check_class_weights(config.data, data.class_names)
        if checkpoint_dir is not None and not isinstance(checkpoint_dir, Checkpoints):
            checkpoint_dir = opened.enter_context(open_checkpoints(checkpoint_dir, cache_path=config.data.cache_path))
        courses = courses_of(config, siblings, checkpoint_dir, devices)
        begun = None if checkpoint_dir is None else mode_of(checkpoint_dir.latest_run())
        engine, plan = engine_for(
            config, data, keep=keep_compiled, devices=devices, trainings=trainings, begun=begun, siblings=len(siblings)
        )
        if on_built is not None:
            on_built(engine.network.built.model)
        training = _Training(courses, data, engine, checkpoint_dir, opened)
        training.began = began
        training.plan = plan
        training.whole_model = whole_model or not can_be_made(config)
        if together and trainings:
            training.alone = "it carries siblings" if siblings else why_alone(config, engine, plan) or ""
        try:
            return training.run(on_epoch_end, should_stop, evaluate_test=evaluate_test)
        except tf.errors.ResourceExhaustedError as error:
            forget_compiled()  # what earlier trainings of this process left takes memory too
            batch_size, accumulate = config.training.batch_size, config.training.accumulate
            raise out_of_memory(error, batch_size, accumulate, engine.looking_at_batches) from error


BY_ITSELF = "by itself"
"""Nobody asked for more."""
_Steps = tuple[float, "EpochTotals", "NDArray[np.float32]", "NDArray[np.float32] | None"]
"""Of an epoch: when the first began, totals, learning rates, logits of the validation images where they are known."""


class _Training:
    """State of one call of `train`."""

    def __init__(
        self, courses: list[Course], data: ImageData, engine: Engine, checkpoints: Checkpoints | None, opened: contextlib.ExitStack
    ) -> None:
        self.courses, self.opened = courses, opened
        self.config = config = courses[0].config
        self.data, self.engine, self.checkpoints = data, engine, checkpoints
        self.began = time.monotonic()
        self.maximize = config.maximize
        self.fed, self.fed_config = data, config
        self.pace = Pace()
        self.unwritten = ""
        self.whole_model = True
        self.plan = FrozenPlan("each_step", "")
        self.features: Features | None = None
        self.alone = BY_ITSELF
        self.slot: Slot | None = None
        self.identity = identity(config, data.fingerprint)
        self.start_seconds = 0.0
        self.callbacks = OwnCallbacks(config.training.callbacks, engine)

    @property
    def history(self) -> History:
        """The epochs of the training's own momentum."""
        return self.courses[0].history

    def run(
        self, on_epoch_end: Callable[[EpochRecord], object] | None, should_stop: Callable[[], bool] | None, *, evaluate_test: bool
    ) -> TrainResult:
        """Continue or start, train to the end, export."""
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
        if self.checkpoints is None:
            return
        checkpoint = self.checkpoints.newest()
        if checkpoint is None:
            self.checkpoints.forget_after(0)
            return
        check_same_training(checkpoint.run["identity"], self.identity, self.checkpoints.place)
        self.checkpoints.forget_after(checkpoint.epoch)
        take_back(self.courses, checkpoint.run, self.checkpoints.place)
        self._start_sets()
        self.engine.restore(checkpoint.weights, momenta_of(self.courses))
        assign(self.engine.state, checkpoint.state)
        self.engine.swap_averages()
        if on_epoch_end is not None:
            for epoch in range(1, len(self.history.figures) + 1):
                on_epoch_end(self._record(epoch, checkpoint.place if epoch == checkpoint.epoch else None, replayed=True))

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
        self.pace = self.pace.trained(time.monotonic() - clock)
        folder = (
            self._write(epoch, swapped=True)
            if self.pace.due(epoch, training.epochs, training.checkpoint_every) or self._stalled()
            else None
        )
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
        """Write a checkpoint; its network weights are those that validation used, the others lie in the state. None where it could not be written.

        A full disk or a store that does not answer costs no result: the training goes on, says so, and tries again after the next epoch.
        """
        if self.checkpoints is None:
            return None
        clock = time.monotonic()
        if not swapped:
            if self.slot is not None:
                self.slot.enter()
            self.engine.swap_averages()
        run = {**self.history.to_json(self.identity, self.plan.mode), **histories_to_json(self.courses)}
        content = self.engine.values(momenta_of(self.courses)), [variable.numpy() for variable in self.engine.state], run
        if not swapped:
            self.engine.swap_averages()
        place: Path | str | None = None
        try:
            place = self.checkpoints.write(epoch, *content)
        except OSError as error:
            cause = f"{error.strerror or error}"
            if cause != self.unwritten:  # said once for each cause
                self.unwritten = cause
                last = max((each for each in self.checkpoints.epochs() if each < epoch), default=0)
                kept = f"the one of epoch {last} is kept" if last else "there is none yet"
                self.checkpoints.say(
                    f"epoch {epoch}: its checkpoint could not be written to {self.checkpoints.place} ({cause}); {kept}. "
                    "The training goes on and tries again after each epoch; an interruption before that costs the epochs since."
                )
        with contextlib.suppress(OSError):  # what could not be removed or mirrored now is so after the next epoch
            self.checkpoints.retain({epoch for course in self.courses for epoch in self._candidates(course)})
        if place is None:
            self.pace = self.pace.failed()
            return None
        if self.unwritten:
            self.checkpoints.say(f"epoch {epoch}: checkpoints are written again")
            self.unwritten = ""
        self.pace = Pace(time.monotonic() - clock)
        return place

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
            for epoch in self._candidates(course):  # the best late checkpoint; without checkpoints the last epoch's weights stay
                weights = self.checkpoints.weights(epoch) if self.checkpoints is not None else None
                if weights is not None:
                    self.engine.restore(weights, momenta_of(self.courses))
                    exported = epoch
                    break
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
