"""Which training images are most like an image, which are near-duplicates, and whose label their like do not share."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.data import nearest as module
from trainer.data.nearest import contrary_labels, near_duplicate_limit, nearest, small_pixels


@pytest.mark.parametrize("block_bytes", [1, 1 << 27])
def test_the_most_like_come_first_and_an_image_is_not_its_own_neighbour(block_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", block_bytes)
    features = np.random.default_rng(0).normal(size=(60, 12)).astype(np.float32)
    found = nearest(features[:20], np.arange(20), features, np.arange(60), 5)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    similarity = unit[:20] @ unit.T
    np.fill_diagonal(similarity, -np.inf)
    assert np.array_equal(found.rows, np.argsort(-similarity, axis=1)[:, :5])
    np.testing.assert_allclose(found.similarity, np.sort(similarity, axis=1)[:, :-6:-1], rtol=1e-5)


def test_near_duplicates_lie_apart_from_the_rest() -> None:
    rng = np.random.default_rng(0)
    distances = np.exp(rng.normal(-3, 0.4, 500))
    limit = near_duplicate_limit((1 - distances).astype(np.float32))
    assert limit is not None
    assert ((1 - distances) <= limit).all(), "a near-duplicate is told where there is none"
    distances[:25] *= 1e-3
    limit = near_duplicate_limit((1 - distances).astype(np.float32))
    assert limit is not None
    assert np.array_equal(np.flatnonzero(1 - distances > limit), np.arange(25))


def test_too_few_images_or_equal_distances_give_no_limit() -> None:
    assert near_duplicate_limit(np.full(20, 0.5, np.float32)) is None
    assert near_duplicate_limit(np.full(500, 0.5, np.float32)) is None
    assert near_duplicate_limit(np.full(500, -np.inf, np.float32)) is None


def test_a_label_counts_against_an_image_where_four_of_five_share_it() -> None:
    neighbours = np.asarray([[8, 8, 8, 8, 8], [8, 3, 8, 8, 8], [8, 8, 8, 3, 3], [3, 3, 3, 3, 8], [1, 2, 3, 4, 5]], np.int32)
    labels = np.full(5, 3, np.int32)
    commonest, agreeing = contrary_labels(neighbours, labels)
    assert agreeing.tolist() == [5, 4, 0, 0, 0]
    assert commonest[:2].tolist() == [8, 8]


def test_small_pixels_are_means_without_the_brightness() -> None:
    images = np.random.default_rng(0).integers(0, 200, (3, 40, 32, 3)).astype(np.uint8)
    small = small_pixels(images)
    assert small.shape == (3, 16 * 16 * 3)
    np.testing.assert_allclose(small_pixels(images + np.uint8(50)), small, atol=1e-3)
    whole = images[:, :32].reshape(3, 16, 2, 16, 2, 3).mean(axis=(2, 4)).reshape(3, -1)
    np.testing.assert_allclose(small_pixels(images[:, :32]), whole - whole.mean(axis=1, keepdims=True), atol=1e-3)
    assert small_pixels(images[:, :5, :7]).shape == (3, 5 * 7 * 3)
