"""Which validation images a training got right, beside its curves, its exported file and other trainings' ledgers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
from PIL import Image
from tiny_trainings import settings

from trainer import train
from trainer.data import load_data
from trainer.fit.ledger import LATE_EPOCHS, LateEpochs, late_epochs

if TYPE_CHECKING:
    from pathlib import Path

    from trainer.records import TrainResult, ValidationLedger


def ledger_of(result: TrainResult) -> ValidationLedger:
    assert result.ledger is not None
    return result.ledger


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": {"frozen_layers": "all"}, "training": {"frozen_features": "precomputed"}},
        {"training": {"ema": 0.9, "precise_bn": "epoch"}},
        {"training": {"precise_bn": "end"}, "model": {"bn_momentum": 0.99}},
    ],
    ids=["plain", "precomputed", "averaged", "statistics-at-the-end"],
)
def test_the_ledger_is_of_the_curve_and_of_the_exported_file(tmp_path: Path, changes: dict[str, Any]) -> None:
    config = settings(4, **changes)
    result = train(config, checkpoint_dir=tmp_path)
    ledger, images = ledger_of(result), load_data(config.data).validation
    assert ledger.epochs == (1, 2, 3, 4)
    np.testing.assert_allclose(ledger.right.mean(axis=1), result.curves["val_accuracy"], atol=1e-9)
    order = np.argsort(images.places)
    assert (ledger.places == images.places[order]).all()
    assert (ledger.labels == images.labels[order]).all()
    model = keras.models.load_model(tmp_path / "model.keras")
    predicted = model(images.images[order].astype(np.float32), training=False).numpy().argmax(axis=1)
    assert (ledger.classes == predicted).all()


def test_late_epochs_alone_are_kept_and_continue_after_a_stop(tmp_path: Path) -> None:
    config = settings(15, training={"learning_rate": 0.003})
    whole = ledger_of(train(config))
    train(config, lambda record: record.epoch == 13, checkpoint_dir=tmp_path)
    continued = ledger_of(train(config, checkpoint_dir=tmp_path))
    assert whole.epochs == continued.epochs == tuple(range(4, 16))
    assert (whole.right == continued.right).all()


def test_a_stopped_training_and_one_validated_on_windows_have_none(tmp_path: Path) -> None:
    assert train(settings(3), lambda record: record.epoch == 2, checkpoint_dir=tmp_path).ledger is None
    assert train(settings(2, data={"validation_windows": "floor_batches"})).ledger is None


def test_places_outlast_new_names_another_order_and_another_split(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (30, 8, 8), np.uint8)
    for folder, name in (("first", "{:02d}"), ("second", "x{:.3f}")):
        for number, image in enumerate(pixels):
            path = tmp_path / folder / f"class{number % 3}" / f"{name.format(number if folder == 'first' else rng.random())}-{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)

    def ledger(folder: str, seed: int) -> ValidationLedger:
        split = {"train": 12, "validation": 18, "test": 0, "seed": seed}
        return ledger_of(train(settings(1, data={"source": str(tmp_path / folder), "classes": None, "split": split})))

    first, renamed, other = ledger("first", 0), ledger("second", 0), ledger("first", 1)

    def numbers(of: ValidationLedger) -> list[int]:
        return [int(name.removesuffix(".png").rpartition("-")[2]) for name in of.names or ()]

    assert (first.places == renamed.places).all()
    assert numbers(first) == numbers(renamed)
    assert (first.labels == renamed.labels).all()
    assert first.names is not None
    assert all(name.startswith("class") for name in first.names)
    shared = dict(zip(first.places.tolist(), numbers(first), strict=True))
    both = [(shared[place], number) for place, number in zip(other.places.tolist(), numbers(other), strict=True) if place in shared]
    assert 0 < len(both) < 18
    assert all(mine == theirs for mine, theirs in both)


def test_a_checkpoint_of_a_version_without_ledgers_keeps_the_epochs_after_it() -> None:
    late = LateEpochs.from_json(None)
    late.add(7, np.array([0, 299, 4]), np.array([0, 1, 4]), 300)
    again = LateEpochs.from_json(late.to_json())
    assert list(again.epochs) == [7]
    assert again.distances(7).tolist() == [0, 298, 0]


def test_large_validation_sets_keep_fewer_epochs() -> None:
    assert [late_epochs(number) for number in (1, 10_000, 33_000, 100_000, 10**6)] == [LATE_EPOCHS, 12, 12, 4, 1]


def test_images_of_arrays_are_found_in_their_source_by_row(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (60, 8, 8), np.uint8), np.arange(60) % 4
    np.savez(tmp_path / "arrays.npz", x_train=images[:40], y_train=labels[:40], x_test=images[40:], y_test=labels[40:])
    data = {"source": str(tmp_path / "arrays.npz"), "classes": ["3", "1"], "split": {"train": 8, "validation": 12, "test": 0}}
    ledger = ledger_of(train(settings(1, data=data)))
    assert ledger.rows is not None
    assert (labels[ledger.rows] == np.array([3, 1])[ledger.labels]).all()
    assert len(set(ledger.rows.tolist())) == len(ledger.rows)
    assert ledger.rows.max() < 40
