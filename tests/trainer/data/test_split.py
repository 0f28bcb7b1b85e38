"""Splits: seeded, stratified, by content, groups whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.config import SplitConfig
from trainer.data.sources.collected import Collected
from trainer.data.split import split
from trainer.errors import DataError


def collected(labels: np.ndarray, groups: list[str] | None = None) -> tuple[Collected, list[str]]:
    names = tuple(str(label) for label in range(int(labels.max()) + 1))
    content = np.zeros((len(labels), 1, 1, 1), np.uint8)
    digests = [f"{(index * 7919) % 100003:06}" for index in range(len(labels))]
    return Collected(content, labels.astype(np.int32), names, None, None if groups is None else tuple(groups)), digests


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(8, 60), min_size=1, max_size=5),
    validation=st.sampled_from([0.1, 0.15, 0.3, 7]),
    test=st.sampled_from([0, 0.15, 0.25, 5]),
    seed=st.integers(0, 5),
)
def test_every_image_once_and_classes_in_proportion(counts: list[int], validation: float, test: float, seed: int) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    config = SplitConfig(train=0.99 if test == 0 else 0.7, validation=validation, test=test, seed=seed)
    config = config.model_copy(update={"train": 1 - sum(share if share < 1 else share / len(labels) for share in (validation, test))})
    if config.train <= 0.05:
        return
    rows = split(*collected(labels), config)
    joined = np.concatenate(list(rows.values()))
    assert sorted(joined) == list(range(len(labels)))
    for share, part in ((validation, "validation"), (test, "test")):
        if not share:
            assert part not in rows
            continue
        size = share if share >= 1 else max(1, round(share * len(labels)))
        assert len(rows[part]) == size
        expected = np.asarray(counts) * size / len(labels)
        assert np.abs(np.bincount(labels[rows[part]], minlength=len(counts)) - expected).max() <= 1


def test_the_same_seed_gives_the_same_split_and_another_another() -> None:
    labels = np.arange(100) % 2
    first, again, other = (split(*collected(labels), SplitConfig(seed=seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(first[part], again[part]) for part in first)
    assert not np.array_equal(first["validation"], other["validation"])


def test_listing_order_changes_nothing() -> None:
    labels = np.arange(60) % 3
    images, digests = collected(labels)
    order = np.random.default_rng(0).permutation(60)
    plain = split(images, digests, SplitConfig())
    shuffled = split(images.take(order), [digests[row] for row in order], SplitConfig())
    for part, rows in plain.items():
        assert sorted(order[shuffled[part]]) == sorted(rows)


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(1, 6), min_size=12, max_size=40), seed=st.integers(0, 3))
def test_groups_are_never_divided(sizes: list[int], seed: int) -> None:
    groups = [f"g{number}" for number, size in enumerate(sizes) for _ in range(size)]
    labels = np.asarray([int(group[1:]) % 2 for group in groups])
    rows = split(*collected(labels, groups), SplitConfig(seed=seed))
    owners = [{groups[row] for row in chosen} for chosen in rows.values()]
    assert sum(len(owner) for owner in owners) == len(sizes)
    for part in ("validation", "test"):
        assert abs(len(rows[part]) - 0.15 * len(groups)) <= max(sizes) + 1


def test_fractions_that_leave_images_out_are_obeyed() -> None:
    rows = split(*collected(np.arange(200) % 2), SplitConfig(train=0.3, validation=0.2, test=0))
    assert (len(rows["train"]), len(rows["validation"])) == (60, 40)


def test_train_as_validation() -> None:
    rows = split(*collected(np.arange(3)), SplitConfig(validation="train"))
    assert list(rows["train"]) == list(rows["validation"]) == [0, 1, 2]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"train": 5, "validation": 50, "test": 0}, "data.split.validation: 50 images asked for, but there are 20"),
        ({"train": 18, "validation": 5, "test": 0}, "data.split.train: 18 images asked for, but 15 are left"),
        ({"train": 0.2, "validation": 0.5, "test": 0.5}, "is more than there are; set data.split.test: 0"),
    ],
)
def test_impossible_splits_say_why(config: dict[str, float], words: str) -> None:
    with pytest.raises(DataError, match=words):
        split(*collected(np.arange(20) % 2), SplitConfig(**config))
