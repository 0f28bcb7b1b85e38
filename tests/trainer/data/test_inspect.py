"""What a look at a folder tells."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from trainer.data.inspect import inspect_folder
from trainer.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


def paint(path: Path, color: int, mode: str = "RGB", size: tuple[int, int] = (8, 6)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, color).convert(mode).save(path)


def test_a_messy_folder(tmp_path: Path) -> None:
    for index in range(6):
        paint(tmp_path / "cat" / f"{index}.png", index)
    for index in range(3):
        paint(tmp_path / "dog" / "close-ups" / f"{index}.png", 50 + index, "L", (4, 4))
    paint(tmp_path / "dog" / "copy.png", 2)
    (tmp_path / "dog" / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (tmp_path / "dog" / "notes.txt").write_text("x")
    (tmp_path / "readme.md").write_text("x")
    (tmp_path / "horse").mkdir()
    (tmp_path / ".cache").mkdir()
    found = inspect_folder(tmp_path)
    assert found.counts == {"cat": 6, "dog": 4, "horse": 0}
    assert found.images == 10
    assert found.balance == pytest.approx(1.5)
    assert found.sizes == {(6, 8): 7, (4, 4): 3}
    assert found.modes == {"RGB": 7, "L": 3}
    assert not found.grey
    assert found.conflicting_duplicates == found.duplicates == (("cat/2.png", "dog/copy.png"),)
    assert [name for name, _ in found.unreadable] == ["dog/broken.jpg"]
    assert found.stray_files == ("dog/notes.txt", "readme.md")
    assert found.nested == ("dog/close-ups",)
    assert found.empty_classes == ("horse",)
    assert found.parts == ()


def test_part_folders_and_images_outside_classes(tmp_path: Path) -> None:
    for part, count in (("train", 4), ("val", 2)):
        for name in ("a", "b"):
            for index in range(count):
                paint(tmp_path / part / name / f"{index}.png", 10 * index + len(name + part))
    paint(tmp_path / "train" / "loose.png", 99)
    found = inspect_folder(tmp_path)
    assert found.parts == ("train", "validation")
    assert found.part_counts == {"train": {"a": 4, "b": 4}, "validation": {"a": 2, "b": 2}}
    assert found.stray_files == ("train/loose.png",)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: expected a folder of class folders, but there is none"):
        inspect_folder(tmp_path / "nowhere")


def test_no_tensorflow_for_looking_and_loading(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom trainer.config import DataConfig, TrainConfig\nfrom trainer.data import load_data\n"
        "from trainer.data.inspect import inspect_folder\nfrom trainer.preflight import preflight\nfrom trainer.augmentation import policies\n"
        "import numpy as np\npolicies()\nnp.savez(sys.argv[1], x=np.random.default_rng(0).integers(0, 255, (40, 8, 8)), y=np.arange(40) % 2)\n"
        "config = TrainConfig(data=DataConfig(source=sys.argv[1], augmentation='strong'))\npreflight(config, load_data(config.data))\n"
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    )
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path / "a.npz")], check=False).returncode == 0
