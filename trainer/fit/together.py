"""Trainings of a process that train their heads in one program: when that is possible, and how they meet at the beginning of each epoch.

Each training goes its own way in its own thread, one at a time (`ONE_AT_A_TIME`): it validates, reports, writes checkpoints and ends by itself. Only the steps of
an epoch are run for all that wait for them (`Meeting`). Who joins, leaves, fails or is late changes nothing for the others: the program always has as many slots,
and no slot knows of another (`trainer.fit.head_program`).
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from trainer.data.batches import rows_and_weights
from trainer.errors import NonFiniteLossError
from trainer.fit.engine import EpochTotals
from trainer.fit.head_program import HeadEpoch, HeadForm, HeadProgram, HeadState, HeadTotals
from trainer.network.compile_key import SLOTS, alone_problem
from trainer.network.head import dropout_rates
from trainer.network.parts import assign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from trainer.config import TrainConfig
    from trainer.data import ImageData, ImageSet
    from trainer.fit.engine import Engine
    from trainer.network.frozen_plan import FrozenPlan

ONE_AT_A_TIME = threading.RLock()
"""Held by the training that uses TensorFlow and the kept models."""
SECONDS_OF_SILENCE = 240.0
"""After which a training that waits for its turn says so."""
LARGEST_HEAD = 150_000
"""Weights up to which heads train faster together than one after another on a CPU; beyond, the arithmetic is what takes the time (benchmarks/heads.py)."""
PATIENCE_SECONDS = 0.25
"""How long an epoch waits for the other trainings at most; the results do not depend on it."""
POOL_ROWS = 256
"""Images whose features are pooled at once."""
POOLED_BYTES = 1e9
"""Pooled features that a process keeps."""


def why_alone(config: TrainConfig, engine: Engine, plan: FrozenPlan) -> str | None:
    """Why a training's head is trained by itself, in words that follow "alone: "; None where it can train with others."""
    parameters = sum(math.prod(variable.shape) for variable in engine.network.built.head.trainable_variables)
    problem = alone_problem(config)
    reasons = (
        (problem is not None, f"{problem}"),
        (not plan.fed or engine.after is None, "its frozen part runs in each step"),
        (engine.after is not None and engine.after.trained is not None, "part of its backbone is trained"),
        (engine.replicas.count > 1, "it is spread over several devices"),
        (parameters > LARGEST_HEAD, f"a head of {parameters:,} weights trains no faster beside others"),
        (bool(tf.config.list_physical_devices("GPU")), "whether it pays on a GPU was not measured"),
    )
    return next((reason for broken, reason in reasons if broken), None)


@dataclass(eq=False)
class _Wish:
    """An epoch that a training wants; `answer` is there once it was run."""

    slot: Slot
    epoch: HeadEpoch
    validation: NDArray[np.float32]
    taken: bool = False
    answer: tuple[HeadTotals, NDArray[np.float32]] | BaseException | str | None = None
    beside: int = 1

    @property
    def kind(self) -> tuple[int, int, int, int]:
        """Wishes of one kind can be run together: the same compiled model, validation images, number of steps and of images."""
        return (id(self.slot.engine), id(self.validation), len(self.epoch.rates), len(self.epoch.rows))


STOPPED = "stopped"


class Meeting:
    """Where the trainings of a process wait for an epoch: whoever finds that nobody else is missing, or has waited long enough, runs it for all."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._members: list[Slot] = []
        self._wishes: list[_Wish] = []

    def join(self, slot: Slot) -> None:
        """Take part from the next epoch on."""
        with self._changed:
            self._members.append(slot)

    def leave(self, slot: Slot) -> None:
        """Nobody waits for it any more."""
        with self._changed:
            if slot in self._members:
                self._members.remove(slot)
            self._changed.notify_all()

    def run(self, wish: _Wish) -> None:
        """Have an epoch run, by this thread or another; returns when its answer is there."""
        until = time.monotonic() + PATIENCE_SECONDS
        with self._changed:
            self._wishes.append(wish)
            self._changed.notify_all()
            while wish.answer is None:
                here = [each for each in self._wishes if each.kind == wish.kind and not each.taken]
                members = sum(member.engine is wish.slot.engine for member in self._members)
                late = time.monotonic() >= until
                if not wish.taken and (late or len(here) >= min(members, SLOTS)):
                    group = [wish, *(each for each in here if each is not wish)][:SLOTS]
                    for each in group:
                        each.taken = True
                    try:
                        with released(self._changed):
                            self._answer(group)
                    finally:
                        self._wishes = [each for each in self._wishes if each not in group]
                        self._changed.notify_all()
                else:
                    self._changed.wait(None if wish.taken else max(0.0, until - time.monotonic()))

    def _answer(self, group: Sequence[_Wish]) -> None:
        """Run the epoch of a group; where that fails as a whole, of each alone, so that an error reaches the training whose it is."""
        try:
            with ONE_AT_A_TIME:
                _run(group)
        except BaseException as error:  # noqa: BLE001 - it ends trainings, not the thread of another
            if len(group) == 1:
                group[0].answer = error
                return
            for each in group:
                self._answer([each])


def _run(group: Sequence[_Wish]) -> None:
    program, states = group[0].slot.program, [each.slot.state.copy() for each in group]
    totals = program.train(states, [each.epoch for each in group])
    logits = program.logits(states, group[0].validation)
    for each, state, total, outputs in zip(group, states, totals, logits, strict=True):
        each.beside = len(group)
        if isinstance(total, HeadTotals):
            each.slot.state = state
            each.answer = total, outputs
        else:
            each.answer = total or STOPPED


MEETING = Meeting()


class Slot:
    """One training's place in the program of its engine. State: its head as it is between epochs, while others use the engine."""

    def __init__(self, engine: Engine, config: TrainConfig, fed: ImageData) -> None:
        """Begin with the head that the engine holds; `fed` are activations in place of images."""
        self.engine, self.config = engine, config
        self._validation = pooled(fed.validation.images, config.model.pooling)
        (self._group,) = engine.groups
        self._rest = [
            (variable, variable.numpy()) for variable in engine.changing if not any(variable is own for own in self._group.variables)
        ]
        self._rate = float(config.training.learning_rate)
        self.shared = self.epochs = 0
        self._held: HeadState | None = None
        self.program = _program(engine, config, self._validation.shape[1], fed.num_classes)
        self.state = self._read()
        engine.network.owner = self

    def epoch(
        self, epoch: int, images: ImageSet, class_names: Sequence[str], rates: NDArray[np.float32], should_stop: Callable[[], bool] | None
    ) -> tuple[EpochTotals, NDArray[np.float32]] | None:
        """Train one epoch beside whoever else trains.

        Args:
            epoch: counted from 1.
            images: activations of the training images in it.
            class_names: of the data.
            rates: learning rate of each step, shape ``(steps,)``.
            should_stop: asked before each call into TensorFlow.

        Returns:
            Its totals, and the logits of all validation images after it; None when it was stopped before its end.

        Raises:
            NonFiniteLossError: the loss was not finite.
        """
        training, seed = self.config.training, self.config.seed
        rows, weights = rows_and_weights(images.labels, class_names, self.config, epoch)
        wanted = HeadEpoch(
            inputs=pooled(images.images, self.config.model.pooling),
            labels=images.labels,
            weights=weights,
            rows=rows,
            rates=rates,
            keys=self.engine.network.dropout_keys(seed, epoch),
            dropout=dropout_rates(self.config.model),
            weight_decay=training.weight_decay,
            clip=math.inf if training.gradient_clip is None else training.gradient_clip,
            smoothing=training.label_smoothing,
            ema=training.ema or 0.0,
            should_stop=should_stop,
        )
        wish = _Wish(self, wanted, self._validation)
        with released():
            MEETING.run(wish)
        if isinstance(wish.answer, BaseException):
            raise wish.answer
        if wish.answer is None or isinstance(wish.answer, str):
            return None
        self._rate = float(rates[-1])
        self.shared += wish.beside
        self.epochs += 1
        totals, logits = wish.answer
        loss, correct, count, norms, steps = (float(value) for value in totals.sums)
        if totals.first_bad:
            raise NonFiniteLossError(epoch, totals.first_bad, loss)
        return EpochTotals(loss / count, correct / count, int(count), norms / steps), logits

    def enter(self) -> None:
        """Put this training's head into the engine, where another training was since."""
        network = self.engine.network
        if network.owner is self and self._held is self.state:
            return
        if isinstance(network.owner, Slot) and network.owner.engine is self.engine:
            network.configure(self.config.model)
        else:
            self.engine.start(self.config)
            for variable, value in self._rest:
                variable.assign(value)
        optimizer = self._group.optimizer
        assign(self._group.variables, self.state.weights)
        for variables, values in zip(_moments(optimizer, self.program.form), self.state.moments, strict=True):
            assign(variables, values)
        assign(self.engine.averages, self.state.averages)
        optimizer.iterations.assign(self.state.iterations)
        optimizer.learning_rate.assign(self._rate)
        self.engine.knobs.averaged.assign(self.state.averaged)
        network.owner, self._held = self, self.state

    def _read(self) -> HeadState:
        moments = _moments(self._group.optimizer, self.program.form)
        state = HeadState(
            [variable.numpy() for variable in self._group.variables],
            [[variable.numpy() for variable in each] for each in moments],
            [variable.numpy() for variable in self.engine.averages],
            int(self._group.optimizer.iterations.numpy()),
            float(self.engine.knobs.averaged.numpy()),
        )
        self._held = state
        return state


@contextlib.contextmanager
def turn(say: Callable[[str], object] | None) -> Iterator[None]:
    """Hold `ONE_AT_A_TIME`; `say` is told now and then that another training has it."""
    while not ONE_AT_A_TIME.acquire(timeout=SECONDS_OF_SILENCE):
        if say is not None:
            say("waits for the training of another trial in its worker process, which cannot share its steps")
    try:
        yield
    finally:
        ONE_AT_A_TIME.release()


@contextlib.contextmanager
def released(lock: threading.RLock | threading.Condition = ONE_AT_A_TIME) -> Iterator[None]:
    """Inside, other threads may have a lock that this one holds once; by default other trainings of this process may go on."""
    lock.release()
    try:
        yield
    finally:
        lock.acquire()


def _moments(optimizer: Any, form: HeadForm) -> list[list[Any]]:  # noqa: ANN401 - an optimizer of Keras
    """The optimiser's variables in the order of `HeadState.moments`."""
    if form.optimizer == "sgd":
        return [list(optimizer.momentums)] if form.moments else []
    if form.optimizer == "rmsprop":
        return [*([list(optimizer._momentums)] if form.momentum > 0 else []), list(optimizer._velocities)]  # noqa: SLF001 - Keras names them nowhere else
    return [list(optimizer._momentums), *([list(optimizer._velocities)] if form.moments > 1 else [])]  # noqa: SLF001 - as above


def _program(engine: Engine, config: TrainConfig, features: int, num_classes: int) -> HeadProgram:
    """The engine's program, compiled once."""
    if engine.program is None:
        training, units = config.training, engine.network.built.units
        engine.program = HeadProgram(
            HeadForm(
                widths=(features, *config.model.dense, units),
                classes=num_classes,
                activation=config.model.activation,
                optimizer=training.optimizer,
                momentum=training.momentum if training.optimizer in {"sgd", "rmsprop"} else 0.0,
                averaged=training.ema is not None,
                binary_on_softmax=training.loss == "binary_crossentropy" and units > 1,
                batch_size=training.batch_size,
            )
        )
    return engine.program


_POOLED: OrderedDict[tuple[str, int, str], NDArray[np.float32]] = OrderedDict()
"""Features by file, its inode, and how they were pooled; used last, last."""


def pooled(values: NDArray[Any], pooling: str) -> NDArray[np.float32]:
    """Activations at a cut as the head's first dense layer takes them.

    Args:
        values: ``(n, height, width, channels)``, perhaps mapped from a file; the pooled features of a file are kept for other trainings.
        pooling: as in the settings.

    Returns:
        ``(n, features)``.
    """
    name = getattr(values, "filename", None)
    key = None if name is None else (str(name), Path(str(name)).stat().st_ino, pooling)
    if key is not None and key in _POOLED:
        _POOLED.move_to_end(key)
        return _POOLED[key]
    found = np.concatenate(list(_pooled_parts(values, pooling)))
    if key is not None:
        _POOLED[key] = found
        while len(_POOLED) > 1 and sum(each.nbytes for each in _POOLED.values()) > POOLED_BYTES:
            _POOLED.popitem(last=False)
    return found


def _pooled_parts(values: NDArray[Any], pooling: str) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(values), POOL_ROWS):
        part = np.asarray(values[start : start + POOL_ROWS], np.float32)
        if pooling == "flatten" or part.shape[1] == part.shape[2] == 1:
            yield part.reshape(len(part), -1)
        else:
            reduce = tf.reduce_max if pooling == "max" else tf.reduce_mean
            yield reduce(tf.constant(part), axis=(1, 2)).numpy()
