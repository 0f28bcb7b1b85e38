"""What ships, and `init` on folders as people have them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Shell


def test_catalogues_are_listed_as_text_and_json(shell: Shell) -> None:
    for command, key, expected in (
        ("spaces", "spaces", "transfer"),
        ("models", "models", "resnet50"),
        ("augmentations", "augmentations", "cutmix"),
    ):
        assert expected in shell.run(command).stdout
        document = json.loads(shell.run(command, "--format", "json").stdout)
        assert expected in {entry["name"] for entry in document[key]}


def test_layer_table_tells_what_can_be_frozen(shell: Shell) -> None:
    done = shell.run("models", "--layers", "small_resnet", "--image-size", "8", "--format", "json")
    layers = json.loads(done.stdout)["layers"]
    assert layers[-1]["share"] == 1.0
    assert any(layer["block"] for layer in layers)


def test_schema_is_json_schema(shell: Shell) -> None:
    schema = json.loads(shell.run("schema").stdout)
    assert schema["$schema"].startswith("https://json-schema.org/draft/2020-12")
    assert "study" in schema["properties"]


def test_init_fits_the_folder_and_its_file_passes_check(shell: Shell) -> None:
    _images(shell.folder / "flowers")
    (shell.folder / "flowers" / "rose" / "broken.png").write_bytes(b"no image")
    (shell.folder / "flowers" / "notes.txt").write_text("stray")
    done = shell.run("init", "flowers")
    assert done.returncode == 0, done.stderr
    assert "1 unreadable: rose/broken.png" in done.stderr
    assert "notes.txt" in done.stderr
    text = (shell.folder / "sweep.yaml").read_text()
    assert "image_size: 20" in text
    assert "on_unreadable: skip" in text
    check = shell.run("check", "sweep.yaml", "--no-batch")
    assert check.returncode == 0, check.stderr
    assert "rose, tulip" in check.stdout


def test_init_never_overwrites(shell: Shell) -> None:
    _images(shell.folder / "flowers")
    (shell.folder / "sweep.yaml").write_text("mine")
    done = shell.run("init", "flowers")
    assert done.returncode == 2
    assert (shell.folder / "sweep.yaml").read_text() == "mine"


def test_init_asks_for_the_folder_that_holds_the_classes(shell: Shell) -> None:
    _images(shell.folder / "flowers")
    done = shell.run("init", "flowers/rose")
    assert done.returncode == 2
    assert "expected one folder a class" in done.stderr


def _images(folder: Path) -> None:
    draws = np.random.default_rng(0)
    for name, grey in (("rose", 60), ("tulip", 200)):
        (folder / name).mkdir(parents=True)
        for number in range(30):
            pixels = np.clip(draws.normal(grey, 30, (20, 20)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
