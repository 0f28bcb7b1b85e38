"""Order of an epoch, and the orders that reproduce failures."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.config import DataConfig
from trainer.data.batches import class_weights
from trainer.data.order import appearances, epoch_rows, window_rows

LABELS = (np.arange(103) % 3).astype(np.int32)


def rows(epoch: int, seed: int = 0, **settings: object) -> np.ndarray:
    return epoch_rows(LABELS, DataConfig(source="digits", **settings), 16, seed, epoch)  # type: ignore[arg-type]


def test_every_image_once_in_an_order_of_its_own_each_epoch() -> None:
    orders = [tuple(rows(epoch)) for epoch in range(1, 6)]
    assert all(sorted(order) == list(range(103)) for order in orders)
    assert len(set(orders)) == 5
    assert tuple(rows(3)) == orders[2]
    assert tuple(rows(3, seed=1)) != orders[2]


def test_with_replacement_misses_about_a_third() -> None:
    drawn = [rows(epoch, sampling="with_replacement") for epoch in range(1, 31)]
    assert all(len(order) == 103 for order in drawn)
    assert np.mean([len(set(order)) / 103 for order in drawn]) == pytest.approx(1 - np.exp(-1), abs=0.02)


def test_alternating_halves_alternate() -> None:
    epochs = [set(rows(epoch, sampling="alternating_halves")) for epoch in range(1, 5)]
    assert epochs[0] == epochs[2]
    assert epochs[1] == epochs[3]
    assert not epochs[0] & epochs[1]


def test_leftover_batches_alternate_between_most_and_few() -> None:
    assert [len(rows(epoch, sampling="leftover_batch")) for epoch in range(1, 5)] == [96, 7, 96, 7]


def test_resampling_evens_out_the_classes() -> None:
    labels = np.repeat([0, 1, 2], [80, 15, 5]).astype(np.int32)
    order = epoch_rows(labels, DataConfig(source="digits", imbalance="resample"), 16, 0, 1)
    assert len(order) == 100
    assert np.abs(np.bincount(labels[order]) - 100 / 3).max() < 1
    assert set(np.bincount(order)[80:95]) <= {2, 3}


def test_class_weights_average_one() -> None:
    labels = np.repeat([0, 2], [90, 10]).astype(np.int32)
    weights = class_weights(labels, 3)
    assert weights[1] == 0
    assert weights[labels].mean() == pytest.approx(1)
    assert weights[2] / weights[0] == pytest.approx(9)


def test_a_class_of_three_images_does_not_outweigh_a_batch() -> None:
    labels = np.repeat([0, 1], [997, 3]).astype(np.int32)
    weights = class_weights(labels, 2)
    assert weights[1] == 10
    assert weights[0] == pytest.approx(1000 / 997 / 2)


def test_appearances_count_repeats() -> None:
    assert list(appearances(np.array([4, 2, 4, 4, 2, 9]))) == [0, 0, 1, 2, 1, 0]


def test_windows_walk_over_class_sorted_images() -> None:
    labels = np.array([1, 0] * 45, np.int32)
    first, second, third = (window_rows(labels, 50, epoch) for epoch in (1, 2, 3))
    assert (len(first), len(second)) == (50, 40)
    assert np.array_equal(first, third)
    assert labels[first].mean() < 0.2
    assert labels[second].mean() == 1
    full = [tuple(window_rows(np.zeros(90, np.int32), 30, epoch)) for epoch in (1, 2)]
    assert full[0] == full[1] == tuple(range(90))
