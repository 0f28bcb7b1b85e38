"""Every kind of source gives the same images, and a wrong one says what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from trainer.config import DataConfig
from trainer.data import ImageData, forget_data, load_data
from trainer.errors import DataError


@pytest.fixture(autouse=True)
def _fresh() -> None:
    forget_data()


def paint(path: Path, seed: int, size: tuple[int, int] = (12, 10)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def class_folders(root: Path, counts: dict[str, int]) -> Path:
    for number, (name, count) in enumerate(counts.items()):
        for index in range(count):
            paint(root / name / f"{index:03}.png", 1000 * number + index)
    return root


def total(data: ImageData) -> int:
    return sum(len(images) for _, images in data.parts())


def test_class_folders(tmp_path: Path) -> None:
    data = load_data(DataConfig(source=str(class_folders(tmp_path, {"dog": 20, "cat": 20}))))
    assert data.class_names == ("cat", "dog")
    assert data.image_shape == (12, 10, 3)
    assert [len(images) for _, images in data.parts()] == [28, 6, 6]
    assert data.train.names is not None
    assert all(Path(name).parent.name == data.class_names[label] for name, label in zip(data.train.names, data.train.labels, strict=True))


def test_class_folders_with_parts(tmp_path: Path) -> None:
    for part, count in (("train", 10), ("val", 4), ("test", 2)):
        class_folders(tmp_path / part, {f"{name}": count for name in ("a", "b")})
    data = load_data(DataConfig(source=str(tmp_path)))
    assert [(name, len(images)) for name, images in data.parts()] == [("train", 20), ("validation", 8), ("test", 4)]


def test_missing_validation_is_taken_from_training(tmp_path: Path) -> None:
    for part, count in (("train", 20), ("test", 2)):
        class_folders(tmp_path / part, {"a": count, "b": count})
    data = load_data(DataConfig(source=str(tmp_path), split={"train": 0.75, "validation": 0.25, "test": 0}))
    assert [(name, len(images)) for name, images in data.parts()] == [("train", 30), ("validation", 10), ("test", 4)]


def test_a_class_unknown_to_training_is_named(tmp_path: Path) -> None:
    class_folders(tmp_path / "train", {"a": 2, "b": 2})
    class_folders(tmp_path / "validation", {"a": 2, "bb": 2})
    with pytest.raises(DataError, match="class 'bb' is not among the training classes a, b"):
        load_data(DataConfig(source=str(tmp_path)))


def test_a_class_may_be_called_test(tmp_path: Path) -> None:
    data = load_data(DataConfig(source=str(class_folders(tmp_path, {"control": 10, "test": 10, "train": 10}))))
    assert data.class_names == ("control", "test", "train")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_manifest_with_split_and_relative_paths(tmp_path: Path, suffix: str) -> None:
    class_folders(tmp_path / "pictures", {"a": 6, "b": 6})
    rows = [
        {"path": f"pictures/{name}/{index:03}.png", "label": name.upper(), "split": part}
        for name in ("a", "b")
        for index, part in enumerate(["train", "train", "train", "valid", "valid", "test"])
    ]
    table = tmp_path / f"manifest{suffix}"
    frame = pd.DataFrame(rows)
    frame.to_csv(table, index=False) if suffix == ".csv" else frame.to_parquet(table)
    data = load_data(DataConfig(source=str(table)))
    assert data.class_names == ("A", "B")
    assert [len(images) for _, images in data.parts()] == [6, 4, 2]


def test_manifest_groups_stay_together(tmp_path: Path) -> None:
    class_folders(tmp_path, {"a": 40, "b": 40})
    rows = [
        {"path": f"{name}/{index:03}.png", "label": name, "group": f"patient {name}{index // 4}"}
        for name in ("a", "b")
        for index in range(40)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "m.csv", index=False)
    data = load_data(DataConfig(source=str(tmp_path / "m.csv")))
    groups = {row["path"]: row["group"] for row in rows}
    owners = [{groups[str(Path(name).relative_to(tmp_path))] for name in images.names or ()} for _, images in data.parts()]
    assert not owners[0] & owners[1]
    assert not owners[0] & owners[2]
    assert not owners[1] & owners[2]
    assert all(8 <= len(images) <= 16 for name, images in data.parts() if name != "train")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,label\nx.png,a\n", "column 'path' is missing"),
        ("path,label\nx.png,\n", "row 1 has no label"),
        ("path,label,split\nx.png,a,holdout\n", "row 1: split 'holdout' is unknown"),
        ("path,label\n", "no rows"),
        ("path,label\nx.png,a\ny.png,b\n", "no such file"),
    ],
)
def test_a_wrong_manifest_says_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        load_data(DataConfig(source=str(tmp_path / "m.csv")))


def arrays(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (count, 6, 5, 3), dtype=np.uint8), np.arange(count) % 4 + 3


def test_npz_whole_and_in_parts(tmp_path: Path) -> None:
    images, labels = arrays(40)
    np.savez(tmp_path / "whole.npz", images=images, labels=labels)
    whole = load_data(DataConfig(source=str(tmp_path / "whole.npz")))
    assert whole.class_names == ("3", "4", "5", "6")
    assert total(whole) == 40
    np.savez(tmp_path / "parts.npz", x_train=images[:30], y_train=labels[:30, None], x_val=images[30:], y_val=labels[30:, None])
    parts = load_data(DataConfig(source=str(tmp_path / "parts.npz")))
    assert (len(parts.train), len(parts.validation), parts.test) == (30, 10, None)
    assert np.array_equal(parts.train.images, images[:30])


def test_npz_class_names(tmp_path: Path) -> None:
    images, labels = arrays(40)
    np.savez(tmp_path / "a.npz", x=images, y=labels - 3, class_names=["n", "e", "s", "w", "up"])
    data = load_data(DataConfig(source=str(tmp_path / "a.npz")))
    assert data.class_names == ("n", "e", "s", "w", "up")
    assert data.train.width_of_targets == 5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"x": np.zeros((4, 5, 5, 3), np.uint8), "y": np.arange(3)}, "4 images but 3 labels"),
        ({"x": np.zeros((4, 5, 5, 3), np.uint8)}, "expected arrays x and y"),
        ({"x": np.zeros((4, 50), np.uint8), "y": np.arange(4)}, "expected shape"),
        ({"x": np.full((4, 5, 5, 3), -1.0), "y": np.arange(4)}, "values run from -1"),
        ({"x": np.zeros((4, 5, 5, 3), np.uint8), "y": np.array([0.5, 1, 2, 3])}, "it does not regress"),
    ],
)
def test_a_wrong_npz_says_what_is_wrong(tmp_path: Path, content: dict[str, np.ndarray], words: str) -> None:
    np.savez(tmp_path / "a.npz", **content)
    with pytest.raises(DataError, match=words):
        load_data(DataConfig(source=str(tmp_path / "a.npz")))


@pytest.mark.parametrize("kind", ["unit", "wide", "sixteen bit", "flat"])
def test_arrays_of_any_range_become_raw_pixels(tmp_path: Path, kind: str) -> None:
    images, labels = arrays(40)
    images[0, 0, 0, 0], images[0, 0, 0, 1] = 0, 255
    stored = {
        "unit": images / 255,
        "wide": images.astype(np.float64),
        "sixteen bit": images.astype(np.uint16) * 257,
        "flat": images[..., 0],
    }[kind]
    np.savez(tmp_path / "a.npz", x=stored, y=labels)
    data = load_data(DataConfig(source=str(tmp_path / "a.npz"), color="rgb"))
    expected = np.repeat(images[..., :1], 3, axis=3) if kind == "flat" else images
    everything = np.concatenate([part.images for _, part in data.parts()]).astype(float)
    assert np.allclose(np.sort(everything.ravel()), np.sort(expected.ravel().astype(float)), atol=1e-4)


def test_digits_and_a_subset_of_their_classes() -> None:
    data = load_data(DataConfig(source="digits"))
    assert data.image_shape == (8, 8, 1)
    assert total(data) == 1797
    assert data.train.images.dtype == np.uint8
    assert data.train.images.max() == 255
    late = load_data(DataConfig(source="digits", classes=("9", "5")))
    assert late.class_names == ("9", "5")
    assert total(late) == 362
    with pytest.raises(DataError, match="'10' is not a class of digits"):
        load_data(DataConfig(source="digits", classes=("10",)))


def test_a_users_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_images_for_test.py").write_text(
        "import numpy as np\nfrom trainer.data import ImageData, ImageSet\n"
        "def pair():\n    return np.zeros((20, 4, 4), np.uint8), ['x', 'y'] * 10\n"
        "def whole():\n"
        "    def part(n):\n        return ImageSet(np.zeros((n, 4, 4, 1), np.uint8), np.arange(n, dtype=np.int32) % 2)\n"
        "    return ImageData(part(6), part(4), None, ('no', 'yes'), '')\n"
        "def wrong():\n    return 3\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert load_data(DataConfig(source="my_images_for_test:pair")).class_names == ("x", "y")
    whole = load_data(DataConfig(source="my_images_for_test:whole"))
    assert (len(whole.train), len(whole.validation), whole.class_names) == (6, 4, ("no", "yes"))
    with pytest.raises(DataError, match=r"returned int; expected \(images, labels\)"):
        load_data(DataConfig(source="my_images_for_test:wrong"))
    with pytest.raises(DataError, match="cannot be imported"):
        load_data(DataConfig(source="my_images_for_test:nothing"))
    sys.modules.pop("my_images_for_test")


def test_keras_dataset_from_its_cache_and_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    images, labels = arrays(50)

    def cached() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        return (images[:40], labels[:40, None] - 3), (images[40:], labels[40:, None] - 3)

    monkeypatch.setattr(keras.datasets.cifar10, "load_data", cached)
    data = load_data(DataConfig(source="keras:cifar10"))
    assert data.class_names[:2] == ("airplane", "automobile")
    assert data.test is not None
    assert len(data.test) == 10

    def offline() -> None:
        raise Exception("URL fetch failure")  # noqa: TRY002 - what Keras raises

    monkeypatch.setattr(keras.datasets.mnist, "load_data", offline)
    with pytest.raises(DataError, match=r"datasets/mnist\.npz"):
        load_data(DataConfig(source="keras:mnist"))
    with pytest.raises(DataError, match="expected keras: and one of mnist"):
        load_data(DataConfig(source="keras:minst"))


def test_an_unknown_source_lists_the_kinds() -> None:
    with pytest.raises(DataError, match=r"does not exist .* expected a folder of class folders"):
        load_data(DataConfig(source="no/such/folder"))
