"""Many independent trainings in one TensorFlow program: slots.

Small trainings one after the other spend their time in the framework and not in arithmetic. So all trainings of a seed stand side by side: every weight has
a leading axis of slots, a convolution is a product of matrices over the 3x3 neighbourhoods (grouped convolutions are slow on CPUs), and the loss is
summed over slots, so that no slot's gradient knows of another. Learning rate, optimiser, dropout mask, BatchNormalization momentum, frozen layers, order,
augmentation and initial weights are each slot's own, drawn from its own stream: a slot's training is the same whichever others stand beside it, to
rounding. `tests/trainer/fit/test_tabular_study.py` compares a slot with the same training by Keras' layers and optimisers, and with the same slot alone.

Network: conv 3x3 (width, no bias), BatchNormalization, relu, max-pool 2; conv 3x3 (2 x width), BatchNormalization, relu, max-pool 2; dropout, dense softmax.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from spaces import LATE_EPOCHS, PIXELS, Images, Settings, Space, Split, load_images, split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Weights = dict[str, tf.Tensor]
"""Values by name, each with a leading axis of slots."""
EPSILON = 1e-3
"""Of BatchNormalization, Keras' default."""
BETA_1, BETA_2, ADAM_EPSILON, SGD_MOMENTUM = 0.9, 0.999, 1e-7, 0.9
TRAINED = ("kernel_1", "gamma_1", "beta_1", "kernel_2", "gamma_2", "beta_2", "dense", "bias")
MOVING = ("mean_1", "variance_1", "mean_2", "variance_2")
EVALUATED_AT_ONCE = 50
"""Images of a slot in one forward pass of an evaluation; more no longer fit the processor's cache."""
COMMON = 1 << 20
"""Stands for the configuration in streams that all configurations of a seed share."""
STREAM_INIT, STREAM_ORDER, STREAM_DROPOUT = 1, 2, 3


@dataclass(frozen=True)
class Trained:
    """What trainings side by side leave; slots in the order of the configurations asked for.

    Attributes:
        train_correct: ``(num_slots, num_epochs)``, of the images seen in the epoch, in training mode.
        train_seen: ``(num_slots,)``, training images an epoch.
        train_loss: ``(num_slots, num_epochs)``, cross-entropy, mean over images.
        val_loss: ``(num_slots, num_epochs)``.
        val_classes: ``(num_slots, num_epochs, num_val)``, predicted.
        test_correct: ``(num_slots, late_epochs)``, of the last epochs.
        test_correct_best: ``(num_slots,)``, of the weights of the first epoch with the highest validation accuracy.
        weights: of the last epoch, each with a leading axis of slots.
    """

    train_correct: NDArray[np.int64]
    train_seen: NDArray[np.int64]
    train_loss: NDArray[np.float32]
    val_loss: NDArray[np.float32]
    val_classes: NDArray[np.uint8]
    test_correct: NDArray[np.int64]
    test_correct_best: NDArray[np.int64]
    weights: Weights


@dataclass(frozen=True)
class Group:
    """Trainings that stand side by side.

    Attributes:
        images: source.
        split: which images train, validate and test.
        settings: of each slot; all with the same width, batch size and drop_remainder.
        streams: key, configuration and seed of each slot's random numbers.
        planned: epochs over which a schedule runs.
        common: whether slots of the same seed share order and augmentation.
    """

    images: Images
    split: Split
    settings: Sequence[Settings]
    streams: Sequence[tuple[int, int, int]]
    planned: int
    common: bool = False

    @property
    def batch_size(self) -> int:
        """Training images a step."""
        return self.settings[0].batch_size

    @property
    def num_train(self) -> int:
        """Training images an epoch."""
        size = self.split.train.size
        return size - size % self.batch_size if self.settings[0].drop_remainder else size

    def learning_rates(self) -> NDArray[np.float32]:
        """Learning rate of each step, ``(num_epochs, steps an epoch, num_slots)``."""
        steps = -(-self.num_train // self.batch_size)
        progress = np.arange(self.planned * steps) / (self.planned * steps)
        cosine = (1.0 + np.cos(np.pi * progress)) / 2.0
        rates = [each.learning_rate * (cosine if each.schedule == "cosine" else np.ones_like(cosine)) for each in self.settings]
        return np.stack(rates, axis=-1).reshape(self.planned, steps, len(self.settings)).astype(np.float32)


def group(of: Space, configurations: Sequence[int], seed: int, *, common: bool = False) -> Group:
    """The trainings of these configurations of a space with one seed."""
    settings = [of.configurations[each] for each in configurations]
    streams = [(of.key, each, seed) for each in configurations]
    return Group(load_images(of.images, of.moved), split(of, seed), settings, streams, of.epochs, common)


def initial(of: Space, configurations: Sequence[int], seed: int) -> Weights:
    """Weights that these trainings start from, each with a leading axis of slots."""
    start = _drawn(of, configurations, seed)
    if of.pretrained:
        start |= {name: np.repeat(pretrained()[name], len(configurations), axis=0) for name in (*TRAINED[:6], *MOVING)}
    return start


def train(of: Space, configurations: Sequence[int], seed: int, *, epochs: int | None = None, common: bool = False) -> Trained:
    """Train these configurations of a space to the end with one seed.

    Args:
        of: the space.
        configurations: places in `Space.configurations`; all with the same width, batch size and drop_remainder.
        seed: replicate, from 0 on.
        epochs: fewer than planned (a smoke run).
        common: whether all configurations share order and augmentation.
    """
    return _fit(group(of, configurations, seed, common=common), initial(of, configurations, seed), epochs or of.epochs)


def _fit(of: Group, start: Weights, epochs: int) -> Trained:
    """Train a group from given weights."""
    images, num_slots = of.images, len(of.settings)
    table, slots = _table_of_neighbourhoods(images.source, images.farthest), _slot_settings(of.settings)
    train_labels, labels = (tf.constant(each, tf.int32) for each in (of.split.train_labels, of.split.labels))
    state: Weights = {name: tf.constant(value, tf.float32) for name, value in start.items()}
    state |= {f"{moment}/{name}": tf.zeros_like(state[name]) for name in TRAINED for moment in "mv"} | {"step": tf.zeros(())}
    best = {name: state[name] for name in (*TRAINED, *MOVING)}
    best_correct = np.full(num_slots, -1)
    rates = of.learning_rates()
    history: dict[str, list[NDArray[Any]]] = {name: [] for name in ("train_correct", "train_loss", "val_loss", "val_classes", "test")}
    for epoch in range(epochs):
        correct, loss = np.zeros(num_slots), np.zeros(num_slots)
        for rows, uniforms, rate in batches(of, rates, epoch):
            pictures, classes = tf.gather(table, rows), tf.gather(train_labels, rows // images.num_forms)
            state, new_correct, new_loss = _train_steps(state, slots, pictures, classes, tf.constant(uniforms), tf.constant(rate))
            correct, loss = correct + new_correct.numpy(), loss + new_loss.numpy()
        predicted, val_loss = _predict(state, images, table, labels, of.split.val)
        right = (predicted == of.split.labels[of.split.val]).sum(axis=1)
        better = tf.constant(right > best_correct)
        best_correct = np.maximum(best_correct, right)
        best = {name: tf.where(tf.reshape(better, (-1, *[1] * (value.shape.rank - 1))), state[name], value) for name, value in best.items()}
        figures = {"train_correct": correct, "train_loss": loss / of.num_train, "val_loss": val_loss, "val_classes": predicted}
        for name, value in figures.items():
            history[name].append(value)
        if epoch >= epochs - LATE_EPOCHS:
            history["test"].append(_test_correct(state, images, table, labels, of.split))
    return Trained(
        train_correct=np.stack(history["train_correct"], axis=1).astype(np.int64),
        train_seen=np.full(num_slots, of.num_train),
        train_loss=np.stack(history["train_loss"], axis=1).astype(np.float32),
        val_loss=np.stack(history["val_loss"], axis=1).astype(np.float32),
        val_classes=np.stack(history["val_classes"], axis=1),
        test_correct=np.stack(history["test"], axis=1),
        test_correct_best=_test_correct(best, images, table, labels, of.split),
        weights={name: state[name].numpy() for name in (*TRAINED, *MOVING)},
    )


@lru_cache(maxsize=1)
def pretrained() -> Weights:
    """Weights of one network trained on 700 images of the digits 0 to 4, each with a leading axis of 1."""
    donor = Space(
        name="pretraining",
        about="digits 0 to 4",
        images="digits",
        classes=(0, 1, 2, 3, 4),
        num_train=700,
        num_val=100,
        grid={},
        default={},
        base=Settings(bn_momentum=0.95, dropout=0.3, batch_size=20, shift=1),
        epochs=15,
    )
    return train(donor, [0], 0).weights


def _drawn(of: Space, configurations: Sequence[int], seed: int) -> Weights:
    """Keras' initial values: kernels uniform as Glorot and Bengio (2010), eq. 16, drawn from each slot's own stream."""
    width, channels = of.configurations[configurations[0]].width, load_images(of.images, of.moved).table.shape[-1]
    features, outputs = 8 * width, len(of.classes)
    shapes = {"kernel_1": (9 * channels, width, 9), "kernel_2": (9 * width, 2 * width, 9), "dense": (features, outputs, 1)}
    drawn: dict[str, list[NDArray[np.float64]]] = {name: [] for name in shapes}
    for configuration in configurations:
        draw = np.random.default_rng([of.key, STREAM_INIT, configuration, seed])
        for name, (fan_in, units, field) in shapes.items():
            limit = np.sqrt(6.0 / (fan_in + units * field))
            drawn[name].append(draw.uniform(-limit, limit, (fan_in, units)))
    slots = len(configurations)
    start: Weights = {name: np.stack(values) for name, values in drawn.items()} | {"bias": np.zeros((slots, outputs))}
    for layer, units in (("1", width), ("2", 2 * width)):
        ones, zeros = np.ones((slots, units)), np.zeros((slots, units))
        start |= {f"gamma_{layer}": ones, f"beta_{layer}": zeros, f"mean_{layer}": zeros, f"variance_{layer}": ones}
    return start


def batches(of: Group, rates: NDArray[np.float32], epoch: int) -> list[tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]]:
    """The steps of an epoch as blocks of equal batches: the full ones, and the incomplete one where there is one.

    Each block: rows of the table ``(steps, num_slots, batch)``, uniform numbers for dropout ``(steps, num_slots, batch, features)``, learning
    rates ``(steps, num_slots)``.
    """
    images, train_images, features = of.images, of.split.train, 8 * of.settings[0].width
    rows, uniforms = [], []
    for settings, (key, configuration, seed) in zip(of.settings, of.streams, strict=True):
        draw = np.random.default_rng([key, STREAM_ORDER, COMMON if of.common else configuration, seed, epoch])
        order, places = draw.permutation(train_images), draw.random((3, train_images.size))
        down, right = (np.floor(place * (2 * settings.shift + 1)).astype(np.int64) - settings.shift for place in places[:2])
        mirrored = (places[2] < 0.5).astype(np.int64) if settings.shift and images.table.shape[-1] == 3 else 0
        rows.append(images.rows(order, down, right, mirrored=mirrored))
        draw = np.random.default_rng([key, STREAM_DROPOUT, configuration, seed, epoch])
        uniforms.append(draw.random((train_images.size, features), dtype=np.float32))
    taken, noise = np.stack(rows).astype(np.int32), np.stack(uniforms)
    size, slots = of.batch_size, len(of.settings)
    full = train_images.size // size
    cut = full * size
    blocks = [
        (
            taken[:, :cut].reshape(slots, full, size).swapaxes(0, 1),
            noise[:, :cut].reshape(slots, full, size, features).swapaxes(0, 1),
            rates[epoch, :full],
        )
    ]
    if of.num_train > cut:
        blocks.append((taken[None, :, cut:], noise[None, :, cut:], rates[epoch, full:]))
    return blocks


def _slot_settings(chosen: Sequence[Settings]) -> Weights:
    """Settings that enter the program as tensors ``(num_slots,)``."""
    numbers = {name: [float(getattr(each, name)) for each in chosen] for name in ("dropout", "bn_momentum", "weight_decay", "frozen")}
    return {name: tf.constant(values, tf.float32) for name, values in numbers.items()} | {
        "adam": tf.constant([each.optimizer == "adam" for each in chosen])
    }


def _neighbourhoods(images: tf.Tensor) -> tf.Tensor:
    """3x3 neighbourhoods, zeros outside: ``(slots, batch, side, side, channels)`` to ``(slots, batch * side * side, 9 * channels)``."""
    slots, batch, side, _, channels = images.shape
    padded = tf.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0)))
    windows = [padded[:, :, row : row + side, column : column + side] for row in range(3) for column in range(3)]
    return tf.reshape(tf.concat(windows, axis=-1), (slots, batch * side * side, 9 * channels))


@lru_cache(maxsize=8)
def _table_of_neighbourhoods(source: str, farthest: int) -> tf.Tensor:
    """Neighbourhoods of every row of a table of images, ``(num_rows, 64, 9 * channels)``: what the first convolution multiplies."""
    table = load_images(source, farthest).table
    return tf.reshape(_neighbourhoods(tf.constant(table[None])), (table.shape[0], PIXELS**2, -1))


def _halved(values: tf.Tensor, batch: int, side: int) -> tf.Tensor:
    """Max-pool by 2: ``(slots, batch * side * side, filters)`` to ``(slots, batch, side / 2, side / 2, filters)``."""
    slots, _, filters = values.shape
    pooled = tf.nn.max_pool2d(tf.reshape(values, (slots * batch, side, side, filters)), 2, 2, "VALID")
    return tf.reshape(pooled, (slots, batch, side // 2, side // 2, filters))


def _inference(state: Weights, pictures: tf.Tensor) -> tf.Tensor:
    """Logits ``(slots, batch, classes)`` of neighbourhoods ``(batch, 64, 9 * channels)`` that all slots share, by moving statistics."""
    slots, inner, width = state["kernel_1"].shape
    batch, (kernel, offset) = pictures.shape[0], _folded(state, "1")
    first = tf.reshape(tf.transpose(kernel, (1, 0, 2)), (inner, slots * width))  # one product for all slots
    values = tf.nn.relu(tf.matmul(tf.reshape(pictures, (-1, inner)), first) + tf.reshape(offset, (slots * width,)))
    pooled = tf.nn.max_pool2d(tf.reshape(values, (batch, PIXELS, PIXELS, slots * width)), 2, 2, "VALID")
    half = PIXELS // 2
    inputs = tf.transpose(tf.reshape(pooled, (batch, half, half, slots, width)), (3, 0, 1, 2, 4))
    kernel, offset = _folded(state, "2")
    values = _halved(tf.nn.relu(tf.matmul(_neighbourhoods(inputs), kernel) + offset[:, None]), batch, half)
    return tf.matmul(tf.reshape(values, (slots, batch, -1)), state["dense"]) + state["bias"][:, None]


def _folded(state: Weights, layer: str) -> tuple[tf.Tensor, tf.Tensor]:
    """Kernel and offset of a convolution with the moving statistics of its BatchNormalization folded in."""
    scale = state[f"gamma_{layer}"] * tf.math.rsqrt(state[f"variance_{layer}"] + EPSILON)
    return state[f"kernel_{layer}"] * scale[:, None], state[f"beta_{layer}"] - state[f"mean_{layer}"] * scale


def _training(trained: Weights, state: Weights, slots: Weights, pictures: tf.Tensor, uniforms: tf.Tensor) -> tuple[tf.Tensor, Weights]:
    """Logits by batch statistics and with dropout, and the new moving statistics; frozen layers use and keep the moving ones."""
    num_slots, batch, places, size = pictures.shape
    inputs, side, moving = tf.reshape(pictures, (num_slots, batch * places, size)), PIXELS, {}
    keep = slots["bn_momentum"][:, None]
    for number, layer in enumerate(("1", "2")):
        frozen = slots["frozen"][:, None] > number
        outputs = tf.matmul(inputs, trained[f"kernel_{layer}"])
        mean, variance = tf.nn.moments(outputs, axes=1)
        old_mean, old_variance = state[f"mean_{layer}"], state[f"variance_{layer}"]
        moving[f"mean_{layer}"] = tf.where(frozen, old_mean, old_mean * keep + mean * (1.0 - keep))
        moving[f"variance_{layer}"] = tf.where(frozen, old_variance, old_variance * keep + variance * (1.0 - keep))
        mean, variance = tf.where(frozen, old_mean, mean), tf.where(frozen, old_variance, variance)
        scale = trained[f"gamma_{layer}"] * tf.math.rsqrt(variance + EPSILON)
        offset = trained[f"beta_{layer}"] - mean * scale
        values = _halved(tf.nn.relu(outputs * scale[:, None] + offset[:, None]), batch, side)
        side //= 2
        inputs = _neighbourhoods(values) if layer == "1" else values
    features = tf.reshape(values, (num_slots, batch, -1))
    rate = slots["dropout"][:, None, None]
    features = tf.where(uniforms >= rate, features / (1.0 - rate), 0.0)
    return tf.matmul(features, trained["dense"]) + trained["bias"][:, None], moving


@tf.function(jit_compile=True)  # fused elementwise work halves the time
def _train_steps(
    state: Weights, slots: Weights, pictures: tf.Tensor, right: tf.Tensor, uniforms: tf.Tensor, rates: tf.Tensor
) -> tuple[Weights, tf.Tensor, tf.Tensor]:
    """Run the steps of a block; returns the state, the correct images and the summed loss of each slot."""
    correct, summed = tf.zeros(rates.shape[1]), tf.zeros(rates.shape[1])
    for step in tf.range(rates.shape[0]):
        trained = {name: state[name] for name in TRAINED}
        with tf.GradientTape() as tape:
            tape.watch(trained)
            logits, moving = _training(trained, state, slots, pictures[step], uniforms[step])
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(right[step], logits)
            total = tf.reduce_sum(tf.reduce_mean(losses, axis=1))
        gradients = tape.gradient(total, trained)
        state = _update(state, slots, gradients, rates[step]) | moving
        correct += tf.reduce_sum(tf.cast(tf.argmax(logits, axis=-1, output_type=tf.int32) == right[step], tf.float32), axis=1)
        summed += tf.reduce_sum(losses, axis=1)
    return state, correct, summed


def _update(state: Weights, slots: Weights, gradients: Weights, rates: tf.Tensor) -> Weights:
    """One step of Adam or SGD with momentum, as Keras computes them, with decoupled weight decay; frozen weights stay."""
    step = state["step"] + 1.0
    corrected = rates * tf.sqrt(1.0 - BETA_2**step) / (1.0 - BETA_1**step)
    new: Weights = {"step": step}
    for name in TRAINED:
        weight, gradient = state[name], gradients[name]
        wide = (-1, *[1] * (weight.shape.rank - 1))
        rate, adam = tf.reshape(rates, wide), tf.reshape(slots["adam"], wide)
        m, v = state[f"m/{name}"], state[f"v/{name}"]
        adam_m, adam_v = m + (gradient - m) * (1.0 - BETA_1), v + (tf.square(gradient) - v) * (1.0 - BETA_2)
        sgd_m = m * SGD_MOMENTUM - gradient * rate
        decayed = weight * (1.0 - tf.reshape(slots["weight_decay"], wide) * rate)
        moved = tf.where(adam, decayed - tf.reshape(corrected, wide) * adam_m / (tf.sqrt(adam_v) + ADAM_EPSILON), decayed + sgd_m)
        frozen = tf.reshape(slots["frozen"], wide) >= float(name[-1]) if name[-1].isdigit() else tf.zeros((), tf.bool)
        new[name] = tf.where(frozen, weight, moved)
        new[f"m/{name}"], new[f"v/{name}"] = tf.where(adam, adam_m, sgd_m), adam_v
    return new | {name: state[name] for name in MOVING}


@tf.function
def _evaluate(state: Weights, table: tf.Tensor, labels: tf.Tensor, rows: tf.Tensor, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Predicted classes and losses ``(num_slots, batch)`` of images ``(batch,)``."""
    slots = state["bias"].shape[0]
    logits = _inference(state, tf.gather(table, rows))
    right = tf.broadcast_to(tf.gather(labels, images), (slots, images.shape[0]))
    return tf.cast(tf.argmax(logits, axis=-1), tf.uint8), tf.nn.sparse_softmax_cross_entropy_with_logits(right, logits)


def _predict(
    state: Weights, images: Images, table: tf.Tensor, labels: tf.Tensor, which: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Predicted classes ``(num_slots, num_images)`` and the mean loss of each slot."""
    network = {name: state[name] for name in (*TRAINED, *MOVING)}
    classes, losses = [], []
    padding = -which.size % EVALUATED_AT_ONCE
    padded = np.concatenate([which, which[:1].repeat(padding)])
    for chunk in padded.reshape(-1, EVALUATED_AT_ONCE):
        predicted, loss = _evaluate(network, table, labels, tf.constant(images.plain(chunk), tf.int32), tf.constant(chunk, tf.int32))
        classes.append(predicted.numpy())
        losses.append(loss.numpy())
    return np.concatenate(classes, axis=1)[:, : which.size], np.concatenate(losses, axis=1)[:, : which.size].mean(axis=1)


def _test_correct(state: Weights, images: Images, table: tf.Tensor, labels: tf.Tensor, of: Split) -> NDArray[np.int64]:
    correct: NDArray[np.int64] = (_predict(state, images, table, labels, of.test)[0] == of.labels[of.test]).sum(axis=1)
    return correct
