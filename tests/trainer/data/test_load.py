"""Loading: fingerprints, damaged files, caching in memory and on disk."""

from __future__ import annotations

import multiprocessing
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainer.config import DataConfig
from trainer.data import forget_data, load_data
from trainer.data.images import digest_array
from trainer.errors import DataError


@pytest.fixture(autouse=True)
def _fresh() -> None:
    forget_data()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "images"
    for number, name in enumerate(("cat", "dog")):
        (root / name).mkdir(parents=True)
        for index in range(20):
            pixels = np.random.default_rng([number, index]).integers(0, 256, (9, 9, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{index}.png")
    return root


def contents(config: DataConfig) -> dict[str, set[str]]:
    return {part: set(digest_array(images.images)) for part, images in load_data(config).parts()}


def test_fingerprint_and_split_are_those_of_the_contents(folder: Path, tmp_path: Path) -> None:
    config = DataConfig(source=str(folder))
    renamed = tmp_path / "elsewhere"
    shutil.copytree(folder, renamed)
    for index, path in enumerate(sorted(renamed.rglob("*.png"))):
        path.rename(path.with_name(f"{97 * index % 101:03}-{path.name}"))
    other = DataConfig(source=str(renamed))
    assert load_data(other).fingerprint == load_data(config).fingerprint
    assert contents(other) == contents(config)


@pytest.mark.parametrize("change", ["pixel", "label", "seed", "size", "color"])
def test_whatever_changes_the_data_changes_the_fingerprint(folder: Path, change: str) -> None:
    before = load_data(DataConfig(source=str(folder))).fingerprint
    forget_data()
    settings: dict[str, object] = {}
    if change == "pixel":
        Image.new("RGB", (9, 9), "red").save(folder / "cat" / "3.png")
    elif change == "label":
        (folder / "cat" / "3.png").rename(folder / "dog" / "99.png")
    else:
        settings = {"seed": {"split": {"seed": 1}}, "size": {"image_size": 8}, "color": {"color": "grey"}}[change]
    assert load_data(DataConfig(source=str(folder), **settings)).fingerprint != before  # type: ignore[arg-type]


def test_trials_share_the_images_and_a_search_setting_does_not_load_them_again(folder: Path) -> None:
    first = load_data(DataConfig(source=str(folder)))
    assert load_data(DataConfig(source=str(folder), augmentation="flip", preprocessing="none")) is first
    assert load_data(DataConfig(source=str(folder), image_size=8)) is not first


def test_damaged_files_are_all_named(folder: Path) -> None:
    (folder / "cat" / "0.png").write_bytes(b"not an image")
    (folder / "dog" / "1.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"2 of 40 images cannot be read:\n.*cat/0\.png.*\n.*dog/1\.png.*\n.*on_unreadable: skip"):
        load_data(DataConfig(source=str(folder)))


@pytest.mark.parametrize("memory", [2.0, 0.0])
def test_damaged_files_are_skipped_and_counted(folder: Path, tmp_path: Path, memory: float) -> None:
    truncated = folder / "cat" / "0.png"
    truncated.write_bytes(truncated.read_bytes()[:150])
    (folder / "dog" / "1.png").write_bytes(b"not an image")
    config = DataConfig(source=str(folder), on_unreadable="skip", cache_memory_gb=memory, cache_path=str(tmp_path / "cache"))
    data = load_data(config)
    assert len(data.skipped) == 2
    assert {"0.png", "1.png"} == {Path(line.split(": ")[0]).name for line in data.skipped}
    assert sum(len(images) for _, images in data.parts()) == 38


def test_nothing_readable_is_an_error_even_when_skipping(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").write_bytes(b"no")
    with pytest.raises(DataError, match="none of the 1 images can be read"):
        load_data(DataConfig(source=str(tmp_path), on_unreadable="skip"))


def test_sizes_that_differ_need_image_size(folder: Path) -> None:
    Image.new("RGB", (5, 4)).save(folder / "dog" / "5.png")
    with pytest.raises(DataError, match=r"image_size is not set and the images differ in size: .* 9x9 pixels, .*5\.png 4x5"):
        load_data(DataConfig(source=str(folder)))
    assert load_data(DataConfig(source=str(folder), image_size=(7, 6))).image_shape == (7, 6, 3)


def test_grey_files_stay_grey_unless_asked(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        Image.open(path).convert("L").save(path)
    assert load_data(DataConfig(source=str(folder))).image_shape == (9, 9, 1)
    assert load_data(DataConfig(source=str(folder), color="rgb")).image_shape == (9, 9, 3)


def test_images_beyond_the_budget_are_mapped_from_disk_and_equal(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    in_memory = load_data(DataConfig(source=str(folder)))
    mapped = load_data(DataConfig(source=str(folder), cache_memory_gb=0, cache_path=str(cache)))
    assert isinstance(mapped.train.images, np.memmap)
    assert mapped.fingerprint == in_memory.fingerprint
    for (_, mine), (_, other) in zip(mapped.parts(), in_memory.parts(), strict=True):
        assert np.array_equal(mine.images, other.images)
        assert mine.names == other.names
    assert [path.suffix for path in cache.iterdir() if path.suffix != ".lock"] == [".npy"]


def _load(source: str, cache: str, results: multiprocessing.Queue[str]) -> None:
    data = load_data(DataConfig(source=source, cache_memory_gb=0, cache_path=cache))
    results.put(f"{data.fingerprint} {int(data.train.images.astype(np.int64).sum())}")


def test_processes_share_one_cache_file(folder: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[str] = context.Queue()
    processes = [context.Process(target=_load, args=(str(folder), str(tmp_path / "cache"), results)) for _ in range(3)]
    for process in processes:
        process.start()
    told = {results.get(timeout=60) for _ in processes}
    for process in processes:
        process.join()
    assert len(told) == 1
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 1


def test_the_disk_cache_keeps_to_its_size(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for side in (16, 24, 32):
        load_data(DataConfig(source=str(folder), image_size=side, cache_memory_gb=0, cache_path=str(cache), cache_disk_gb=0.00018))
    kept = list(cache.glob("*.npy"))
    assert sum(path.stat().st_size for path in kept) <= 0.00018e9
    assert len(kept) == 1


def test_an_unwritable_cache_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in the way")
    with pytest.raises(DataError, match=r"cannot be cached here .* set data\.cache_path"):
        load_data(DataConfig(source=str(folder), cache_memory_gb=0, cache_path=str(tmp_path / "cache")))
