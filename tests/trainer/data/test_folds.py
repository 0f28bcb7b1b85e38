"""Folds: seeded, stratified, by content, groups whole, and what they cannot be made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError
from sklearn.model_selection import StratifiedGroupKFold

from trainer.config import DataConfig, SplitConfig, TrainConfig
from trainer.data import load_data
from trainer.data.folds import fold_numbers
from trainer.data.images import ChosenRows
from trainer.data.sources.collected import Collected
from trainer.errors import DataError
from trainer.preflight import preflight

if TYPE_CHECKING:
    from pathlib import Path


def collected(labels: np.ndarray, groups: np.ndarray | None = None) -> tuple[Collected, list[str]]:
    names = tuple(str(label) for label in range(int(labels.max()) + 1))
    digests = [f"{(index * 7919) % 100003:06}" for index in range(len(labels))]
    content = np.zeros((len(labels), 1, 1, 1), np.uint8)
    return Collected(content, labels.astype(np.int32), names, None, None if groups is None else tuple(map(str, groups))), digests


def numbers(labels: np.ndarray, groups: np.ndarray | None = None, **split: object) -> np.ndarray:
    return fold_numbers(np.arange(len(labels)), *collected(labels, groups), SplitConfig.model_validate(split))


@settings(max_examples=40, deadline=None)
@given(counts=st.lists(st.integers(7, 40), min_size=1, max_size=5), folds=st.integers(2, 7), seed=st.integers(0, 3))
def test_every_image_lies_in_one_fold_and_classes_in_proportion(counts: list[int], folds: int, seed: int) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    found = numbers(labels, folds=folds, seed=seed)
    sizes = np.bincount(found, minlength=folds + 1)[1:]
    assert sizes.sum() == len(labels)
    assert np.ptp(sizes) <= 1
    for label, count in enumerate(counts):
        of_class = np.bincount(found[labels == label], minlength=folds + 1)[1:]
        assert of_class.sum() == count
        assert np.ptp(of_class) <= 1


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_no_group_is_divided_and_folds_are_as_equal_as_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 12, 60)
    groups = np.repeat(np.arange(60), sizes)
    labels = np.repeat(rng.integers(0, 3, 60), sizes)
    labels[:3] = 0, 1, 2
    found = numbers(labels, groups, folds=5, seed=seed)
    assert all(len(np.unique(found[groups == group])) == 1 for group in range(60))

    def unevenness(of: np.ndarray) -> float:
        table = np.array([[np.sum((of == fold) & (labels == label)) for label in range(3)] for fold in np.unique(of)])
        return float(table.std(axis=0).mean())

    theirs = np.empty(len(labels), int)
    for fold, (_, rows) in enumerate(StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(labels, labels, groups)):
        theirs[rows] = fold
    assert unevenness(found) <= unevenness(theirs) + 1.5


def test_another_seed_draws_other_folds_and_leaves_the_test_images_alone() -> None:
    first, again, anew = (
        load_data(DataConfig(source="digits", split=SplitConfig(folds=3, test=100, validation_seed=seed))) for seed in (None, None, 5)
    )
    assert first is again
    assert first.test.digests == anew.test.digests
    assert sorted(first.pool.images.digests) == sorted(anew.pool.images.digests)
    assert (first.pool.fold_of != anew.pool.fold_of).any()
    assert first.fingerprint != anew.fingerprint
    assert first.pool.fingerprint == anew.pool.fingerprint, "what is computed of the images serves whatever the folds"


def test_a_training_on_all_images_of_the_folds_leaves_the_same_test_images_out() -> None:
    folds = load_data(DataConfig(source="digits", split=SplitConfig(folds=5, test=0.15)))
    everything = load_data(
        DataConfig(source="digits", split=SplitConfig.model_validate({"validation": "train", "train": 0.85, "test": 0.15}))
    )
    assert everything.test.digests == folds.test.digests
    assert sorted(everything.train.digests) == sorted(folds.pool.images.digests)


def test_one_fold_is_trained_on_the_others_and_no_pixel_is_copied() -> None:
    whole = load_data(DataConfig(source="digits", split=SplitConfig(folds=4)))
    second = load_data(DataConfig(source="digits", split=SplitConfig(folds=4, only_fold=2)))
    assert {*second.train.places, *second.validation.places} == {*whole.pool.images.places}
    assert not {*second.train.places} & {*second.validation.places}
    for fold in range(1, 5):
        one = whole.of_fold(fold)
        for part in (one.train, one.validation):
            assert isinstance(part.images, ChosenRows)
            assert part.images.base is whole.pool.images.images
    assert second.fingerprint == whole.of_fold(2).fingerprint != whole.of_fold(1).fingerprint
    assert np.array_equal(second.validation.images[3:5], whole.pool.images.images[np.flatnonzero(whole.pool.fold_of == 2)[3:5]])
    assert len(whole.validated) == len(whole.pool.images)


@pytest.mark.parametrize(
    ("labels", "groups", "split", "words"),
    [
        ([0] * 4, None, {"folds": 5}, "5 folds need at least 5 images beside the test part, got 4; ask for fewer folds"),
        ([0] * 20 + [1] * 3, None, {"folds": 5}, "class '1' has 3 images beside the test part, fewer than the 5 folds.*ask for 3 folds"),
        ([0, 1] * 20, ["a", "b", "c", "d"] * 10, {"folds": 5}, "need at least 5 groups"),
        ([0] * 30 + [1] * 10, [*"abcdefghij" * 3, *"xy" * 5], {"folds": 5}, "class '1' has 2 groups"),
        ([0] * 30 + [1], None, {"folds": 5, "stratify": False}, "all images of class '1' lie in fold"),
    ],
)
def test_too_few_images_or_groups_are_refused_with_what_to_do(
    labels: list[int], groups: list[str] | None, split: dict[str, object], words: str
) -> None:
    with pytest.raises(DataError, match=rf"data\.split\.folds: .*{words}"):
        numbers(np.asarray(labels), None if groups is None else np.asarray(groups), **split)


def test_images_that_are_all_copies_leave_folds_empty_and_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "same.npz", x=np.zeros((20, 4, 4), np.uint8), y=np.arange(20) % 2)
    with pytest.raises(DataError, match=r"so many images are copies of each other that fold 2 of 3 would be empty; ask for fewer folds"):
        load_data(DataConfig(source=str(tmp_path / "same.npz"), split=SplitConfig(folds=3, test=0)))


def test_a_source_that_says_which_images_validate_has_no_folds(tmp_path: Path) -> None:
    images, labels = np.arange(320, dtype=np.uint16).reshape(20, 4, 4), np.arange(20) % 2
    np.savez(tmp_path / "parts.npz", x_train=images, y_train=labels, x_val=images[:4], y_val=labels[:4])
    with pytest.raises(DataError, match=r"folds: the source says which images validate.*leave folds out"):
        load_data(DataConfig(source=str(tmp_path / "parts.npz"), split=SplitConfig(folds=2)))
    np.savez(tmp_path / "tested.npz", x_train=images, y_train=labels, x_test=images[:4], y_test=labels[:4])
    data = load_data(DataConfig(source=str(tmp_path / "tested.npz"), split=SplitConfig(folds=2)))
    assert (len(data.pool.images), len(data.test)) == (20, 4)


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ({"folds": 1}, "greater than or equal to 2"),
        ({"folds": 5, "only_fold": 6}, "only_fold: expected 1 to 5"),
        ({"only_fold": 2}, "only_fold: 2 needs folds"),
        ({"folds": 5, "train": 0.8}, "leave out train: 0.8, or folds"),
        ({"folds": 5, "validation": 0.2}, "leave out validation: 0.2, or folds"),
        ({"folds": 5, "validation": "train"}, "leave one out"),
    ],
)
def test_settings_that_folds_leave_without_a_meaning_are_refused(split: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SplitConfig.model_validate(split)


def photographs(folder: Path) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = []
    for number in range(24):
        Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8)).save(folder / f"{number}.png")
        rows.append({"path": f"{number}.png", "label": "ab"[number % 2], "patient": f"p{number // 4}"})
    return pd.DataFrame(rows)


def test_groups_are_named_by_the_column_that_the_split_names(tmp_path: Path) -> None:
    table = photographs(tmp_path)
    table.to_csv(tmp_path / "manifest.csv", index=False)
    encoded = [{"image": (tmp_path / name).read_bytes(), "label": label, "patient": patient} for name, label, patient in table.to_numpy()]
    pd.DataFrame(encoded).to_parquet(tmp_path / "bytes.parquet")
    np.savez(
        tmp_path / "arrays.npz", x=np.arange(24 * 16, dtype=np.uint16).reshape(24, 4, 4), y=np.arange(24) % 2, patient=np.arange(24) // 4
    )
    for name in ("manifest.csv", "bytes.parquet", "arrays.npz"):
        source = str(tmp_path / name)
        data = load_data(DataConfig(source=source, split=SplitConfig(folds=3, test=0, groups="patient")))
        patients = data.pool.images.rows // 4
        assert all(len(np.unique(data.pool.fold_of[patients == patient])) == 1 for patient in range(6)), name
        with pytest.raises(DataError, match=r"data\.split\.groups: .* 'pateint'; did you mean 'patient'"):
            load_data(DataConfig(source=source, split=SplitConfig(folds=3, test=0, groups="pateint")))
    with pytest.raises(DataError, match=r"data\.split\.groups: digits has no column 'patient'.*leave it out"):
        load_data(DataConfig(source="digits", split=SplitConfig(groups="patient")))


def test_copies_lie_in_one_fold_and_those_that_groups_part_are_found_before_anything_is_trained(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 4, 4), np.uint8)
    images[50:] = images[:10]
    for name, groups in (("copies", {}), ("apart", {"groups": np.arange(60)})):
        np.savez(tmp_path / f"{name}.npz", x=images, y=np.arange(60) % 2, **groups)
        config = TrainConfig(data=DataConfig(source=str(tmp_path / f"{name}.npz"), split=SplitConfig(folds=4, test=0)))
        data = load_data(config.data)
        together = data.pool.fold_of[:10] == data.pool.fold_of[50:]
        found = [each for each in preflight(config, data) if each.name == "shared_images"]
        assert together.all() == (name == "copies")
        assert [each.severity for each in found] == ([] if name == "copies" else ["error"])
    assert "are copies of one in another fold" in found[0].message
