"""Splits: seeded, stratified, by content, groups whole."""

from __future__ import annotations

from dataclasses import replace

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


@settings(max_examples=40, deadline=None)
@given(
    shares=st.sampled_from([(0.7, 0.15, 0.15), (0.3, 0.2, 0.2), (20, 30, 15), (0.8, 0.2, 0)]),
    seed=st.integers(0, 3),
    anew=st.integers(0, 2**31 - 1),
)
def test_validation_drawn_anew_leaves_the_test_images_and_all_sizes_as_they_are(
    shares: tuple[float, float, float], seed: int, anew: int
) -> None:
    labels = np.arange(120) % 3
    config = SplitConfig(**dict(zip(("train", "validation", "test"), shares, strict=True)), seed=seed)
    first = split(*collected(labels), config)
    other = split(*collected(labels), config.model_copy(update={"validation_seed": anew}))
    again = split(*collected(labels), config.model_copy(update={"validation_seed": anew}))
    assert {part: len(rows) for part, rows in other.items()} == {part: len(rows) for part, rows in first.items()}
    assert np.array_equal(first.get("test", ()), other.get("test", ()))
    assert len(np.unique(np.concatenate(list(other.values())))) == sum(len(rows) for rows in other.values())
    assert np.abs(np.bincount(labels[other["validation"]], minlength=3) - len(other["validation"]) / 3).max() <= 1
    assert all(np.array_equal(other[part], again[part]) for part in other)


def test_two_validation_seeds_draw_other_images_also_among_those_that_the_first_split_left_out() -> None:
    images, digests = collected(np.arange(200) % 2)
    config = SplitConfig(train=40, validation=40, test=40, seed=1)
    first = split(images, digests, config)
    one, two = (split(images, digests, config.model_copy(update={"validation_seed": seed})) for seed in (5, 6))
    used = {row for part in ("train", "validation") for row in first[part]}
    assert set(one["validation"]) != set(two["validation"]) != set(first["validation"])
    assert not set(one["validation"]) <= used


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(1, 6), min_size=12, max_size=40), seed=st.integers(0, 3))
def test_groups_stay_whole_when_validation_is_drawn_anew(sizes: list[int], seed: int) -> None:
    groups = [f"g{number}" for number, size in enumerate(sizes) for _ in range(size)]
    images, digests = collected(np.asarray([int(group[1:]) % 2 for group in groups]), groups)
    test = split(images, digests, SplitConfig(seed=seed))["test"]
    rows = split(images, digests, SplitConfig(seed=seed, validation_seed=seed + 7))
    assert np.array_equal(rows["test"], test)
    owners = [{groups[row] for row in chosen} for chosen in rows.values()]
    assert sum(len(owner) for owner in owners) == len(sizes)


def test_a_source_without_validation_part_has_it_drawn_anew_and_one_with_its_own_is_refused() -> None:
    images, digests = collected(np.arange(100) % 2)
    parts = tuple("test" if row % 5 == 0 else "train" for row in range(100))
    given_test = replace(images, parts=parts)
    first, other = (split(given_test, digests, SplitConfig(validation_seed=seed)) for seed in (None, 3))
    assert np.array_equal(first["test"], other["test"])
    assert len(first["validation"]) == len(other["validation"])
    assert not np.array_equal(first["validation"], other["validation"])
    own = replace(images, parts=tuple("validation" if row % 4 == 0 else "train" for row in range(100)))
    with pytest.raises(DataError, match=r"validation_seed: .*the source says which images validate; leave it out \(and confirm.resplit\)"):
        split(own, digests, SplitConfig(validation_seed=3))
    with pytest.raises(DataError, match=r"data\.split\.validation is train"):
        split(images, digests, SplitConfig(validation="train", validation_seed=3))


@pytest.mark.parametrize("validation_seed", [None, 3, 4])
def test_copies_lie_in_one_part_and_nothing_else_moves(validation_seed: int | None) -> None:
    images, digests = collected(np.arange(100) % 2)
    config = SplitConfig(validation_seed=validation_seed)
    plain = split(images, digests, config)
    for copy, original in ((10, 20), (11, 21), (12, 22), (13, 24), (14, 23), (15, 25), (30, 31), (33, 34), (35, 37), (38, 90)):
        digests[copy] = digests[original]
    rows = split(images, digests, config)
    contents = {part: {digests[row] for row in chosen} for part, chosen in rows.items()}
    assert not contents["train"] & contents["validation"] | contents["train"] & contents["test"] | contents["validation"] & contents["test"]
    assert sorted(np.concatenate(list(rows.values()))) == list(range(100)), "every image once"
    assert np.array_equal(rows["test"], split(images, digests, SplitConfig())["test"]), "the same test part under every validation_seed"
    assert len(rows["train"]) >= len(plain["train"]), "copies leave the held-out parts"


def test_where_no_image_has_a_copy_in_another_part_the_split_is_what_it_was_and_few_images_many_times_stay_as_they_are() -> None:
    images, digests = collected(np.arange(100) % 2)
    drawn = split(images, digests, SplitConfig())
    assert (len(drawn["train"]), len(drawn["validation"]), len(drawn["test"])) == (70, 15, 15)
    same = split(images, ["a", "b"] * 50, SplitConfig())
    assert len(same["validation"]) == 15, "no part is emptied; the pre-flight check tells"
