"""A refusal for other data says what differs: which images are missing or new, and where only labels, parts or sizes changed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sweeps.study.data_listing import difference, keep_listing, listing_of
from trainer.config import DataConfig
from trainer.data import forget_data, load_data


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study's storage_path ``run`` that was made with forty images in ``photos``."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(20):
            Image.fromarray(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(tmp_path / "photos" / label / f"{number:02}.png")
    keep_listing("run", listing())
    return tmp_path


def listing(**settings: Any) -> bytes:  # noqa: ANN401 - of DataConfig
    forget_data()
    config = DataConfig(source="photos", **settings)
    return listing_of(load_data(config), config)


def changed(**settings: Any) -> str:  # noqa: ANN401 - as above
    """What is said of the images as they are now."""
    fingerprint = json.loads(gzip.decompress(Path("run/data.json.gz").read_bytes()))["fingerprint"]
    return difference("run", fingerprint, listing(**settings))


def test_missing_and_new_images_are_named(folder: Path) -> None:
    for number in (3, 7):
        (folder / "photos" / "dog" / f"{number:02}.png").unlink()
    Image.new("RGB", (8, 8), "red").save(folder / "photos" / "cat" / "new.png")
    assert changed() == "2 images are missing: 2 of dog (dog/03.png, dog/07.png). 1 image is new: 1 of cat (cat/new.png)."


def test_a_renamed_file_is_the_same_data(folder: Path) -> None:
    (folder / "photos" / "dog" / "03.png").rename(folder / "photos" / "dog" / "renamed.png")
    assert changed() == ""


def test_another_class_is_told(folder: Path) -> None:
    (folder / "photos" / "dog" / "03.png").rename(folder / "photos" / "cat" / "moved.png")
    assert changed().startswith("1 image has another class (cat/moved.png: dog became cat).")


@pytest.mark.usefixtures("folder")
def test_another_split_and_another_size_are_told() -> None:
    assert "All images are there; " in changed(split={"seed": 1})
    assert (
        changed(image_size=4)
        == "Images are decoded to 4x4 pixels of 3 channels, and were to 8x8 pixels of 3 channels (data.image_size, data.color)."
    )


@pytest.mark.usefixtures("folder")
def test_images_that_the_split_leaves_out_are_not_missing() -> None:
    assert changed(split={"train": 0.4}).startswith("All images are there; ")


def test_without_a_record_nothing_is_said(folder: Path) -> None:
    (folder / "run" / "data.json.gz").write_bytes(b"something else")
    assert difference("run", "f", listing()) == ""
    assert difference("nowhere", "f", listing()) == ""
