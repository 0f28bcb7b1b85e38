"""A batch computed in parts is the step of the whole batch, and is refused where it would not be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from tiny_trainings import settings

from trainer import TrainConfig, TrainResult, train
from trainer.data import load_data
from trainer.errors import ConfigError
from trainer.fit.accumulation import next_accumulate, out_of_memory
from trainer.fit.kept import engine_for
from trainer.network.inspect import model_facts

PLAIN = {"backbone": "simple_cnn", "options": {"filters": [2, 4]}, "pooling": "flatten"}
"""No BatchNorm."""
EVERYTHING = {
    "optimizer": "sgd",
    "weight_decay": 0.1,
    "gradient_clip": 0.3,
    "ema": 0.9,
    "label_smoothing": 0.1,
    "schedule": "cosine",
    "warmup_epochs": 0.5,
    "steps_per_execution": 2,
}
COMPARED = ("loss", "accuracy", "gradient_norm", "learning_rate", "val_loss", "val_accuracy")


def trained(accumulate: int, changes: dict[str, Any]) -> tuple[TrainResult, list[np.ndarray]]:
    """A training of 64 images in batches of 24, so that the last one of an epoch is short, and its weights."""
    model = {**PLAIN, **changes.get("model", {})}
    training = {"batch_size": 24, "accumulate": accumulate, **changes.get("training", {})}
    config = settings(3, model=model, training=training, data=changes.get("data", {}))
    result = train(config)
    engine, _ = engine_for(config, load_data(config.data), keep=True)
    return result, [variable.numpy() for variable in engine.network.variables]


@pytest.mark.parametrize(
    ("accumulate", "changes"),
    [
        pytest.param(
            24,
            {"training": EVERYTHING, "data": {"imbalance": "class_weight", "augmentation": "mixup"}},
            id="one-image-a-part-with-everything",
        ),
        pytest.param(
            4,
            {"model": {"frozen_layers": "1 blocks", "pooling": "avg", "dense": [4]}, "training": {"frozen_features": "precomputed"}},
            id="adam-fed-with-activations",
        ),
    ],
)
def test_parts_of_a_batch_make_the_step_of_the_whole_batch(accumulate: int, changes: dict[str, Any]) -> None:
    whole, weights = trained(1, changes)
    parts, others = trained(accumulate, changes)
    for name in COMPARED:
        np.testing.assert_allclose(parts.curves[name], whole.curves[name], rtol=1e-5, atol=1e-6, err_msg=name)
    for one, other in zip(weights, others, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=2e-6)


def test_parts_are_compiled_by_xla() -> None:
    tiny = {"backbone": "simple_cnn", "options": {"filters": [2]}, "pooling": "avg"}
    whole, parts = (
        train(settings(1, model=tiny, training={"batch_size": 64, "optimizer": "sgd", **changes}))
        for changes in ({}, {"jit_compile": True, "accumulate": 4})
    )
    np.testing.assert_allclose(parts.curves["val_loss"], whole.curves["val_loss"], rtol=1e-5)


def test_in_half_precision_parts_differ_by_its_rounding() -> None:
    changes = {"training": {"mixed_precision": True, "optimizer": "sgd"}}
    whole, _ = trained(1, changes)
    parts, _ = trained(4, changes)
    np.testing.assert_allclose(parts.curves["loss"], whole.curves["loss"], rtol=1e-3)


def test_dropout_masks_alone_differ_with_dropout() -> None:
    """Each part draws its own: another training of the same configuration, which repeats itself."""
    changes = {"model": {"dropout": 0.5}, "training": {"optimizer": "sgd"}}
    whole, _ = trained(1, changes)
    parts, _ = trained(4, changes)
    assert parts.curves["loss"] != whole.curves["loss"]
    assert trained(4, changes)[0].curves["loss"] == parts.curves["loss"]


def test_a_training_goes_on_in_parts_from_its_checkpoint(tmp_path: Any) -> None:  # noqa: ANN401 - a Path
    whole = train(settings(2, model=PLAIN, training={"batch_size": 24}))
    train(settings(2, model=PLAIN, training={"batch_size": 24}), lambda record: record.epoch == 1, checkpoint_dir=tmp_path)
    parts = train(settings(2, model=PLAIN, training={"batch_size": 24, "accumulate": 4}), checkpoint_dir=tmp_path)
    np.testing.assert_allclose(parts.curves["val_loss"], whole.curves["val_loss"], rtol=1e-5)


def test_layers_that_look_at_their_batch_refuse_parts() -> None:
    bn = {"batch_size": 16, "accumulate": 2}
    with pytest.raises(
        ConfigError, match=r"training\.accumulate: 2: layers stem_bn \(BatchNormalization\), .* and 3 more take statistics"
    ) as refused:
        train(settings(1, training=bn))
    assert "model.frozen_layers" in str(refused.value)
    with pytest.raises(ConfigError, match="layer features_bn"):
        train(settings(1, model={**PLAIN, "head_bn": True, "pooling": "avg"}, training=bn))
    with pytest.raises(ConfigError, match="stem_bn"):
        train(settings(1, model={"frozen_layers": "all", "frozen_bn": "batch"}, training=bn))
    with pytest.raises(ConfigError, match="stem_bn"):
        model_facts(settings(1, training=bn), (8, 8, 1), 5)
    assert train(settings(1, model={"frozen_layers": "all"}, training={**bn, "frozen_features": "each_step"})).curves["loss"]


def test_the_number_of_parts_divides_the_batch() -> None:
    with pytest.raises(
        ValidationError, match=r"5 micro-batches do not divide training\.batch_size: 24; expected one of 1, 2, 3, 4, 6, 8, 12, 24"
    ):
        settings(1, training={"batch_size": 24, "accumulate": 5})


@pytest.mark.parametrize(("batch_size", "tried"), [(32, [2, 4, 8, 16, 32]), (24, [2, 4, 8, 24]), (10, [2, 5, 10]), (7, [7]), (1, [])])
def test_ever_more_parts_until_each_holds_one_image(batch_size: int, tried: list[int]) -> None:
    found: list[int] = []
    while (parts := next_accumulate(batch_size, found[-1] if found else 1)) is not None:
        found.append(parts)
    assert found == tried


def test_what_is_said_after_running_out_of_memory() -> None:
    error = MemoryError("OOM when allocating tensor with shape[512,64] by allocator GPU_0_bfc\nHint: ...")
    again = out_of_memory(error, 32, 2, [])
    assert again.accumulate == 4
    assert str(again) == (
        "out of memory with 16 images at a time; the same training fits in less memory with training.accumulate: 4 "
        "(OOM when allocating tensor with shape[512,64] by allocator GPU_0_bfc)"
    )
    never = out_of_memory(error, 32, 1, ["bn (BatchNormalization)"])
    assert never.accumulate is None
    assert "with 32 images at a time, and micro-batches would be another training: layer bn (BatchNormalization) takes" in str(never)
    assert "a smaller training.batch_size" in str(never)
    assert "one image at a time: use a smaller backbone" in str(out_of_memory(error, 32, 32, []))


def test_a_configuration_is_the_same_in_parts() -> None:
    """It changes no result, so that a space cannot vary it, and no identity holds it."""
    from trainer.config.settings import TrainingConfig, searchable_settings
    from trainer.fit.history import identity

    assert "accumulate" not in searchable_settings(TrainingConfig)
    whole, parts = (identity(settings(1, training={"accumulate": n}), "f") for n in (1, 2))
    assert whole == parts
    assert isinstance(settings(1), TrainConfig)
