"""The look at a study's images when it is over: what it leaves in storage_path, and what the report makes of it."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from reports.page import render_report
from reports.page.thumbnails import MOST_PREVIEW_BYTES, Thumbnails, preview_uri
from reports.verdict import build_report_data
from sweeps.executor.inline import InlineExecutor
from sweeps.image_look import NAME, ImageLook, from_text, stored_look, to_text
from sweeps.launch import closer_look
from sweeps.launch.augmentation_preview import SIDE, policy_in_words, preview, spread_over_classes
from sweeps.launch.closer_look import LookOrder, look_at, with_neighbours
from sweeps.launch.whole_models import complete_leaders
from sweeps.record import read_study
from sweeps.study.running import run_study
from sweeps.sweep_file import sweep_from_text
from sweeps.thumbnails import hint_of, report_pictures
from sweeps.trust import note_known
from trainer.config import TrainConfig
from trainer.data import ImageData, ImageSet
from trainer.data.batches import seen_in_epoch, training_epoch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SWEEP = """
study: digits
storage: sqlite:///{folder}/digits.db
storage_path: {folder}/runs
data: {{source: digits, augmentation: {{name: rotate, degrees: 30}}, split: {{train: 300, validation: 100, test: 100}}}}
model: {{backbone: plain_cnn, options: {{filters: [8], kernel: 3, dropout: 0.0}}}}
training: {{epochs: 3, batch_size: 50, learning_rate: 0.01}}
space: {{dropout: {{ordinal: [0.0, 0.2, 0.4]}}}}
search: {{trials: 3, sampler: random, pruner: none}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A finished study whose end was tidied as `launch` does it, of a sweep file that was run here."""
    path = tmp_path_factory.mktemp("look")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("XDG_STATE_HOME", str(path / "state"))
        sweep = sweep_from_text(SWEEP.format(folder=path))
        assert run_study(sweep, InlineExecutor()).reason == "done"
        said: list[str] = []
        data = build_report_data(read_study(f"sqlite:///{path}/digits.db", "digits"))
        complete_leaders(data, sweep, said.append)
        note_known("digits", data.study.sweep_file)
        assert len(said) == 1, said
        yield path


def test_the_report_shows_what_the_recommended_policy_does(folder: Path) -> None:
    data = build_report_data(read_study(f"sqlite:///{folder}/digits.db", "digits"))
    pictures = report_pictures(data)
    assert pictures.policy == "rotate (degrees 30)"
    page = render_report(data, thumbnails=pictures)
    assert "Policy rotate (degrees 30). Eight training images" in page
    uri = preview_uri(pictures)
    assert uri in page
    assert len(uri) <= MOST_PREVIEW_BYTES
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as sheet:
        assert sheet.format == "JPEG"
        assert sheet.width >= 8 * SIDE


def test_of_another_configuration_other_data_or_a_stranger_nothing_is_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = build_report_data(read_study(f"sqlite:///{folder}/digits.db", "digits"))
    place = folder / "runs" / NAME
    text = place.read_text()
    look = from_text(text)
    try:
        place.write_text(to_text(replace(look, configuration="another")))
        assert report_pictures(data).policy == ""
    finally:
        place.write_text(text)
    changed = replace(data.study, facts={**data.study.facts, "data_fingerprint": "other"})
    assert stored_look(changed) is None
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "another"))
    assert report_pictures(data).policy == "", "a stranger's storage may name any folder"
    monkeypatch.chdir(folder)
    assert report_pictures(data).policy
    off = replace(data.study, sweep_file=data.study.sweep_file.replace("images: true", "images: false"))
    assert off.sweep_file != data.study.sweep_file
    assert report_pictures(replace(data, study=off)) == Thumbnails()


def test_images_off_looks_at_nothing(folder: Path) -> None:
    (folder / "runs" / NAME).rename(folder / "kept")
    try:
        sweep = sweep_from_text(SWEEP.format(folder=folder) + "report: {images: false}\n")
        complete_leaders(build_report_data(read_study(f"sqlite:///{folder}/digits.db", "digits")), sweep, print)
        assert not (folder / "runs" / NAME).exists()
    finally:
        (folder / "kept").rename(folder / "runs" / NAME)


def small_data(count: int = 20) -> ImageData:
    """Training images of noise, two classes."""
    pixels = np.random.default_rng(0).integers(0, 256, (count, 6, 6, 1), dtype=np.uint8)
    images = ImageSet(pixels, (np.arange(count) % 2).astype(np.int32), None, 2)
    return ImageData(images, images, None, ("a", "b"), "f")


@pytest.mark.parametrize("policy", ["rotate", "mixup", "cutmix", [{"RandomZoom": {"height_factor": 0.4}}]])
def test_the_preview_is_what_the_training_sees(policy: object) -> None:
    data = small_data()
    config = TrainConfig(data={"source": "digits", "augmentation": policy}, model={"backbone": "plain_cnn"}, training={"batch_size": 20})
    rows = np.asarray([3, 0, 7])
    seen = seen_in_epoch(data, config, rows, 2)
    [(trained, _, _)] = list(training_epoch(data, config, 2))
    for image in seen:
        assert np.abs(trained.numpy() - image).max(axis=(1, 2, 3)).min() < 1e-3
    assert np.abs(seen - data.train.images[rows]).max() > 1
    assert preview(data, config)[:3] == b"\xff\xd8\xff"


def test_policies_are_named_as_they_are_written() -> None:
    assert policy_in_words("none") == ""
    assert policy_in_words("light") == "light"
    assert policy_in_words({"name": "rotate", "degrees": 15}) == "rotate (degrees 15)"
    assert policy_in_words([{"RandomZoom": {"height_factor": 0.2}}, {"name": "RandomFlip"}]) == "RandomZoom, RandomFlip"


def test_images_of_all_classes_are_shown() -> None:
    labels = np.repeat(np.arange(3, dtype=np.int32), 50)
    assert sorted(labels[spread_over_classes(labels, 8)].tolist()) == [0, 0, 0, 1, 1, 1, 2, 2]
    assert len(spread_over_classes(labels[:4], 8)) == 4


def test_data_that_is_gone_is_said(tmp_path: Path) -> None:
    config = TrainConfig(data={"source": str(tmp_path / "gone"), "augmentation": "flip"}, model={"backbone": "plain_cnn"})
    look_at(LookOrder("s", "f", "c", 0, config.model_dump(mode="json")), str(tmp_path))
    look = from_text((tmp_path / NAME).read_text())
    assert look.policy == "flip"
    assert "gone" in look.preview_note
    assert look.preview == b""


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", json.dumps({"study": 3}), to_text(ImageLook("s", "f", "c")).replace('"preview": ""', '"preview": "?"')]
)
def test_somebody_elses_file_is_left_alone(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_text(text)


def test_a_hostile_look_is_inert(folder: Path) -> None:
    data = build_report_data(read_study(f"sqlite:///{folder}/digits.db", "digits"))
    page = render_report(
        data, thumbnails=Thumbnails(policy="<script>alert(1)</script>", preview=b"<svg onload=alert(1)>", preview_note="<b>x")
    )
    assert "<script>alert(1)" not in page
    assert "<svg onload" not in page
    assert "&lt;b&gt;x" in page


def with_features(features: tuple[np.ndarray, np.ndarray], missed: list[int]) -> ImageLook:
    """A look at 200 training and 100 validation images of two classes with these features."""
    pixels = np.random.default_rng(1).integers(0, 200, (300, 20, 20, 1)).astype(np.uint8)
    pixels[221] = pixels[40] + 30  # brighter
    labels, places = (np.arange(300) % 2).astype(np.int32), np.arange(300)
    train = ImageSet(pixels[:200], labels[:200], tuple(f"/data/t{row}.png" for row in range(200)), 2, places[:200], places[:200])
    validation = ImageSet(pixels[200:], labels[200:], None, 2, places[200:], places[:100])
    config = TrainConfig(data={"source": "/data/list.csv"}, model={"backbone": "plain_cnn"})
    data = ImageData(train, validation, None, ("even", "odd"), "f")
    return with_neighbours(ImageLook("s", "f", "c", trial=7), missed, data, features, config)


def test_neighbours_of_another_class_and_near_duplicates_are_told() -> None:
    rng = np.random.default_rng(0)
    train = rng.normal(size=(200, 8)).astype(np.float32)
    train[np.arange(200) % 2 == 1] += 4
    validation = rng.normal(size=(100, 8)).astype(np.float32)
    validation[np.arange(100) % 2 == 1] += 4
    validation[10] += 4  # labelled even, lies among the odd
    validation[21] -= 4  # labelled odd, lies among the even
    look = with_features((train, validation), [210, 221, 230])
    assert look.compared == 100
    assert {each.name: (each.label, each.other) for each in look.neighbours if each.other} == {
        "row 10": ("even", "odd"),
        "row 21": ("odd", "even"),
    }
    assert [(each.name, each.label, each.twin, each.twin_label) for each in look.pairs] == [("row 21", "odd", "t40.png", "even")]
    assert (look.twins, look.num_pairs) == (1, 1)
    assert from_text(to_text(look)) == look
    hint = hint_of(next(each for each in look.neighbours if each.name == "row 21"))
    assert hint.endswith("are all even: look at its label. Almost the same as the training image t40.png (class even).")
    assert "wrong" not in hint
    assert with_features((train, validation), []).neighbours == ()


def test_the_report_says_what_the_comparison_found(folder: Path) -> None:
    look = stored_look(read_study(f"sqlite:///{folder}/digits.db", "digits"))
    assert look is not None
    assert look.compared_note == ""
    assert look.compared == 100
    assert (
        "share one other class: look at their labels"
        in report_pictures(build_report_data(read_study(f"sqlite:///{folder}/digits.db", "digits"))).compared
    )


def test_more_images_than_are_compared_and_a_missing_model_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainConfig(data={"source": "digits"}, model={"backbone": "plain_cnn"})
    order = LookOrder("s", "f", "c", 0, config.model_dump(mode="json"))
    look_at(order, str(tmp_path))
    assert "model.keras" in from_text((tmp_path / NAME).read_text()).compared_note
    monkeypatch.setattr(closer_look, "MOST_COMPARED", 100)
    look_at(order, str(tmp_path))
    assert "at most 100 are compared" in from_text((tmp_path / NAME).read_text()).compared_note
