"""The memory of a step is what its operations hold at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import tensorflow as tf

from trainer.config import TrainConfig
from trainer.network.inspect import memory_of
from trainer.network.memory import peak_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

SQUARE = 4 * 100 * 100
"""Bytes of the matrix below."""


def peak_of(function: Callable[[Any], Any], shape: tuple[int | None, ...] = (100, 100)) -> tuple[int | None, str]:
    return peak_bytes(tf.function(function, autograph=False).get_concrete_function(tf.TensorSpec(shape, tf.float32)).graph)


def test_what_is_read_later_is_held_and_what_is_not_is_overwritten() -> None:
    def two(x: Any) -> Any:  # noqa: ANN401 - a tensor
        first = x @ x
        return first @ first

    def in_place(x: Any) -> Any:  # noqa: ANN401 - a tensor
        return tf.nn.relu(tf.nn.relu(x @ x) + 1.0)

    def kept(x: Any) -> Any:  # noqa: ANN401 - a tensor
        first = x @ x
        return tf.nn.relu(first) @ first

    assert peak_of(two)[0] == 2 * SQUARE
    assert peak_of(in_place)[0] == pytest.approx(SQUARE, abs=16)
    assert peak_of(kept)[0] == 3 * SQUARE


def test_reshaping_takes_nothing_and_called_functions_count() -> None:
    assert peak_of(lambda x: tf.reshape(tf.identity(x @ x), (10_000,)))[0] == pytest.approx(SQUARE, abs=16)
    called = tf.function(lambda x: (x @ x) @ x, autograph=False)
    assert peak_of(lambda x: called(x @ x))[0] == pytest.approx(4 * SQUARE, abs=SQUARE)


def test_a_tensor_of_unknown_shape_cannot_be_told() -> None:
    peak, why = peak_of(lambda x: x @ x, (None, None))
    assert peak is None
    assert "MatMul" in why
    assert "puts out a tensor of unknown shape" in why


def memory(**changes: Any) -> Any:  # noqa: ANN401 - settings, and a Memory
    training = {"batch_size": 32, "optimizer": "sgd", "momentum": 0.0, **changes.pop("training", {})}
    model = {"backbone": "small_resnet", "options": {"filters": [8, 16], "blocks": 1}, **changes}
    config = TrainConfig.model_validate({"data": {"source": "digits"}, "model": model, "training": training})
    return memory_of(config, (32, 32, 3), 5)


def test_images_of_a_batch_optimizers_and_frozen_layers_count() -> None:
    base = memory()
    assert base.total == base.weights + base.optimizer + base.step + base.images
    assert base.optimizer == 0
    twice = memory(training={"batch_size": 64})
    assert twice.step == pytest.approx(2 * base.step, rel=0.05)
    parts = memory(training={"accumulate": 4})
    assert parts.step == pytest.approx(base.step / 4, rel=0.25)
    adam = memory(training={"optimizer": "adam", "ema": 0.9})
    assert adam.optimizer == pytest.approx(3 * base.weights, rel=0.05)
    assert memory(frozen_layers="all").step < 0.5 * base.step
