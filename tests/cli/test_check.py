"""`check` and `run` tell everything that is wrong in one go, and `check` sees of every source what `init` sees."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from sweeps.cli import main
from sweeps.sweep_file import load_sweep_file
from sweeps.sweep_file.loading import read_in_part
from tests.cli.folders import digit_folders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, empty."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("checked_stuff", None)


FIVE = """\
study: five
data: {source: no_such_folder}
model: {backbone: "checked_stuff:broken"}
training:
  learnig_rate: 0.1
  epochs: 3
  metrics: ["gone_stuff:far_off"]
allow: []
space: {dropout: {float: [0.0, 0.5]}, frozen_layers: {choice: [none, 50%]}}
"""
TOLD = (
    "five.yaml:5: training.learnig_rate: unknown key; did you mean 'learning_rate'?",
    "data.source: 'no_such_folder' does not exist",
    "cannot import 'gone_stuff' of 'gone_stuff:far_off'",
)


@pytest.fixture
def five(here: Path) -> Path:
    (here / "five.yaml").write_text(FIVE)
    (here / "checked_stuff.py").write_text("def broken(input_shape):\n    raise KeyError('units')\n")
    return here


def test_five_things_that_are_wrong_in_five_stages_are_told_in_one_run(five: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del five
    assert main(["check", "five.yaml"]) == 2
    out, err = capsys.readouterr()
    places = [err.index(f"error: {text}" if text in TOLD[:2] else text) for text in (*TOLD, "raised KeyError: 'units'")]
    assert places == sorted(places), "the cheapest first"
    assert "warning: frozen_random_weights: the space reaches this with frozen_layers: 50%" in out
    assert "the rest was looked at with training.learnig_rate read as learning_rate" in err
    assert "not looked at: the images (sizes, classes, copies), because they cannot be loaded" in err
    assert "not looked at: a real batch, time and memory, because the model cannot be built" in err
    assert err.endswith("not ready: 4 errors in five.yaml, all told above\n")


def test_run_tells_what_can_be_told_without_a_model_beside_a_typing_error(five: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "five.yaml"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: 3 errors, all told together:\n")
    assert all(text in err for text in TOLD)
    assert "not looked at: the model; `steadysweep check five.yaml` looks at it too" in err
    assert not list(five.glob("*.db")), "no study is begun"


def test_the_document_has_the_errors_and_what_was_not_looked_at(five: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (five / "five.yaml").write_text(FIVE.replace("checked_stuff:broken", "nowhere_at_all:net"))
    assert main(["check", "five.yaml", "--no-batch", "--format", "json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert len(document["errors"]) == 4
    assert "cannot import 'nowhere_at_all' of 'nowhere_at_all:net'" in document["errors"][1], "found without starting TensorFlow"
    assert document["data"] is None
    assert [finding["name"] for finding in document["findings"]] == ["frozen_random_weights"]


def test_one_error_is_told_as_before(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "a.yaml").write_text("study: a\ndata: {source: digits}\nspace: {learning_rat: {float: [0.001, 0.1]}}\n")
    assert main(["run", "a.yaml"]) == 2
    assert capsys.readouterr().err.startswith("error: a.yaml:3: space.learning_rat: ")


@pytest.mark.parametrize(
    ("text", "errors", "assumed"),
    [
        ("training: {epochs: many}", ["training.epochs"], ["training.epochs left out"]),
        ("trainin: {epochs: 3}", ["trainin"], ["trainin read as training"]),
        ("model: {backbone: resnet5}\nbudget: [1]", ["model.backbone", "budget"], ["model.backbone left out", "budget left out"]),
        # of what was read as another key, the next problem is told too
        ("training: {learnig_rate: 0.1}", ["training.learnig_rate", "training.learning_rate"], None),
        ("confirm: {tpo: 3}", ["confirm.tpo"], None),
    ],
)
def test_a_file_is_read_without_what_is_wrong_in_it(here: Path, text: str, errors: list[str], assumed: list[str] | None) -> None:
    (here / "a.yaml").write_text(f"study: a\ndata: {{source: digits}}\n{text}\nspace: {{learning_rate: {{float: [0.001, 0.1]}}}}\n")
    read = read_in_part("a.yaml")
    assert read.sweep is not None
    assert read.error is not None
    assert [".".join(map(str, problem.path)) for problem in read.error.problems] == errors
    if assumed is not None:
        assert list(read.assumed) == assumed
    assert read.sweep.data.source == "digits"


@pytest.mark.parametrize("text", ["study: a\nspace: {}\n", "- 1\n", "study: [\n"])
def test_of_a_file_without_data_nothing_is_left(here: Path, text: str) -> None:
    (here / "a.yaml").write_text(text)
    read = read_in_part("a.yaml")
    assert (read.sweep, read.error is None) == (None, False)


def test_a_right_file_is_read_as_it_is(here: Path) -> None:
    (here / "a.yaml").write_text("study: a\ndata: {source: digits}\nspace: {learning_rate: {float: [0.001, 0.1]}}\n")
    read = read_in_part("a.yaml", ["training.epochs=4"])
    assert (read.sweep, read.error, read.assumed) == (load_sweep_file("a.yaml", ["training.epochs=4"]), None, ())


def spoilt(folder: Path) -> dict[str, str]:
    """Digits of three classes, of which one has five images, one image is there twice and one with two labels: as each kind of source. Names to sources."""
    import csv

    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    digit_folders(folder / "first", ("zero", "one", "two"))
    for path in sorted((folder / "first" / "two").iterdir())[5:]:
        path.unlink()
    shutil.copy(folder / "first" / "zero" / "000.png", folder / "first" / "zero" / "again.png")
    shutil.copy(folder / "first" / "zero" / "001.png", folder / "first" / "one" / "other.png")
    digit_folders(folder / "second", ("zero", "one"), each=10, start=60)
    files = [(path, path.parent.name) for path in sorted((folder / "first").rglob("*.png"))]
    pq.write_table(
        pa.table({"image": [path.read_bytes() for path, _ in files], "label": [label for _, label in files]}), folder / "t.parquet"
    )
    with (folder / "manifest.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("path", "label"), *((str(path), label) for path, label in files)])
    arrays = [np.asarray(Image.open(path)) for path, _ in files]
    np.savez(folder / "a.npz", x=np.stack(arrays), y=np.array([label for _, label in files]))
    (folder / "checked_stuff.py").write_text(
        f"import numpy as np\ndef load():\n    with np.load({str(folder / 'a.npz')!r}) as found:\n        return found['x'], found['y']\n"
    )
    return {
        "parquet": "t.parquet",
        "manifest": "manifest.csv",
        "arrays": "a.npz",
        "function": "'checked_stuff:load'",
        "roots": "[first, second]",
    }


@pytest.mark.parametrize("kind", ["parquet", "manifest", "arrays", "function", "roots"])
def test_check_tells_of_every_source_what_init_tells_of_a_folder(here: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    source = spoilt(here)[kind]
    (here / "first" / "one" / "notes.txt").write_text("x")
    (here / "a.yaml").write_text(f"study: a\ndata: {{source: {source}}}\nspace: {{learning_rate: {{float: [0.001, 0.1]}}}}\n")
    assert main(["check", "a.yaml", "--no-batch"]) in (0, 2)  # 2 where the two copies fell into two parts
    out = capsys.readouterr().out
    assert "too few images to be learnt well in two 5: " in out
    assert "two_labels: 1 image has the pixels of another with another label" in out
    assert "in more than one class" not in out, "what a finding tells is not told twice"
    assert "1 file with the contents of another, e.g. " in out
    assert ("first: 1 file ignored" in out) == (kind == "roots"), "folders tell what lies in them beside images"
    if kind == "parquet":
        assert "t.parquet#" in out


def test_sizes_and_damaged_images_of_a_table_are_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    def png(width: int, height: int, shade: int) -> bytes:
        stream = io.BytesIO()
        Image.new("RGB" if shade % 2 else "L", (width, height), shade if shade % 2 == 0 else (shade, 9, 9)).save(stream, "PNG")
        return stream.getvalue()

    images = [png(8 + shade, 40, shade) for shade in range(60)]
    images[7] = b"no image"
    pq.write_table(pa.table({"image": images, "label": ["a", "b"] * 30}), "t.parquet")
    text = "study: a\ndata: {source: t.parquet, image_size: 48, on_unreadable: skip}\nspace: {learning_rate: {float: [0.001, 0.1]}}\n"
    (here / "a.yaml").write_text(text)
    main(["check", "a.yaml", "--no-batch"])
    out = capsys.readouterr().out
    assert "59 image sizes, from 8x40 (" in out
    assert "enlarged more than 4 times: look at " in out
    assert "skipped_files: 1 file" in out
    assert "mixed colour modes (" in out


def test_a_class_that_the_file_leaves_out_is_told_of_once(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoilt(here)
    (here / "a.yaml").write_text("study: a\ndata: {source: first, classes: [zero, one]}\nspace: {learning_rate: {float: [0.001, 0.1]}}\n")
    main(["check", "a.yaml", "--no-batch"])
    out = capsys.readouterr().out
    assert "too few images to be learnt well in" not in out
    assert out.count("two 5") == 1, "only as left out"


def test_weights_that_would_be_downloaded_are_named_before_a_run(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(here / "keras"))
    text = "study: a\ndata: {source: digits, image_size: 96}\nmodel: {weights: imagenet}\nspace: {backbone: {choice: [resnet50, mobilenetv2]}}\n"
    (here / "a.yaml").write_text(text)
    assert main(["check", "a.yaml", "--no-batch"]) == 0
    out = capsys.readouterr().out
    files = {
        "resnet50": "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "mobilenetv2": "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_96_no_top.h5",
    }
    for backbone, file in files.items():
        assert f"the ImageNet weights of {backbone} are not in {here}/keras/models and will be downloaded" in out
        assert f"put {file} there" in out
    (here / "keras" / "models").mkdir(parents=True)
    for file in files.values():
        (here / "keras" / "models" / file).touch()
    assert main(["check", "a.yaml", "--no-batch"]) == 0
    assert "downloaded" not in capsys.readouterr().out
