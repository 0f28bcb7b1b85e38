"""Activations that trainings share: the results are those of training alone, whatever is there, damaged, gone or full."""

from __future__ import annotations

import errno
import json
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tiny_trainings import pretrained, settings

from trainer import TrainConfig, TrainResult, train
from trainer.data import load_data
from trainer.data.batches import training_epoch
from trainer.data.order import epoch_rows
from trainer.fit.kept import engine_for
from trainer.network import activations, frozen_plan
from trainer.network.activations import CacheWarning, Key, stored
from trainer.network.features import forget_networks

if TYPE_CHECKING:
    from pathlib import Path

FROZEN: dict[str, Any] = {"frozen_layers": "all", "dense": [8], "dropout": [0.1, 0.2]}


@pytest.fixture(autouse=True)
def _it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny network's activations are as quick to compute as to read."""
    monkeypatch.setattr(frozen_plan, "PAYS_FROM", 0.0)
    forget_networks()


@pytest.fixture(scope="module", autouse=True)
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Random weights in a file: those of a training's seed would be frozen weights of its own."""
    FROZEN["weights"] = pretrained(tmp_path_factory.mktemp("weights") / "tiny.weights.h5")
    return str(FROZEN["weights"])


def shared(cache: Path, epochs: int = 2, seed: int = 0, **changes: Any) -> TrainConfig:  # noqa: ANN401 - settings
    """A training of a search under augmentation."""
    data = {"cache_path": str(cache), "augmentation": "light", **changes.pop("data", {})}
    model = {**FROZEN, **changes.pop("model", {})}
    return settings(epochs, model, changes.pop("training", {}), data=data, seed=seed, data_seed=7, **changes)


def alone(config: TrainConfig) -> TrainResult:
    return train(config, trainings=0)


def same(one: TrainResult, other: TrainResult) -> bool:
    return all(one.curves[name] == other.curves[name] for name in ("loss", "accuracy", "val_loss", "val_accuracy"))


def files(cache: Path) -> list[Path]:
    return sorted(cache.glob("features-*/values.npy"))


@pytest.mark.parametrize(
    ("changes", "exact"),
    [
        ({}, True),
        ({"data": {"augmentation": "none"}}, True),
        ({"data": {"augmentation": "strong", "preprocessing": "per_image_max"}, "training": {"ema": 0.9}}, True),
        ({"model": {"frozen_layers": "stage2_block1_1_relu"}}, False),  # inside a block: cut before it
        ({"model": {"frozen_layers": "stage1_block1", "frozen_bn": "reestimate"}, "training": {"precise_bn": "epoch"}}, False),
    ],
)
def test_a_training_that_shares_is_the_training_alone(tmp_path: Path, changes: dict[str, Any], *, exact: bool) -> None:
    config = shared(tmp_path, **changes)
    without, first, second = alone(config), train(config, trainings=9), train(config, trainings=9)
    assert without.frozen_features == "each step: sharing is off"
    assert first.frozen_features.startswith("kept: activations")
    assert (first.figures["features_computed"] > 0, second.figures["features_computed"]) == (True, 0)
    assert second.figures["features_read"] > 0
    assert same(first, second), "whether it was computed or read"
    if exact:
        assert same(without, first)
    else:  # another graph rounds in another way
        assert first.curves["loss"][0] == pytest.approx(without.curves["loss"][0], rel=1e-6)
        assert first.curves["val_loss"] == pytest.approx(without.curves["val_loss"], rel=1e-4)


@pytest.mark.parametrize(("boundary", "exact"), [("all", True), ("scaled", False), ("norm", False)])
def test_a_persons_own_network_that_shares_is_trained_as_alone(tmp_path: Path, boundary: str, *, exact: bool) -> None:
    model = {"backbone": "tiny_trainings:own_backbone", "weights": "own", "options": {}, "frozen_layers": boundary}
    config = shared(tmp_path, model=model)
    without, first, second = alone(config), train(config, trainings=9), train(config, trainings=9)
    assert first.frozen_features.startswith("kept: activations")
    assert (second.figures["features_computed"], second.figures["features_read"]) == (0, 3)
    assert same(first, second)
    if exact:
        assert same(without, first)
    else:  # another graph rounds in another way
        assert first.curves["loss"][0] == pytest.approx(without.curves["loss"][0], rel=1e-6)
        assert first.curves["val_loss"] == pytest.approx(without.curves["val_loss"], rel=1e-4)


def test_trainings_of_other_seeds_rates_and_batch_sizes_read_what_the_first_computed(tmp_path: Path) -> None:
    train(shared(tmp_path), trainings=9)
    there = files(tmp_path)
    assert len(there) == 3  # two epochs, and the validation images
    other = shared(tmp_path, seed=5, training={"learning_rate": 0.003, "batch_size": 20, "optimizer": "sgd"})
    assert same(train(other, trainings=9), alone(other))
    assert files(tmp_path) == there
    train(other.model_copy(update={"data_seed": 8}), trainings=9)
    assert len(files(tmp_path)) == 5, "another stream has its own epochs and the same validation images"


def test_a_confirmation_reads_what_the_search_computed_where_it_sees_the_same_images(tmp_path: Path) -> None:
    plain = shared(tmp_path, data={"augmentation": "none"})
    train(plain, trainings=9)
    there = files(tmp_path)
    fresh = plain.model_copy(update={"seed": 99, "data_seed": None})  # a stream of its own: another order of the same images
    confirmation = train(fresh, trainings=1)
    assert (confirmation.figures["features_computed"], confirmation.figures["features_read"]) == (0, 2)
    assert files(tmp_path) == there
    assert same(confirmation, alone(fresh))
    augmented = shared(tmp_path).model_copy(update={"seed": 99, "data_seed": None})
    assert train(augmented, trainings=1).frozen_features.startswith("each step: its augmentation is its own")


def test_an_epochs_activations_are_bitwise_those_of_its_augmented_images(tmp_path: Path) -> None:
    config = shared(tmp_path)
    data = load_data(config.data)
    engine, _ = engine_for(config, data, keep=True, trainings=9)
    engine.start(config)
    features = engine.features(data, config)
    for epoch in (1, 2):
        fed = features.of_epoch(epoch).train.images
        rows = epoch_rows(data.train.labels, config.data, config.training.batch_size, config.stream, epoch)
        images = np.concatenate([batch.numpy() for batch, *_ in training_epoch(data, config, epoch)])
        expected = np.concatenate([engine._prefix(images[start : start + 16]) for start in range(0, len(images), 16)])
        assert np.array_equal(fed[rows], expected.reshape(fed.shape))
    assert not np.array_equal(features.of_epoch(1).train.images, features.of_epoch(2).train.images)


def test_deeper_activations_are_computed_from_shallower_ones_and_equal_those_of_the_images(tmp_path: Path) -> None:
    deep = {"model": {"frozen_layers": "all"}}
    from_images = train(shared(tmp_path / "alone", **deep), trainings=9)
    train(shared(tmp_path / "both", model={"frozen_layers": "stage1_block1"}), trainings=9)
    config = shared(tmp_path / "both", **deep)
    from_shallower = train(config, trainings=9)
    data = load_data(config.data)
    assert engine_for(config, data, keep=True, trainings=9)[0]._between, "the shallower ones were used"
    assert same(from_images, from_shallower)
    deepest = {path.parent.name: np.load(path) for path in files(tmp_path / "alone")}
    assert all(np.array_equal(np.load(tmp_path / "both" / name / "values.npy"), values) for name, values in deepest.items())


def test_a_damaged_file_and_a_missing_one_are_computed_again(tmp_path: Path) -> None:
    config = shared(tmp_path)
    first = train(config, trainings=9)
    damaged, missing, *_ = files(tmp_path)
    content = bytearray(damaged.read_bytes())
    content[-5] ^= 255
    damaged.write_bytes(content)
    for path in missing.parent.iterdir():
        path.unlink()
    missing.parent.rmdir()
    forget_networks()  # as in a new process
    again = train(config, trainings=9)
    assert same(first, again)
    assert (again.figures["features_computed"], again.figures["features_read"]) == (2, 1)
    assert damaged.read_bytes() != content


def test_an_interruption_while_activations_are_written_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = shared(tmp_path)
    first = alone(config)
    with monkeypatch.context() as patch:
        patch.setattr(activations, "_checksum", lambda _array: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            train(config, trainings=9)
    assert files(tmp_path) == []
    assert same(train(config, trainings=9), first)


def test_a_full_disk_means_no_cache_and_one_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = shared(tmp_path)
    expected = alone(config)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(activations, "_allocated", full)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert same(train(config, trainings=9), expected)
        assert same(train(config, trainings=9), expected)
    words = [str(each.message) for each in caught if issubclass(each.category, CacheWarning)]
    assert len(words) == 1
    assert "No space left on device" in words[0]
    assert files(tmp_path) == []


def test_one_computes_while_others_wait(tmp_path: Path) -> None:
    for again in range(30):  # who comes second, and when, is chance
        calls, found = wanted_together(tmp_path / str(again), 4)
        assert calls == 1
        assert sorted(each.computed for each in found) == [False, False, False, True]
        assert all((each.values == 3.0).all() for each in found)


def wanted_together(folder: Path, times: int) -> tuple[int, list[Any]]:
    """How often activations were computed, and what each of several threads got, all of which hold it from then on."""
    calls: list[int] = []
    found: list[Any] = []
    started = threading.Barrier(times)

    def write(array: np.ndarray) -> None:
        calls.append(1)
        array[:] = 3.0

    def want() -> None:
        started.wait()
        found.append(stored(folder, Key("f", 2, "w"), (5, 1, 1, 3), np.dtype(np.float32), 1e9, write))

    threads = [threading.Thread(target=want, daemon=True) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return len(calls), found


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    def want(family: str) -> None:
        stored(tmp_path, Key(family, 1, "w"), (10, 1, 1, 100), np.dtype(np.float32), 9000.0, lambda array: array.fill(1))

    for family in ("a", "b", "a", "c"):  # 4,128 bytes each
        want(family)
        time.sleep(0.02)  # file times are no finer than the kernel's tick
    assert {path.parent.name.split("-")[1] for path in files(tmp_path)} == {"a", "c"}


def test_half_precision_takes_half_the_room_and_is_told(tmp_path: Path) -> None:
    exact = train(shared(tmp_path / "32"), trainings=9)
    half = train(shared(tmp_path / "16", training={"cache_dtype": "float16"}), trainings=9)
    assert half.figures["features_float16"] == 1
    assert half.curves["loss"] != exact.curves["loss"]
    assert half.curves["loss"] == pytest.approx(exact.curves["loss"], rel=1e-2)
    assert [np.load(path).dtype for path in files(tmp_path / "16")] == [np.float16] * 3


def test_a_training_goes_on_as_it_began(tmp_path: Path) -> None:
    config = shared(tmp_path / "cache", epochs=3, model={"frozen_layers": "stage1_block1"})
    whole = train(config, checkpoint_dir=tmp_path / "whole", trainings=9)
    train(config, lambda record: record.epoch == 1, checkpoint_dir=tmp_path / "cut", trainings=9)
    resumed = train(config, checkpoint_dir=tmp_path / "cut", trainings=1)
    assert resumed.frozen_features == "kept: as it began"
    assert same(resumed, whole)


def test_a_checkpoint_from_before_auto_goes_on_in_its_own_way(tmp_path: Path) -> None:
    from trainer.checkpoints.layout import checksum

    old = shared(tmp_path / "cache", epochs=3, training={"frozen_features": "each_step"}, data={"augmentation": "none"})
    whole = train(old)
    train(old, lambda record: record.epoch == 1, checkpoint_dir=tmp_path / "cut")
    folder = tmp_path / "cut" / "epoch-00001"
    run = json.loads((folder / "run.json").read_text())
    del run["frozen"], run["identity"]["training.cache_dtype"]
    run["identity"]["training.frozen_features"] = "each_step"
    (folder / "run.json").write_text(json.dumps(run))
    sums = json.loads((folder / "checksums.json").read_text())
    (folder / "checksums.json").write_text(json.dumps({**sums, "run.json": checksum(folder / "run.json")}))
    now = old.model_copy(update={"training": old.training.model_copy(update={"frozen_features": "auto"})})
    resumed = train(now, checkpoint_dir=tmp_path / "cut")
    assert resumed.frozen_features == "each step: as it began"
    assert same(resumed, whole)


@pytest.mark.parametrize(
    ("changes", "trainings", "words"),
    [
        ({"model": {"frozen_layers": "none"}}, 9, "nothing is frozen"),
        ({"model": {"frozen_bn": "batch"}}, 9, "frozen BatchNorm layers normalise by the batch"),
        ({"training": {"unfreeze_every": 1}}, 9, "gradual unfreezing"),
        ({}, 1, "no other training is expected to see the same augmented images"),
        ({}, 0, "sharing is off"),
        ({"training": {"frozen_features": "each_step"}}, 9, "frozen_features: each_step"),
        ({"data": {"augmentation": "mixup"}}, 9, "mixes images"),
        ({"data": {"imbalance": "resample"}}, 9, "several times in an epoch"),
        ({"data": {"cache_disk_gb": 1e-6}}, 9, "more than half of data.cache_disk_gb"),
    ],
)
def test_why_the_frozen_part_runs_in_each_step(tmp_path: Path, changes: dict[str, Any], trainings: int, words: str) -> None:
    config = shared(tmp_path, **changes)
    _, plan = engine_for(config, load_data(config.data), keep=True, trainings=trainings)
    assert not plan.fed
    assert words in plan.reason


def test_a_stream_of_ones_own_is_not_kept_and_reading_must_be_quicker_than_computing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = shared(tmp_path).model_copy(update={"data_seed": None})
    data = load_data(own.data)
    assert "its augmentation is its own" in engine_for(own, data, keep=True, trainings=9)[1].reason
    monkeypatch.setattr(frozen_plan, "PAYS_FROM", 1e9)
    assert "gains too little; computing them takes less than" in engine_for(shared(tmp_path), data, keep=True, trainings=9)[1].reason


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backbone", "boundary"),
    [
        ("resnet50", "conv5_block2_out"),
        ("resnet50", "conv5_block2_1_relu"),
        ("resnet50v2", "all"),
        ("vgg19", "block4_pool"),
        ("efficientnetb0", "block6d_project_bn"),
        ("mobilenetv2", "all"),
    ],
)
def test_shipped_backbones_train_on_the_activations_of_their_images(tmp_path: Path, backbone: str, boundary: str) -> None:
    data = {"image_size": 32, "color": "rgb", "split": {"train": 32, "validation": 16, "test": 0}}
    model = {"backbone": backbone, "weights": None, "options": {}, "frozen_layers": boundary, "dense": [], "dropout": 0.2}
    config = shared(tmp_path, epochs=1, model=model, data=data)
    without, first, second = alone(config), train(config, trainings=9), train(config, trainings=9)
    assert first.frozen_features.startswith("kept")
    assert same(first, second)
    assert first.curves["loss"][0] == pytest.approx(without.curves["loss"][0], rel=1e-4)
