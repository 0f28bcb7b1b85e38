"""Data on an object store is brought to the node once, whole, and identified by what it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from sklearn.datasets import load_digits

from trainer.config import DataConfig
from trainer.data import forget_data, load_data
from trainer.data.cache import make_room
from trainer.data.staging import local_source
from trainer.errors import DataError
from trainer.places import open_folder

if TYPE_CHECKING:
    from conftest import S3

PROGRAM = Path(__file__).with_name("staging_process.py")
ROOT = Path(__file__).parents[2]
IMAGES = 45


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """Digits as class folders, a table and arrays."""
    digits = load_digits()
    root = tmp_path / "local"
    rows = ["path,label"]
    for index in range(IMAGES):
        label = str(digits.target[index] % 3)
        path = root / label / f"{index:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((digits.images[index] * 15).astype(np.uint8)).save(path)
        rows.append(f"{label}/{index:03d}.png,{label}")
    (root / "manifest.csv").write_text("\n".join(rows))
    np.savez(root / "arrays.npz", x=digits.images[:IMAGES] * 15, y=digits.target[:IMAGES] % 3)
    return root


@pytest.fixture
def remote(local: Path, s3: S3) -> str:
    folder = open_folder(s3.url, "test")
    for path in local.rglob("*.*"):
        folder.upload(path, path.relative_to(local).as_posix())
    folder.write("notes.txt", b"no image")
    return s3.url


def start(*words: str, s3: S3) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), **s3.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[str, int]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    fingerprint, fetched = out.split()
    return fingerprint, int(fetched)


@pytest.mark.parametrize("name", ["", "manifest.csv", "arrays.npz"], ids=["folders", "table", "arrays"])
def test_data_on_a_store_is_the_same_data_as_a_local_copy(name: str, local: Path, remote: str, tmp_path: Path) -> None:
    there = load_data(DataConfig(source=f"{remote}/{name}".rstrip("/"), cache_path=str(tmp_path / "cache")))
    here = load_data(DataConfig(source=str(local / name)))
    assert there.fingerprint == here.fingerprint
    assert np.array_equal(there.train.images, here.train.images)
    staged = {path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    assert "notes.txt" not in staged


def test_processes_that_need_the_same_data_bring_it_once(remote: str, s3: S3, tmp_path: Path) -> None:
    results = [finish(process) for process in [start(remote, str(tmp_path / "cache"), s3=s3) for _ in range(3)]]
    assert len({fingerprint for fingerprint, _ in results}) == 1
    assert sorted(fetched for _, fetched in results) == [0, 0, IMAGES]
    assert finish(start(remote, str(tmp_path / "cache"), s3=s3))[1] == 0


def test_an_interrupted_staging_is_never_taken_for_a_whole_one(local: Path, remote: str, s3: S3, tmp_path: Path) -> None:
    killed = start(remote, str(tmp_path / "cache"), "die", s3=s3)
    killed.wait(timeout=300)
    assert killed.returncode == -9
    assert list((tmp_path / "cache").glob("*.part"))
    fingerprint, fetched = finish(start(remote, str(tmp_path / "cache"), s3=s3))
    assert fingerprint == load_data(DataConfig(source=str(local))).fingerprint
    assert fetched == IMAGES
    assert not list((tmp_path / "cache").glob("*.part"))


def test_what_changed_on_the_store_is_brought_anew(local: Path, remote: str, tmp_path: Path) -> None:
    config = DataConfig(source=remote, cache_path=str(tmp_path / "cache"))
    before = load_data(config).fingerprint
    Image.fromarray(np.full((8, 8), 77, np.uint8)).save(local / "0" / "000.png")
    open_folder(remote, "test").upload(local / "0" / "000.png", "0/000.png")
    forget_data()
    after = load_data(config).fingerprint
    assert before != after == load_data(DataConfig(source=str(local))).fingerprint


def test_least_recently_used_data_goes_and_data_in_use_stays(local: Path, remote: str, tmp_path: Path) -> None:
    def config(name: str, **more: Any) -> DataConfig:  # noqa: ANN401
        return DataConfig(source=f"{remote}{name}", cache_path=str(tmp_path / "cache"), **more)

    with local_source(config("")) as folders, local_source(config("/0")) as one_class:
        pass
    os.utime(Path(one_class).parent, (1, 1))
    taken = sum(path.stat().st_size for path in [*Path(folders).rglob("*.png"), local / "arrays.npz"])
    with local_source(config("/arrays.npz", cache_disk_gb=taken / 1e9)):
        assert Path(folders).is_dir()
        assert not Path(one_class).exists()
    with local_source(config("")) as folders:
        make_room(tmp_path / "cache", 0)
        assert Path(folders).is_dir()
        assert [path.name for path in (tmp_path / "cache").glob("*.staged")] == [Path(folders).parent.name]
    make_room(tmp_path / "cache", 0)
    assert not list((tmp_path / "cache").glob("*.staged"))


def test_what_cannot_be_brought_says_why(remote: str, s3: S3, tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    with pytest.raises(DataError, match=r"there are no images at s3://.*/nothing"):
        load_data(DataConfig(source=f"{remote}/nothing", cache_path=cache))
    with pytest.raises(DataError, match=r"missing\.npz does not exist"):
        load_data(DataConfig(source=f"{remote}/missing.npz", cache_path=cache))
    with pytest.raises(DataError, match=r"holds .* GB, the cache on this node may take 1e-06; raise data\.cache_disk_gb"):
        load_data(DataConfig(source=remote, cache_path=cache, cache_disk_gb=1e-6))
    with pytest.raises(ValidationError, match="credentials stand in the address"):
        DataConfig(source="s3://key:secret@bucket/images")
    with pytest.raises(ValidationError, match="a folder on a local disk of each machine"):
        DataConfig(source=remote, cache_path="s3://bucket/cache")
    s3.gate.shut()
    with pytest.raises(DataError, match=r"cannot be brought to .*AWS_ENDPOINT_URL"):
        load_data(DataConfig(source=remote, cache_path=cache))
