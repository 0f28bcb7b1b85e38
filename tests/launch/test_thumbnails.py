"""Pictures of missed images: read from the folder, the table, or the arrays that the sweep file names; never from elsewhere, and never when they are off."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from reports.page.thumbnails import MOST, MOST_BYTES, data_uris
from reports.ranking import Ranking
from reports.records import StudyRecord
from reports.verdict.build import ReportData
from reports.verdict.mistakes import MissedImage, Mistakes
from sweeps.thumbnails import encoded, missed_thumbnails
from sweeps.trust import note_known

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of known sweep files of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def report_data(source: str, names: list[str], *, images: bool = True, labels: str = "cat", known: bool = True) -> ReportData:
    """Report data that has nothing but missed images, of a sweep file that was run here."""
    sweep_file = f"data: {{source: {source!r}}}\nreport: {{images: {str(images).lower()}}}\n"
    if known:
        note_known("s", sweep_file)
    study = StudyRecord("s", "study", "val_accuracy", maximize=True, trials=(), sweep_file=sweep_file)
    missed = tuple(MissedImage(place, name, labels, "dog", 3, 3, 3, 3) for place, name in enumerate(names))
    data = object.__new__(ReportData)
    for name, value in {
        "study": study,
        "ranking": Ranking((), "val_accuracy", maximize=True, seed_sd=None),
        "mistakes": Mistakes(missed=missed),
    }.items():
        object.__setattr__(data, name, value)
    return data


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Sixteen large photographs of noise: the hardest to make small."""
    folder = tmp_path / "photos" / "cat"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(16):
        Image.fromarray(rng.integers(0, 255, (600, 900, 3), dtype=np.uint8)).save(folder / f"{number:02d}.jpg", quality=95)
    return tmp_path / "photos"


def test_at_most_twelve_within_400_kb(photos: Path) -> None:
    thumbnails = missed_thumbnails(report_data(str(photos), [f"cat/{number:02d}.jpg" for number in range(16)]))
    assert thumbnails.note == ""
    assert len(thumbnails.pictures) == MOST
    uris = data_uris(thumbnails)
    assert len(uris) == MOST
    assert sum(map(len, uris.values())) <= MOST_BYTES
    picture = next(iter(uris.values()))
    assert picture.startswith("data:image/jpeg;base64,")
    assert base64.b64decode(picture.partition(",")[2])[:3] == b"\xff\xd8\xff"


def test_a_strangers_storage_shows_nothing_from_outside_the_current_folder(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_a_stranger = report_data(str(photos), ["cat/00.jpg"], known=False)
    refused = missed_thumbnails(of_a_stranger)
    assert refused.pictures == {}
    assert "was not run on this machine" in refused.note
    assert missed_thumbnails(report_data("${HOME}/photos", ["cat/00.jpg"], known=False)).pictures == {}
    monkeypatch.chdir(photos.parent)
    assert list(missed_thumbnails(of_a_stranger).pictures) == [0]


def test_off_reads_nothing(photos: Path) -> None:
    thumbnails = missed_thumbnails(report_data(str(photos), ["cat/00.jpg"], images=False))
    assert thumbnails.pictures == {}
    assert thumbnails.note == ""


def test_says_which_cannot_be_shown(photos: Path) -> None:
    (photos / "cat" / "broken.jpg").write_bytes(b"no picture")
    thumbnails = missed_thumbnails(report_data(str(photos), ["cat/00.jpg", "cat/gone.jpg", "cat/broken.jpg"]))
    assert len(thumbnails.pictures) == 1
    assert thumbnails.note.startswith("2 of 3 images cannot be shown (")


def test_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    note = missed_thumbnails(report_data("images/flowers", ["cat/00.jpg"])).note
    assert note == f"The images are not shown: images/flowers is not at hand (looked in {tmp_path}); write the report where the images are."


def test_a_name_never_leads_out_of_the_folder(photos: Path, tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "secret.png")
    for name in ("../secret.png", str(tmp_path / "secret.png")):
        thumbnails = missed_thumbnails(report_data(str(photos), [name]))
        assert thumbnails.pictures == {}
        assert "lies outside" in thumbnails.note


def test_a_table_may_name_files_elsewhere(photos: Path, tmp_path: Path) -> None:
    table = tmp_path / "lists" / "images.csv"
    table.parent.mkdir()
    table.write_text("path,label\n")
    thumbnails = missed_thumbnails(report_data(str(table), [str(photos / "cat" / "03.jpg")]))
    assert len(thumbnails.pictures) == 1


def test_arrays_by_row_in_the_part_of_the_validation_images(tmp_path: Path) -> None:
    x = np.zeros((6, 8, 8), np.uint8)
    x[2] = 255
    y = np.array([0, 1, 0, 1, 0, 1])
    file = tmp_path / "images.npz"
    np.savez(file, x_train=x, y_train=y, x_test=x, y_test=y, class_names=np.array(["cat", "dog"]))
    thumbnails = missed_thumbnails(report_data(str(file), ["row 2"]))
    with Image.open(io.BytesIO(thumbnails.pictures[0])) as shown:
        assert shown.size == (80, 80)
        assert np.asarray(shown).min() == 255
    changed = missed_thumbnails(report_data(str(file), ["row 3"]))
    assert "the data has changed" in changed.note


def test_sources_that_would_have_to_be_fetched_or_run_are_not() -> None:
    assert "are not fetched" in missed_thumbnails(report_data("keras:cifar10", ["row 3"])).note
    assert "are not fetched" in missed_thumbnails(report_data("package.module:function", ["row 3"])).note


def test_small_images_are_enlarged_and_large_ones_compressed() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (160, 160, 3), dtype=np.uint8))
    assert len(encoded(noise)) < 25_000
    small = encoded(noise.resize((8, 8)))
    assert small.startswith(b"\x89PNG")
    with Image.open(io.BytesIO(small)) as shown:
        assert shown.size == (80, 80)


def test_images_in_a_table_and_in_the_second_of_two_roots_are_found(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    monkeypatch.chdir(photos.parent)
    files = sorted(photos.rglob("*.jpg"))
    pq.write_table(pa.table({"image": [path.read_bytes() for path in files], "label": ["cat"] * len(files)}), "photos.parquet")
    assert list(missed_thumbnails(report_data("photos.parquet", ["photos.parquet#3"])).pictures) == [0]
    two = report_data("photos.parquet", [str(files[0]), "photos.parquet#0"])
    object.__setattr__(two.study, "sweep_file", "data: {source: [photos, photos.parquet]}\n")
    pictures = missed_thumbnails(two)
    assert (list(pictures.pictures), pictures.note) == ([0, 1], "")
