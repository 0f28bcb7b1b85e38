"""Which validation images were right, as bytes and back, and compared across splits."""

from __future__ import annotations

import numpy as np
import pytest

from reports.ledger import Ledger, ValidationImages, pack, shared_images, unpack, unpack_images

NAMES = ("cat", "dog, wet", "käfer")


def images_of(places: list[int], *, names: bool = True) -> ValidationImages:
    labels = np.array([place % 3 for place in places], dtype=np.int64)
    paths = tuple(f"{NAMES[label]}/{place}.png" for place, label in zip(places, labels, strict=True)) if names else None
    return ValidationImages("fingerprint", np.array(places, dtype=np.int64), labels, NAMES, paths)


@pytest.mark.parametrize(("num_val", "num_late"), [(1, 1), (13, 12), (1000, 3)])
@pytest.mark.parametrize("num_classes", [2, 3, 300])
def test_a_ledger_comes_back_from_its_bytes(num_val: int, num_late: int, num_classes: int) -> None:
    rng = np.random.default_rng(num_val)
    places = np.sort(rng.choice(10 * num_val, num_val, replace=False))
    rows = rng.permutation(num_val)
    images = ValidationImages("x", places, rng.integers(num_classes, size=num_val), tuple(map(str, range(num_classes))), rows=rows)
    right = rng.random((num_late, num_val)) < 0.8
    classes = np.where(right[-1], images.labels, (images.labels + 1) % num_classes)
    ledger = Ledger.of(images, range(5, 5 + num_late), right, classes)
    packed = pack(ledger)
    same = unpack_images(packed.images or b"")
    back = unpack(same, packed.data)
    assert same.key == images.key == packed.key
    assert same.class_names == images.class_names
    assert (same.places == images.places).all()
    assert (same.labels == images.labels).all()
    assert same.rows is not None
    assert (same.rows == rows).all()
    assert back.epochs.tolist() == list(range(5, 5 + num_late))
    assert (back.right == right).all()
    assert back.classes is not None
    assert (back.classes == classes).all()


def test_predictions_of_a_file_unlike_every_epoch_come_back() -> None:
    """Statistics recomputed before the export make a file that predicts as no epoch did."""
    images = images_of([0, 4, 5, 9])
    ledger = Ledger.of(images, [7], np.ones((1, 4), np.bool_), np.array([2, 1, 0, 1]))
    back = unpack(images, pack(ledger).data)
    assert back.classes is not None
    assert back.classes.tolist() == [2, 1, 0, 1]
    assert back.exported_right is not None
    assert back.exported_right.tolist() == [False, True, False, False]


def test_names_and_missing_predictions_come_back() -> None:
    images = images_of([2, 3, 11])
    packed = pack(Ledger.of(images, [1, 2], np.eye(2, 3, dtype=np.bool_)))
    back = unpack(unpack_images(packed.images or b""), packed.data)
    assert back.validation.names == images.names
    assert back.validation.class_names == NAMES
    assert back.classes is None
    assert unpack_images(pack(Ledger.of(images_of([2], names=False), [1], np.ones((1, 1), np.bool_))).images).names is None


def test_splits_are_compared_on_the_images_that_both_have() -> None:
    first = Ledger.of(images_of([1, 3, 5, 8]), [1], np.array([[True, False, True, True]]))
    second = Ledger.of(images_of([0, 3, 8, 9]), [1], np.array([[True, True, False, True]]))
    places, (of_first, of_second) = shared_images([first, second])
    assert places.tolist() == [3, 8]
    assert first.right[0, of_first].tolist() == [False, True]
    assert second.right[0, of_second].tolist() == [True, False]
    assert first.validation.key != second.validation.key


def test_ten_thousand_images_take_kilobytes() -> None:
    """What docs/storage.md says of its size."""
    rng = np.random.default_rng(0)
    images = ValidationImages("x", np.arange(10_000), rng.integers(10, size=10_000), tuple("abcdefghij"))
    rows = [rng.random(10_000) < 0.9]
    for _ in range(11):
        rows.append(rows[-1] ^ (rng.random(10_000) < 0.03))
    classes = np.where(rows[-1], images.labels, (images.labels + rng.integers(1, 10, size=10_000)) % 10)
    assert len(pack(Ledger.of(images, range(12), np.array(rows), classes)).data) < 6_000
