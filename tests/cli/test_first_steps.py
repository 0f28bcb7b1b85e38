"""`init` and `check` on folders as people have them, and what is said where something is wrong."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from reports.verdict.power import power_of, power_sentences
from sweeps.cli import main
from sweeps.cli.check import frozen_lines
from sweeps.sweep_file import load_sweep_file
from tests.cli.folders import digit_folders, messy_photos

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr of a command."""
    try:
        code = main(words)
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_a_healthy_folder_with_spaces_and_accents_gives_a_file_that_passes_check(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digit_folders(here / "my digits", ("zéro", "ein s", "二"))
    code, out, err = said(capsys, "init", "my digits")
    assert (code, out) == (0, "sweep.yaml\n")
    lines = err.splitlines()
    assert lines[:2] == [
        "120 images in 3 classes: ein s 40, zéro 40, 二 40",
        "the sweep trains small_resnet from scratch at 8x8 pixels: space scratch_cnn, 40 configurations of 30 epochs",
    ]
    power = power_sentences(power_of(18, 40, 6, num_train=84))
    assert power[0].startswith("18 validation images tell two configurations apart that differ by 1")
    assert tuple(lines[2:-1]) == power
    assert lines[-1] == "next: steadysweep check sweep.yaml"
    code, out, err = said(capsys, "check", "sweep.yaml", "--no-batch")
    assert code == 0
    assert "84 train, 18 validation, 18 test images of 8x8x1, 3 classes: ein s, zéro, 二" in out
    for sentence in power:
        assert f" {sentence}\n" in out, "check says of the file what init said of the folder"
    assert out.endswith("findings none\n")
    assert err == "next: steadysweep run sweep.yaml\n"


def test_check_says_what_the_validation_set_can_tell_apart_in_its_document_too(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digit_folders(here / "digits-folder", ("one", "two", "three"))
    said(capsys, "init", "digits-folder")
    power = json.loads(said(capsys, "check", "sweep.yaml", "--no-batch", "--format", "json")[1])["power"]
    assert (power["num_val"], power["configurations"]) == (18, 40)
    assert power["apart_images"] < power["apart"] < power["apart_range"][1]
    assert 1 <= power["tie_range"][0] <= power["tie"] <= power["tie_range"][1] <= 40
    without = said(capsys, "check", "sweep.yaml", "--no-batch", "--set", "confirm=off", "--set", "search.trials=1", "--format", "json")
    assert json.loads(without[1])["power"]["fresh"] == 0
    by_loss = said(capsys, "check", "sweep.yaml", "--no-batch", "--set", "search.metric=val_loss", "--format", "json")
    assert json.loads(by_loss[1])["power"] is None, "of a loss nothing is known"


def test_everything_that_is_odd_is_named_with_what_to_do(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    messy_photos(here / "photos")
    code, _, err = said(capsys, "init", "photos")
    assert code == 0
    for words in (
        "1 folder below class folders, whose images count for the class: china/more",
        "2 files ignored, outside the classes or not PNG, JPEG, BMP, GIF, WebP, TIFF, AVIF, JPEG 2000 (.csv 1, .txt 1): flower/labels.csv, notes.txt",
        "1 folder without a readable image, not a class: nothing",
        "4 images cannot be read and will be skipped: china/dangling.png (the link leads nowhere), flower/broken.jpg",
        "1 image in more than one class, e.g. china/1.png = flower/copy of china.png: one of the labels is wrong",
        "3 files with the contents of another, e.g. china/3.png = china/copy.png",
        "left out by data.classes, for too few images to be learnt well (fewer than 10): lonely 1; add images, and take that line out of the file",
        "from 1x1 (china/tiny.png) to 3000x2000 (china/huge.jpg): all become 96x96",
        "look at china/tiny.png",
        "mixed colour modes (",
    ):
        assert words in err
    assert "hidden" not in err
    assert ".cache" not in err
    text = (here / "sweep.yaml").read_text()
    assert "  classes: [china, flower]    # leaves out lonely 1: too few images to be learnt well" in text
    assert "on_unreadable: skip" in text
    sweep = load_sweep_file("sweep.yaml")
    assert (sweep.data.imbalance, sweep.search.metric) == ("none", "val_accuracy"), "of the two classes that are kept"
    (here / "sweep.yaml").write_text(text.replace("  classes: [china, flower]", "  # classes: [china, flower]"))
    code, out, err = said(capsys, "check", "sweep.yaml", "--no-batch")
    assert code == 2
    assert "images   1 folder below class folders" in out, "what init sees, check tells"
    assert "too few images for training, validation and test in lonely 1: add images, or leave the class out with data.classes" in out
    assert "from 1x1 (china/tiny.png) to 3000x2000 (china/huge.jpg): all become 96x96" in out
    assert out.count("flower/broken.jpg") <= 1, "what a finding tells is not told twice"
    assert "error: missing_class: 1 of 3 classes have no train image (lonely)" in out
    assert "lonely has 1 in all, where each part needs one" in out
    assert "not ready: mend what is marked error" in err


def test_copies_across_given_parts_are_counted_by_init_and_stop_check(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digit_folders(here / "given" / "train", ("a", "b"), 50)
    digit_folders(here / "given" / "val", ("a", "b"), 20, start=45)
    code, _, err = said(capsys, "init", "given")
    assert code == 0
    assert "140 images in 2 classes, in train, validation folders" in err
    assert "10 files with the contents of another, e.g. train/a/045.png = val/a/000.png" in err
    code, out, _ = said(capsys, "check", "sweep.yaml", "--no-batch")
    assert code == 2
    assert "error: shared_images: 10 of 40 validation images are also train images" in out
    assert "given/train/a/045.png = given/val/a/000.png" in out


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("nowhere", "there is none"),
        ("digit", "did you mean digits?"),
        ("a file.csv", "is a file; expected a folder with one folder of images a class"),
        ("", "got an empty name"),
        ("empty", "found 0 class folders with images. Without an image: a, b."),
        ("digits/1", "3 folders with images lie beside each other"),
        ("deep", "try `steadysweep init deep/data/images`"),
        ("flat", "2 images lie in flat itself, in no class (e.g. 000.png): move each into a folder named after its class"),
        (
            "scans",
            "Other files were found (2 .cr2); .png, .jpg, .jpeg, .jpe, .jfif, .mpo, .bmp, .gif, .webp, .tif, .tiff, .avif, .jp2, .j2k are read: convert them.",
        ),
        ("damaged", "Not readable: a/x.png (cannot identify image file), b/x.png (cannot identify image file)."),
    ],
)
def test_what_init_cannot_use(here: Path, capsys: pytest.CaptureFixture[str], given: str, expected: str) -> None:
    digits = digit_folders(here / "digits", each=2)
    shutil.copytree(digits, here / "deep" / "data" / "images")
    shutil.copytree(digits / "0", here / "flat")
    (here / "a file.csv").write_text("path,label")
    for name in ("a", "b"):
        for folder, file, content in (("empty", None, b""), ("scans", "x.cr2", b"II*"), ("damaged", "x.png", b"no image")):
            (here / folder / name).mkdir(parents=True)
            if file:
                (here / folder / name / file).write_bytes(content)
    code, out, err = said(capsys, "init", given)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert expected in err
    assert not (here / "sweep.yaml").exists()


def test_a_folder_called_digits_is_not_taken_for_the_digits_that_ship(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digit_folders(here / "digits", ("nought", "one"))
    assert said(capsys, "init", "digits")[0] == 0
    assert load_sweep_file("sweep.yaml").data.source == "./digits"
    code, out, _ = said(capsys, "check", "sweep.yaml", "--no-batch")
    assert code == 0
    assert "2 classes: nought, one" in out
    code, out, _ = said(capsys, "check", "sweep.yaml", "--no-batch", "--set", "data.source=digits")
    assert code == 0
    assert "10 classes" in out


def test_folders_that_look_like_parts_or_classes_one_floor_down(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("train", "test", "extra"):
        digit_folders(here / "parts" / part, ("a", "b"), 20)
    digit_folders(here / "sites" / "north", ("cat", "dog"), 20)
    digit_folders(here / "sites" / "south", ("cat", "dog"), 20)
    assert (
        "test, train beside extra: taken for classes; if they are parts of a split, move the other folders away"
        in said(capsys, "init", "parts", "-o", "p.yaml")[2]
    )
    assert (
        "folders called cat, dog lie in several class folders: if those are the classes, bring the images of each together"
        in said(capsys, "init", "sites", "-o", "s.yaml")[2]
    )


@pytest.mark.parametrize("name", ["2024", "1e5", "null", "true", "~", "a: b", "#1", "new\nline", 'quo"te', "---", "é"])
def test_any_folder_name_makes_a_file_that_reads_back(here: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    folder = here / "sets" / name
    digit_folders(folder, ("yes", name), 6)
    assert said(capsys, "init", f"sets/{name}")[0] == 0
    sweep = load_sweep_file("sweep.yaml")
    assert sweep.data.source == f"sets/{name}"
    assert said(capsys, "check", "sweep.yaml", "--no-batch")[0] == 0


@pytest.mark.parametrize(
    ("gpu", "settings"),
    [(True, (224, "resnet50", "imagenet", "transfer", 40, 30)), (False, (160, "mobilenetv2", "imagenet", "transfer", 20, 15))],
)
def test_photographs_get_a_pretrained_backbone_that_fits_the_machine(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    gpu: bool,  # noqa: FBT001 - a parameter of the test
    settings: tuple[object, ...],
) -> None:
    monkeypatch.setattr("sweeps.environment.has_gpu", lambda: gpu)
    draws = np.random.default_rng(0)
    for name in ("a", "b"):
        (here / "big" / name).mkdir(parents=True)
        for number in range(20):
            Image.fromarray(draws.integers(0, 255, (300, 400, 3), np.uint8)).save(here / "big" / name / f"{number}.png")
    code, _, err = said(capsys, "init", "big")
    assert code == 0
    sweep = load_sweep_file("sweep.yaml")
    shown = (sweep.data.image_size, sweep.model.backbone, sweep.model.weights, sweep.space.name, sweep.search.trials, sweep.training.epochs)
    assert shown == settings
    commands = [line.partition(": steadysweep ")[2].split() for line in err.splitlines() if ": steadysweep run" in line]
    assert len(commands) == 2 - gpu
    for words in commands:  # ready to be typed: the program takes them
        load_sweep_file("sweep.yaml", words[3::2])
    if not gpu:
        larger = load_sweep_file("sweep.yaml", commands[0][3::2])
        assert (larger.data.image_size, larger.model.backbone) == (224, "resnet50")


def test_nothing_is_overwritten_and_nowhere_is_no_traceback(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digit_folders(here / "images", ("a", "b"), 6)
    (here / "sweep.yaml").write_text("mine")
    code, _, err = said(capsys, "init", "images")
    assert code == 2
    assert "give another name with -o FILE" in err
    assert (here / "sweep.yaml").read_text() == "mine"
    code, _, err = said(capsys, "init", "images", "-o", "no/such/sweep.yaml")
    assert code == 2
    assert "there is no folder no/such" in err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("rnu", "sweep.yaml"), "unknown command 'rnu'; did you mean 'run'?"),
        (("check", "sweep.yaml", "--no-bach"), "unknown option '--no-bach'; did you mean --no-batch?"),
        (("run", "sweep.yaml", "--executor", "ray-tun"), "unknown value 'ray-tun'; did you mean 'ray-tune'?"),
        (("report", "flowers", "--format", "xlsx"), "expected one or several of html, json, csv, md, got 'xlsx'"),
        (("init", "a", "b"), "unknown argument 'b'"),
        ((), "first steps:"),
    ],
)
def test_a_slip_on_the_command_line_is_answered_with_what_was_meant(
    here: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], expected: str
) -> None:
    code, out, err = said(capsys, *words)
    assert (code, out) == (2, "")
    assert expected in err
    assert not list(here.iterdir())


def test_an_imbalanced_folder_is_ranked_by_its_classes_and_small_classes_are_left_out(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = digit_folders(here / "photos", ("0", "1", "2"), 60)
    for label, kept in (("1", 15), ("2", 3)):
        for path in sorted((photos / label).iterdir())[kept:]:
            path.unlink()
    code, _, err = said(capsys, "init", "photos")
    assert code == 0
    assert "left out by data.classes, for too few images to be learnt well (fewer than 10): 2 3; add images" in err
    sweep = load_sweep_file("sweep.yaml")
    assert sweep.data.classes == ("0", "1")
    assert (sweep.data.imbalance, sweep.search.metric) == ("class_weight", "val_balanced_accuracy")
    code, out, err = said(capsys, "check", "sweep.yaml", "--no-batch", "--set", "search.trials=3")
    assert code == 0
    assert "left out by data.classes, for too few images to be learnt well (fewer than 10): 2 3" in out
    assert "would weigh" not in out, "of a class that is left out there is nothing to decide"
    assert err == "next: steadysweep run sweep.yaml --set search.trials=3\n", "what was checked is what the next command runs"
    (here / "plain.yaml").write_text("study: plain\ndata: {source: photos}\nspace: {learning_rate: {float: [1.0e-4, 1.0e-2], log: true}}\n")
    out = said(capsys, "check", "plain.yaml", "--no-batch")[1]
    assert "search.metric: val_balanced_accuracy" in out


def test_weights_are_looked_for_before_anything_costs_time_and_none_is_a_word(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "study: a\ndata: {source: nowhere}\nmodel: {backbone: resnet50, weights: %s}\nspace: {learning_rate: {float: [1.0e-4, 1.0e-2], log: true}}\n"
    (here / "a.yaml").write_text(text % "gone.weights.h5")
    code, _, err = said(capsys, "check", "a.yaml", "--no-batch")
    assert code == 2
    assert "model.weights: there is no file gone.weights.h5" in err
    assert "'none' for random ones" in err
    (here / "a.yaml").write_text(text % "none")
    assert load_sweep_file("a.yaml").model.weights is None


def test_an_image_with_two_labels_is_found_by_check(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = digit_folders(here / "photos", ("0", "1"), 30)
    image = min((photos / "0").iterdir())
    with Image.open(image) as opened:
        opened.save(photos / "1" / "the same.bmp")  # other bytes, the same pixels
    said(capsys, "init", "photos")
    code, out, _ = said(capsys, "check", "sweep.yaml", "--no-batch", "--format", "json")
    (finding,) = [each for each in json.loads(out)["findings"] if each["name"] == "two_labels"]
    assert code in (0, 2)  # 2 where the two fell into two parts
    assert finding["evidence"]["images"] == 1
    assert "the same.bmp (1)" in finding["evidence"]["examples"][0]


def test_check_says_once_what_is_true_of_several_augmentations() -> None:
    def part(boundary: str, augmentation: str, reason: str, gigabytes: float = 0.0, share: float = 0.0) -> dict[str, Any]:
        return {
            "boundary": boundary,
            "augmentation": augmentation,
            "kept": share > 0,
            "reason": reason,
            "gigabytes": gigabytes,
            "share": share,
        }

    found = frozen_lines(
        [
            part("none", "none", "nothing is frozen"),
            part("none", "light", "nothing is frozen"),
            part("all", "none", "activations at last", 0.0007, 1.0),
            part("all", "light", "activations of 16 epochs at last", 2.5, 0.97),
            part("all", "rotate", "activations of 16 epochs at last", 2.5, 0.97),
            part("all", "mixup", "a policy that mixes images also mixes their targets"),
        ]
    )
    assert found == [
        "frozen_layers none: nothing is frozen",
        "frozen_layers all, augmentation none: computed once for all trials: activations at last, 0.7 MB; saves nearly all of a training's arithmetic",
        (
            "frozen_layers all, augmentation light or rotate: computed once for all trials: activations of 16 epochs at last, 2.5 GB; "
            "saves 97 % of a training's arithmetic"
        ),
        "frozen_layers all, augmentation mixup: computed in each step: a policy that mixes images also mixes their targets",
    ]


def test_a_function_beside_the_sweep_file_is_found_from_another_folder(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = here / "sweeps of mine"
    folder.mkdir()
    lines = [
        "from sklearn.datasets import load_digits",
        "def load():",
        "    digits = load_digits()",
        "    return digits.images[:200], digits.target[:200] % 2",
    ]
    (folder / "my_stuff_beside.py").write_text("\n".join([*lines, "def broken():", "    raise KeyError('pixels')", ""]))
    (folder / "sweep.yaml").write_text("study: s\ndata: {source: 'my_stuff_beside:load'}\nspace: {learning_rate: {float: [0.001, 0.01]}}\n")
    code, out, err = said(capsys, "check", str(folder / "sweep.yaml"), "--no-batch")
    assert (code, "2 classes: 0, 1" in out) == (0, True), err
    code, _, err = said(capsys, "check", str(folder / "sweep.yaml"), "--no-batch", "--set", "data.source=my_stuff_beside:broken")
    assert code == 2
    assert "'my_stuff_beside:broken' raised KeyError: 'pixels' (" in err
    assert "my_stuff_beside.py, line 6, in broken)" in err
    sys.modules.pop("my_stuff_beside")


def test_init_looks_into_a_table_of_images(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    digit_folders(here / "digits2", ("zero", "one", "two"))
    files = sorted((here / "digits2").rglob("*.png"))
    pq.write_table(
        pa.table({"image": [path.read_bytes() for path in files], "label": [path.parent.name for path in files]}), "images.parquet"
    )
    code, out, err = said(capsys, "init", "images.parquet")
    assert (code, out) == (0, "sweep.yaml\n"), err
    assert "120 images in 3 classes: one 40, two 40, zero 40" in err
    code, out, err = said(capsys, "check", "sweep.yaml", "--no-batch")
    assert code == 0, err
    assert "3 classes: one, two, zero" in out
