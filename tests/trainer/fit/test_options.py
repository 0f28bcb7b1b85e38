"""Each training option does what it says, on a network of a few layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tiny_trainings import settings

from trainer import TrainConfig, TrainResult, train
from trainer.data import load_data
from trainer.fit.kept import engine_for
from trainer.fit.step import binary_on_softmax, loss_per_image
from trainer.network.weights import export_model

if TYPE_CHECKING:
    from pathlib import Path

DENSE = {"backbone": "simple_cnn", "options": {"filters": [2, 4]}, "pooling": "flatten"}
"""Quick to trace."""


def run(epochs: int = 2, model: dict[str, Any] | None = None, **training: Any) -> TrainResult:  # noqa: ANN401 - settings
    return train(settings(epochs, model={**DENSE, **(model or {})}, training=training))


def weights_after(config: TrainConfig) -> list[np.ndarray]:
    train(config)
    engine, _ = engine_for(config, load_data(config.data), keep=True)
    return [variable.numpy() for variable in engine.network.variables]


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop", "lion"])
def test_every_optimizer_learns(optimizer: str) -> None:
    result = run(4, optimizer=optimizer, learning_rate=0.001 if optimizer == "lion" else 0.01)
    assert result.curves["loss"][-1] < result.curves["loss"][0]


def test_adam_steps_are_kerass_own(tmp_path: Path) -> None:
    """One full-batch step of ours against `keras.Model.fit` on the exported model."""
    import keras

    config = settings(1, model=DENSE, training={"batch_size": 64})
    data = load_data(config.data)
    engine, _ = engine_for(config, data, keep=True)
    engine.start(config)
    export_model(engine.network.built.model, tmp_path / "start.keras")
    twin = keras.models.load_model(tmp_path / "start.keras", compile=False)
    twin.compile(optimizer=keras.optimizers.Adam(0.01), loss="categorical_crossentropy")
    targets = np.eye(5, dtype=np.float32)[data.train.labels]
    twin.fit(data.train.images.astype(np.float32), targets, batch_size=64, epochs=1, verbose=0, shuffle=False)
    theirs = [variable.numpy() for layer in ("backbone", "head") for variable in twin.get_layer(layer).weights]
    for one, other in zip(weights_after(config), theirs, strict=True):
        assert one == pytest.approx(other, abs=2e-5)


def test_weight_decay_shrinks_kernels_and_leaves_biases_alone() -> None:
    base = settings(1, model=DENSE, training={"optimizer": "sgd", "momentum": 0.0, "batch_size": 64, "learning_rate": 0.1})
    decayed = base.model_copy(update={"training": base.training.model_copy(update={"weight_decay": 0.5})})
    for plain, shrunk in zip(weights_after(base), weights_after(decayed), strict=True):
        assert shrunk == pytest.approx(plain * (0.95 if plain.ndim > 1 else 1.0), abs=1e-6)


def test_the_backbone_learns_at_its_own_rate() -> None:
    start = settings(1, model=DENSE, training={"backbone_learning_rate_factor": 0.0, "optimizer": "sgd"})
    engine, _ = engine_for(start, load_data(start.data), keep=True)
    engine.start(start)
    before = [variable.numpy() for variable in engine.network.variables]
    after = weights_after(start)
    backbone = len(engine.network.built.backbone.weights)
    assert all(np.array_equal(one, other) for one, other in zip(before[:backbone], after[:backbone], strict=True))
    assert not np.array_equal(before[-2], after[-2])


def test_clipping_bounds_the_step() -> None:
    base = {"optimizer": "sgd", "momentum": 0.0, "batch_size": 64, "learning_rate": 1.0, "gradient_clip": 0.01}
    config = settings(1, model=DENSE, training=base)
    engine, _ = engine_for(config, load_data(config.data), keep=True)
    engine.start(config)
    before = [variable.numpy() for variable in engine.network.variables]
    moved = sum(float(np.sum((one - other) ** 2)) for one, other in zip(before, weights_after(config), strict=True)) ** 0.5
    assert moved == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_loss_is_kerass_cross_entropy_with_label_smoothing(smoothing: float) -> None:
    import keras

    draw = np.random.default_rng(0)
    logits = draw.normal(size=(9, 5)).astype(np.float32)
    targets = np.eye(5, dtype=np.float32)[draw.integers(5, size=9)]
    softmax = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing, reduction=None)
    assert np.asarray(loss_per_image(logits, targets, smoothing)) == pytest.approx(np.asarray(softmax(targets, logits)), rel=1e-5)
    single, pair = logits[:, :1], targets[:, 3:] + [0, 1] * (1 - targets[:, 3:].sum(axis=1, keepdims=True))
    sigmoid = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=smoothing, reduction=None)
    expected = np.asarray(sigmoid(pair[:, 1:].astype(np.float32), single))
    assert np.asarray(loss_per_image(single, pair.astype(np.float32), smoothing)) == pytest.approx(expected, rel=1e-5)


def test_binary_cross_entropy_on_a_softmax_is_kerass_and_not_the_loss_of_the_classes() -> None:
    import keras

    draw = np.random.default_rng(1)
    logits = draw.normal(size=(7, 4)).astype(np.float32)
    targets = np.eye(4, dtype=np.float32)[draw.integers(4, size=7)]
    theirs = keras.losses.BinaryCrossentropy(reduction=None)
    shares = np.asarray(keras.ops.softmax(logits))
    assert np.asarray(binary_on_softmax(logits, targets, 0.0)) == pytest.approx(np.asarray(theirs(targets, shares)), rel=1e-5)
    two = np.asarray(binary_on_softmax(logits[:, :2], targets[:, :2] * 0 + [0.0, 1.0], 0.0))
    assert two == pytest.approx(np.asarray(loss_per_image(logits[:, :2], targets[:, :2] * 0 + [0.0, 1.0], 0.0)), rel=1e-5)
    wrong, right = run(1, loss="binary_crossentropy"), run(1)
    assert wrong.curves["loss"][0] < 0.7 * right.curves["loss"][0], "an average over outputs, most of them easy"


def test_label_smoothing_enters_the_training_loss_of_the_first_epoch() -> None:
    assert run(1, label_smoothing=0.3).curves["loss"] != run(1).curves["loss"]


def test_averaged_weights_validate_better_than_a_jumpy_run_and_training_goes_on_from_the_raw_ones() -> None:
    raw, averaged = run(4, learning_rate=0.03), run(4, learning_rate=0.03, ema=0.9)
    assert averaged.curves["loss"] == raw.curves["loss"], "averaging does not touch the training"
    assert averaged.curves["val_loss"] != raw.curves["val_loss"]


def test_steps_per_execution_does_not_change_the_result() -> None:
    one, three = run(2), run(2, steps_per_execution=3)
    assert three.curves["loss"] == pytest.approx(one.curves["loss"], rel=1e-6)
    assert three.curves["val_accuracy"] == one.curves["val_accuracy"]


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_learns_with_float32_weights(monkeypatch: pytest.MonkeyPatch, policy: str) -> None:
    monkeypatch.setattr("trainer.network.build.compute_dtype_policy", lambda: policy)
    from trainer.fit.kept import forget_compiled

    forget_compiled()
    config = settings(3, model=DENSE, training={"mixed_precision": True})
    result = train(config)
    assert result.curves["loss"][-1] < result.curves["loss"][0]
    engine, _ = engine_for(config, load_data(config.data), keep=True)
    assert {str(variable.dtype) for variable in engine.network.variables} == {"float32"}
    assert engine.network.built.backbone.layers[1].compute_dtype == policy.removeprefix("mixed_")
    forget_compiled()


def test_xla_gives_the_same_losses() -> None:
    assert run(2, jit_compile=True).curves["loss"] == pytest.approx(run(2).curves["loss"], rel=1e-3)


def test_a_sigmoid_unit_learns_two_classes() -> None:
    config = settings(6, model={**DENSE, "output": "sigmoid"}, data={"classes": ["0", "1"]})
    result = train(config)
    assert result.curves["val_accuracy"][-1] > 0.9
