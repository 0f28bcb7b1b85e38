"""Heads on one frozen part, trained in one program: their weights, optimiser states and batches are stacked, the slot first.

Most steps of a small head take less time than the calls into TensorFlow around them. Here one call runs many steps of up to `SLOTS` heads. Each has its own
initial weights, order, dropout masks, learning rates, decay, smoothing and clipping. The program always has `SLOTS` slots, of which some may be empty: every
operation then has the same shapes whoever else trains, so that a head's result does not depend on the others to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from trainer.fit.optimizers import DECAYS_FIRST
from trainer.fit.step import EMA_WARMUP, binary_on_softmax, loss_per_image
from trainer.network.compile_key import SLOTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

Tensor = Any
"""TensorFlow has no types."""
CHUNK_BYTES = 1 << 26
"""Inputs of so many steps are gathered at a time, at least one step."""
VALIDATION_ROWS = 2048
"""Validation images that go through the heads at once."""
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
"""Of Adam, as Keras has them by default; `EPSILON` is RMSprop's too."""
RHO = 0.9
"""Of RMSprop."""
LION_BETA_2 = 0.99


@dataclass(frozen=True)
class HeadForm:
    """What the heads of one program have in common.

    Attributes:
        widths: of the features, of each dense layer and of the output.
        classes: of the targets.
        activation: between the dense layers.
        optimizer: name, as in the settings.
        momentum: of ``sgd`` and ``rmsprop``.
        averaged: whether a moving average of the weights is kept.
        binary_on_softmax: see `trainer.fit.step.binary_on_softmax`.
        batch_size: images of a step.
    """

    widths: tuple[int, ...]
    classes: int
    activation: str
    optimizer: str
    momentum: float
    averaged: bool
    binary_on_softmax: bool
    batch_size: int

    @property
    def moments(self) -> int:
        """Values that the optimiser keeps for each weight."""
        return {"sgd": int(self.momentum > 0), "rmsprop": 1 + int(self.momentum > 0), "lion": 1}.get(self.optimizer, 2)


@dataclass(eq=False)
class HeadState:
    """State of one head: kernel and bias of each layer in turn; a checkpoint holds all of it.

    Attributes:
        weights: kernel and bias of each layer.
        moments: the optimiser's, for each moment one array for each weight.
        averages: moving averages of the weights, or empty.
        iterations: optimiser steps so far.
        averaged: steps that the averages have seen.
    """

    weights: list[NDArray[np.float32]]
    moments: list[list[NDArray[np.float32]]]
    averages: list[NDArray[np.float32]]
    iterations: int
    averaged: float

    def copy(self) -> HeadState:
        """Another state with the same values, whose lists may be filled anew."""
        return HeadState(list(self.weights), [list(each) for each in self.moments], list(self.averages), self.iterations, self.averaged)


@dataclass(frozen=True)
class HeadEpoch:
    """What one head's epoch is made of.

    Attributes:
        inputs: features of all training images, ``(n, widths[0])``.
        labels: their classes, ``(n,)``.
        weights: of each image of the epoch in the loss, ``(k,)``.
        rows: of the images of the epoch in their order, ``(k,)``.
        rates: learning rate of each step, ``(steps,)``.
        keys: of each dropout layer's masks in this epoch.
        dropout: rate of each dropout layer.
        weight_decay, clip, smoothing, ema: see `trainer.fit.step.Knobs`.
        should_stop: asked before each call into TensorFlow.
    """

    inputs: NDArray[np.float32]
    labels: NDArray[np.integer]
    weights: NDArray[np.float32]
    rows: NDArray[np.int64]
    rates: NDArray[np.float32]
    keys: tuple[int, ...]
    dropout: tuple[float, ...]
    weight_decay: float
    clip: float
    smoothing: float
    ema: float
    should_stop: Callable[[], bool] | None = None


@dataclass
class HeadTotals:
    """Sums over the steps of an epoch: loss x images, correct images, images, gradient norms, steps; the first step with a loss that is no number, or 0."""

    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(5))
    first_bad: int = 0


class HeadProgram:
    """The compiled program of one form. State: variables that hold the heads while they train."""

    def __init__(self, form: HeadForm) -> None:
        self.form = form
        pairs = list(zip(form.widths, form.widths[1:], strict=False))
        shapes = [shape for before, after in pairs for shape in ((SLOTS, before, after), (SLOTS, after))]

        def zeros() -> list[Any]:
            return [tf.Variable(tf.zeros(shape), trainable=False) for shape in shapes]

        self._weights = zeros()
        self._moments = [zeros() for _ in range(form.moments)]
        self._averages = zeros() if form.averaged else []
        self._activation = keras.activations.get(form.activation)
        self._steps = tf.function(self._run_steps, autograph=False, reduce_retracing=True)
        self._validation = tf.function(self._outputs, autograph=False, reduce_retracing=True)

    def train(self, states: Sequence[HeadState], epochs: Sequence[HeadEpoch]) -> list[HeadTotals | BaseException | None]:
        """Train an epoch of each head; the states become those after it.

        Args:
            states: of at most `SLOTS` heads.
            epochs: theirs, all of as many steps.

        Returns:
            For each head its totals, None where it was stopped before the epoch's end, or what its `should_stop` raised. The state of the last two is as it was.
        """
        self._load(states)
        settings = _Settings.of(epochs, self.form, [state.iterations for state in states], [state.averaged for state in states])
        steps = len(epochs[0].rates)
        totals: list[HeadTotals | BaseException | None] = [HeadTotals() for _ in epochs]
        at_once = max(1, CHUNK_BYTES // (4 * SLOTS * self.form.batch_size * self.form.widths[0]))
        for first in range(0, steps, at_once):
            count = min(at_once, steps - first)
            for slot, epoch in enumerate(epochs):
                if isinstance(totals[slot], HeadTotals):
                    totals[slot] = _asked(epoch.should_stop, totals[slot])
            if not any(isinstance(each, HeadTotals) for each in totals):
                return totals
            batches = _gathered(epochs, first, count, self.form)
            sums, first_bad = self._steps(*batches, *settings.tensors(first, count))
            for slot, each in enumerate(totals):
                if isinstance(each, HeadTotals):
                    each.sums += sums[slot].numpy()
                    bad = int(first_bad[slot].numpy())
                    each.first_bad = each.first_bad or (first + bad if bad else 0)
        self._unload(states, totals, steps)
        return totals

    def logits(self, states: Sequence[HeadState], features: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Logits ``(n, units)`` of images with these features ``(n, widths[0])`` from each head, from its averages where it has them."""
        weights = _stacked([state.averages or state.weights for state in states])
        parts = [
            self._validation(tf.constant(features[start : start + VALIDATION_ROWS]), weights).numpy()
            for start in range(0, len(features), VALIDATION_ROWS)
        ]
        return [np.concatenate([part[slot] for part in parts]) for slot in range(len(states))]

    def _load(self, states: Sequence[HeadState]) -> None:
        for variables, values in self._places(states):
            for variable, value in zip(variables, _stacked(values), strict=True):
                variable.assign(value)

    def _unload(self, states: Sequence[HeadState], totals: Sequence[object], steps: int) -> None:
        for variables, values in self._places(states):
            for place, variable in enumerate(variables):
                stacked = variable.numpy()
                for slot, each in enumerate(totals):
                    if isinstance(each, HeadTotals):
                        values[slot][place] = stacked[slot].copy()
        for state, each in zip(states, totals, strict=True):
            if isinstance(each, HeadTotals):
                state.iterations += steps
                state.averaged += steps if self.form.averaged else 0

    def _places(self, states: Sequence[HeadState]) -> list[tuple[list[Any], list[list[NDArray[np.float32]]]]]:
        """The program's variables, each list of them with what each state keeps there."""
        places = [(self._weights, [state.weights for state in states])]
        places += [(moments, [state.moments[number] for state in states]) for number, moments in enumerate(self._moments)]
        return places + ([(self._averages, [state.averages for state in states])] if self._averages else [])

    def _outputs(self, features: Tensor, weights: Sequence[Tensor]) -> Tensor:
        """Logits ``(slots, n, units)`` in inference mode."""
        x = features
        for layer in range(len(weights) // 2):
            x = tf.matmul(x, weights[2 * layer]) + weights[2 * layer + 1][:, None]
            if layer < len(weights) // 2 - 1:
                x = self._activation(x)
        return x

    def _run_steps(
        self, inputs: Tensor, labels: Tensor, weights: Tensor, sizes: Tensor, rates: Tensor, places: Tensor, knobs: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Steps of all slots: inputs ``(steps, slots, b, features)``, labels and weights ``(steps, slots, b)``, sizes and rates ``(steps, slots)``."""

        def body(step: Tensor, sums: Tensor, first_bad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            batch = inputs[step], tf.one_hot(labels[step], self.form.classes), weights[step], sizes[step]
            loss, correct, norm = self._step(*batch, rates[step], places + step, knobs)
            images = tf.cast(sizes[step], tf.float64)
            counts = [
                tf.cast(loss, tf.float64) * images,
                tf.cast(correct, tf.float64),
                images,
                tf.cast(norm, tf.float64),
                tf.ones_like(images),
            ]
            new = tf.logical_and(tf.equal(first_bad, 0), tf.logical_not(tf.math.is_finite(loss)))
            return step + 1, sums + tf.stack(counts, axis=1), tf.where(new, step + 1, first_bad)

        start = (tf.constant(0), tf.zeros((SLOTS, 5), tf.float64), tf.zeros((SLOTS,), tf.int32))
        _, sums, first_bad = tf.while_loop(lambda step, *_: step < tf.shape(inputs)[0], body, start, parallel_iterations=1)
        return sums, first_bad

    def _step(
        self, inputs: Tensor, targets: Tensor, weights: Tensor, sizes: Tensor, rates: Tensor, places: Tensor, knobs: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One step of all slots; the loss, hits and gradient norm of each."""
        values = [variable.read_value() for variable in self._weights]
        count = tf.maximum(tf.cast(sizes, tf.float32), 1.0)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            logits = self._forward(inputs, values, places, knobs)
            loss = tf.reduce_sum(weights * self._losses(logits, targets, knobs["smoothing"]), axis=1) / count
            whole = tf.reduce_sum(loss)
        gradients = tape.gradient(whole, values)
        norm = tf.sqrt(tf.add_n([tf.reduce_sum(tf.square(each), axis=tuple(range(1, len(each.shape)))) for each in gradients]))
        factor = tf.where(norm > knobs["clip"], knobs["clip"] / norm, tf.ones_like(norm))
        gradients = [each * _by_slot(factor, each) for each in gradients]
        if self.form.optimizer in DECAYS_FIRST:
            self._decay(rates, knobs)
        self._update(gradients, rates, tf.cast(knobs["iterations"] + places + 1, tf.float32))
        if self.form.optimizer not in DECAYS_FIRST:
            self._decay(rates, knobs)
        self._average(knobs["averaged"] + tf.cast(places + 1, tf.float32), knobs["ema"])
        return loss, self._hits(logits, targets, sizes), norm

    def _forward(self, inputs: Tensor, values: Sequence[Tensor], places: Tensor, knobs: dict[str, Tensor]) -> Tensor:
        """Logits ``(slots, b, units)`` with dropout, whose masks are those that a head's own layers would draw."""
        x = inputs
        layers = len(values) // 2
        for layer in range(layers):
            keep = 1.0 - knobs["dropout"][:, layer]
            draws = tf.stack([self._draws(layer, slot, places, knobs) for slot in range(SLOTS)])
            x = x * tf.cast(draws < keep[:, None, None], tf.float32) / keep[:, None, None]
            x = tf.matmul(x, values[2 * layer]) + values[2 * layer + 1][:, None]
            if layer < layers - 1:
                x = self._activation(x)
        return x

    def _draws(self, layer: int, slot: int, places: Tensor, knobs: dict[str, Tensor]) -> Tensor:
        """Uniform numbers ``(b, width)`` for one mask; zeros, which keep everything, where nothing is dropped: drawing takes longer than a small step."""
        shape = (self.form.batch_size, self.form.widths[layer])
        seed = tf.stack([knobs["keys"][slot, layer], places[slot]])
        return tf.cond(knobs["dropout"][slot, layer] > 0.0, lambda: tf.random.stateless_uniform(shape, seed), lambda: tf.zeros(shape))

    def _losses(self, logits: Tensor, targets: Tensor, smoothing: Tensor) -> Tensor:
        """Loss of each image ``(slots, b)``."""
        flat = tf.reshape(logits, (-1, self.form.widths[-1])), tf.reshape(targets, (-1, self.form.classes))
        losses = binary_on_softmax if self.form.binary_on_softmax else loss_per_image
        return tf.reshape(losses(*flat, tf.repeat(smoothing, self.form.batch_size)[:, None]), (SLOTS, -1))

    def _hits(self, logits: Tensor, targets: Tensor, sizes: Tensor) -> Tensor:
        """Correct images of each slot, those that only fill the batch left out."""
        predicted = tf.cast(logits[..., 0] > 0, tf.int64) if self.form.widths[-1] == 1 else tf.argmax(logits, axis=-1)
        there = tf.range(self.form.batch_size)[None] < sizes[:, None]
        return tf.reduce_sum(tf.cast(tf.logical_and(tf.equal(predicted, tf.argmax(targets, axis=-1)), there), tf.float32), axis=1)

    def _decay(self, rates: Tensor, knobs: dict[str, Tensor]) -> None:
        """As `trainer.fit.step` decays: kernels alone, by rate x weight decay."""

        def shrink() -> Tensor:
            for kernel in self._weights[::2]:
                kernel.assign_sub(kernel * _by_slot(rates * knobs["weight_decay"], kernel))
            return tf.constant(0)

        tf.cond(tf.reduce_any(knobs["weight_decay"] > 0.0), shrink, lambda: tf.constant(0))

    def _update(self, gradients: Sequence[Tensor], rates: Tensor, step: Tensor) -> None:
        """One step of the optimiser, with Keras's formulas (`keras.optimizers`, ``update_step``); `step` is each slot's, counted from 1."""
        alpha = rates * tf.sqrt(1.0 - tf.pow(BETA_2, step)) / (1.0 - tf.pow(BETA_1, step))
        for place, (variable, gradient) in enumerate(zip(self._weights, gradients, strict=True)):
            moments = [each[place] for each in self._moments]
            rate = _by_slot(rates, variable)
            if self.form.optimizer == "sgd":
                if moments:
                    variable.assign_add(moments[0].assign(moments[0] * self.form.momentum - gradient * rate))
                else:
                    variable.assign_sub(gradient * rate)
            elif self.form.optimizer == "rmsprop":
                velocity = moments[-1].assign(RHO * moments[-1] + (1.0 - RHO) * tf.square(gradient))
                increment = rate * gradient / tf.sqrt(velocity + EPSILON)
                variable.assign_sub(moments[0].assign(self.form.momentum * moments[0] + increment) if self.form.momentum > 0 else increment)
            elif self.form.optimizer == "lion":
                variable.assign_sub(rate * tf.sign(moments[0] * BETA_1 + gradient * (1.0 - BETA_1)))
                moments[0].assign(moments[0] * LION_BETA_2 + gradient * (1.0 - LION_BETA_2))
            else:
                first = moments[0].assign_add((gradient - moments[0]) * (1.0 - BETA_1))
                second = moments[1].assign_add((tf.square(gradient) - moments[1]) * (1.0 - BETA_2))
                variable.assign_sub(first * _by_slot(alpha, variable) / (tf.sqrt(second) + EPSILON))

    def _average(self, seen: Tensor, ema: Tensor) -> None:
        """As `trainer.fit.step` averages."""
        if self._averages:
            momentum = tf.minimum(ema, (1.0 + seen) / (EMA_WARMUP + seen))
            for average, variable in zip(self._averages, self._weights, strict=True):
                average.assign_sub((average - variable) * _by_slot(1.0 - momentum, variable))


@dataclass(frozen=True)
class _Settings:
    """Settings of all slots, padded to `SLOTS`; the keys of `knobs` are those of `HeadEpoch`."""

    rates: NDArray[np.float32]
    knobs: dict[str, Tensor]

    @classmethod
    def of(cls, epochs: Sequence[HeadEpoch], form: HeadForm, iterations: Sequence[int], averaged: Sequence[float]) -> _Settings:
        layers = len(form.widths) - 1

        def filled(values: Sequence[Any], shape: tuple[int, ...] = (), kind: Any = np.float32) -> Tensor:  # noqa: ANN401 - a NumPy type
            array = np.zeros((SLOTS, *shape), kind)
            array[: len(values)] = values
            return tf.constant(array)

        rates = np.zeros((len(epochs[0].rates), SLOTS), np.float32)
        for slot, epoch in enumerate(epochs):
            rates[:, slot] = epoch.rates
        return cls(
            rates,
            {
                "keys": filled([epoch.keys for epoch in epochs], (layers,), np.int32),
                "dropout": filled([epoch.dropout for epoch in epochs], (layers,)),
                "iterations": filled(iterations, kind=np.int32),
                "averaged": filled(averaged),
                **{name: filled([getattr(epoch, name) for epoch in epochs]) for name in ("weight_decay", "clip", "smoothing", "ema")},
            },
        )

    def tensors(self, first: int, count: int) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Rates of `count` steps from `first` on, the first's place in the epoch for each slot, and the knobs."""
        return tf.constant(self.rates[first : first + count]), tf.fill((SLOTS,), first), self.knobs


def _gathered(epochs: Sequence[HeadEpoch], first: int, count: int, form: HeadForm) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Inputs, labels, loss weights and numbers of images of `count` steps from `first` on; what fills a last batch weighs nothing."""
    size = form.batch_size
    inputs = np.zeros((count, SLOTS, size, form.widths[0]), np.float32)
    labels = np.zeros((count, SLOTS, size), np.int32)
    weights = np.zeros((count, SLOTS, size), np.float32)
    sizes = np.zeros((count, SLOTS), np.int32)
    for slot, epoch in enumerate(epochs):
        for step in range(count):
            begin = (first + step) * size
            rows = epoch.rows[begin : begin + size]
            inputs[step, slot, : len(rows)] = epoch.inputs[rows]
            labels[step, slot, : len(rows)] = epoch.labels[rows]
            weights[step, slot, : len(rows)] = epoch.weights[begin : begin + size]
            sizes[step, slot] = len(rows)
    return tf.constant(inputs), tf.constant(labels), tf.constant(weights), tf.constant(sizes)


def _asked(should_stop: Callable[[], bool] | None, totals: HeadTotals | BaseException | None) -> HeadTotals | BaseException | None:
    """The totals as they are, None where the head is to stop, or what asking raised."""
    try:
        return None if should_stop is not None and should_stop() else totals
    except BaseException as error:  # noqa: BLE001 - it belongs to this head alone
        return error


def _stacked(values: Sequence[Sequence[NDArray[np.float32]]]) -> list[Tensor]:
    """Arrays of each head as tensors ``(slots, ...)``, zeros for empty slots."""
    stacked = []
    for place, first in enumerate(values[0]):
        array = np.zeros((SLOTS, *first.shape), np.float32)
        for slot, each in enumerate(values):
            array[slot] = each[place]
        stacked.append(tf.constant(array))
    return stacked


def _by_slot(values: Tensor, like: Tensor) -> Tensor:
    """One value a slot, in as many dimensions as `like`."""
    return tf.reshape(values, (SLOTS, *[1] * (len(like.shape) - 1)))
