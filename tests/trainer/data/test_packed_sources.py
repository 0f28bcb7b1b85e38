"""Images in files of many, and data sets that a function returns, are the images of a folder: same fingerprint, same split, same pixels."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from trainer.config import DataConfig
from trainer.data import forget_data, load_data
from trainer.data.inspect import inspect_source
from trainer.errors import DataError, UserCodeError

if TYPE_CHECKING:
    from pathlib import Path

    from trainer.data import ImageData

COUNT = 40
CLASSES = ("cat", "dog")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the images as files in ``files``; the node's cache lies in it too."""
    forget_data()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delitem(sys.modules, "my_sets", raising=False)
    for row, content in enumerate(contents()):
        file = tmp_path / "files" / CLASSES[row % 2] / f"{row:03}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return tmp_path


def contents() -> list[bytes]:
    """PNG files, as bytes."""
    files = []
    for row in range(COUNT):
        buffer = io.BytesIO()
        Image.fromarray(np.random.default_rng(row).integers(0, 256, (9, 7, 3), dtype=np.uint8)).save(buffer, "PNG")
        files.append(buffer.getvalue())
    return files


def labels() -> list[str]:
    return [CLASSES[row % 2] for row in range(COUNT)]


def all_images(data: ImageData) -> list[bytes]:
    """The pixels of all parts, in one order."""
    return sorted(image for part in by_content(data).values() for image in part)


def by_content(data: ImageData) -> dict[str, list[bytes]]:
    """The pixels of each part, whatever their order."""
    return {part: sorted(np.asarray(image).tobytes() for image in images.images) for part, images in data.parts()}


def same_as_folder(data: ImageData) -> None:
    files = load_data(DataConfig(source="files"))
    assert (data.fingerprint, data.class_names) == (files.fingerprint, files.class_names)
    assert by_content(data) == by_content(files)


def parquet(path: Path, rows: range = range(COUNT), **more: list[Any]) -> Path:
    path.parent.mkdir(exist_ok=True)
    chosen = contents()
    columns = {"image": [chosen[row] for row in rows], "label": [labels()[row] for row in rows], **more}
    pq.write_table(pa.table(columns), path, row_group_size=7)
    return path


def test_parquet_with_bytes_is_the_folder(folder: Path) -> None:
    data = load_data(DataConfig(source=str(parquet(folder / "images.parquet"))))
    same_as_folder(data)
    assert data.train.names is not None
    assert data.train.names[0] == f"{folder}/images.parquet#0"


def test_larger_than_memory_is_mapped_from_the_nodes_cache(folder: Path) -> None:
    data = load_data(DataConfig(source=str(parquet(folder / "images.parquet")), cache_memory_gb=0))
    assert isinstance(data.train.images, np.memmap)
    same_as_folder(data)


def test_parquet_as_hugging_face_writes_it_with_shards_for_parts(folder: Path) -> None:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    names = b'{"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}'
    (folder / "set" / "data").mkdir(parents=True)
    for part, rows in (("train", range(30)), ("test", range(30, COUNT))):
        images = pa.array([{"bytes": contents()[row], "path": f"{row}.png"} for row in rows], kind)
        table = pa.table({"image": images, "label": pa.array([row % 2 for row in rows])})
        pq.write_table(table.replace_schema_metadata({b"huggingface": names}), folder / "set" / "data" / f"{part}-00000-of-00001.parquet")
    data = load_data(DataConfig(source="set"))
    assert data.class_names == CLASSES
    assert [(part, len(images)) for part, images in data.parts()] == [("train", 25), ("validation", 5), ("test", 10)]


def test_split_and_group_columns_are_those_of_a_manifest(folder: Path) -> None:
    split = ["train"] * 30 + ["val"] * 10
    data = load_data(DataConfig(source=str(parquet(folder / "images.parquet", split=split))))
    assert [(part, len(images)) for part, images in data.parts()] == [("train", 30), ("validation", 10)]


def test_a_damaged_image_is_named_by_its_row_and_can_be_skipped(folder: Path) -> None:
    damaged = [*contents()[:-1], b"no image"]
    pq.write_table(pa.table({"image": damaged, "label": labels()}), folder / "images.parquet")
    with pytest.raises(DataError, match=r"images\.parquet#39: not an image, or damaged"):
        load_data(DataConfig(source="images.parquet"))
    assert len(load_data(DataConfig(source="images.parquet", on_unreadable="skip")).skipped) == 1


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"image": [b"x"], "name": ["a"]}, "no column or feature of labels; expected one called label"),
        ({"left": [b"x"], "right": [b"x"], "label": ["a"]}, "no column or feature of images; expected one called image"),
        ({"image": [b"x", b"y"], "label": ["a", None]}, "row 2 has no label"),
    ],
)
def test_a_table_that_lacks_something_says_what(columns: dict[str, list[Any]], says: str, folder: Path) -> None:
    pq.write_table(pa.table(columns), folder / "images.parquet")
    with pytest.raises(DataError, match=says):
        load_data(DataConfig(source="images.parquet"))


def test_a_look_at_files_of_many_tells_what_a_folder_tells(folder: Path) -> None:
    parquet(folder / "images.parquet")
    seen = inspect_source("images.parquet")
    assert (seen.images, dict(seen.counts), dict(seen.sizes)) == (COUNT, {"cat": 20, "dog": 20}, {(9, 7): COUNT})


def records(path: Path, compression: str | None = None) -> Path:
    import tensorflow as tf

    def feature(value: bytes) -> Any:  # noqa: ANN401 - a tf.train.Feature
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for content, label in zip(contents(), labels(), strict=True):
            features = tf.train.Features(feature={"image": feature(content), "label": feature(label.encode())})
            writer.write(tf.train.Example(features=features).SerializeToString())
    return path


@pytest.mark.parametrize(("name", "compression"), [("images.tfrecord", None), ("images.tfrecord.gz", "GZIP")])
def test_tfrecords_are_the_folder(name: str, compression: str | None, folder: Path) -> None:
    same_as_folder(load_data(DataConfig(source=str(records(folder / name, compression)))))


def test_a_tfrecord_file_that_ends_too_early_is_told(folder: Path) -> None:
    path = records(folder / "images.tfrecord")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="ends in the middle of a record"):
        load_data(DataConfig(source=str(path)))


FUNCTIONS = """
import keras
import numpy as np
import tensorflow as tf

x = np.random.default_rng(0).integers(0, 256, (40, 9, 7, 3), dtype=np.uint8)
y = np.arange(40) % 2

def whole():
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(8)

def fractions():
    return tf.data.Dataset.from_tensor_slices((x / np.float32(255), keras.utils.to_categorical(y)))

class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 5
    def __getitem__(self, index):
        return x[8 * index : 8 * index + 8], y[8 * index : 8 * index + 8]

def batches():
    return Batches()

def parts():
    return {"train": whole().take(4), "val": whole().skip(4)}

def encoded():
    files = [tf.io.encode_png(image).numpy() for image in x]
    return tf.data.Dataset.from_tensor_slices({"image": files, "label": y})

def of_folder():
    return keras.utils.image_dataset_from_directory("files", shuffle=False, image_size=(9, 7), batch_size=4, verbose=0)

def shuffled():
    return whole().unbatch().shuffle(40)

def augmented():
    tf.random.set_seed(None)  # trainings before it have set one, and with it a data set repeats itself in this process
    return whole().map(lambda images, labels: (tf.image.random_flip_left_right(images), labels))

def endless():
    return whole().repeat()

def generator():
    yield x[0], y[0]
    raise KeyError("pixels")

def failing():
    form = (tf.TensorSpec((9, 7, 3), tf.uint8), tf.TensorSpec((), tf.int64))
    return tf.data.Dataset.from_generator(generator, output_signature=form)

class Broken(Batches):
    def __getitem__(self, index):
        return x[index] / 0 if index > 9 else self.missing

def broken():
    return Broken()

def standardised():
    return tf.data.Dataset.from_tensor_slices(((x - 128.0) / 64, y))
"""


@pytest.fixture
def functions(folder: Path) -> Path:
    (folder / "my_sets.py").write_text(FUNCTIONS)
    return folder


@pytest.mark.usefixtures("functions")
def test_every_form_of_a_data_set_gives_the_same_images() -> None:
    found = {name: load_data(DataConfig(source=f"my_sets:{name}")) for name in ("whole", "fractions", "batches", "encoded")}
    images = {name: by_content(data) for name, data in found.items()}
    assert images["whole"] == images["fractions"] == images["batches"]
    assert len({found[name].fingerprint for name in ("whole", "fractions", "batches")}) == 1
    assert all_images(found["encoded"]) == all_images(found["whole"])
    assert found["whole"].class_names == ("0", "1")


@pytest.mark.usefixtures("functions")
def test_parts_and_class_names_of_data_sets_are_kept() -> None:
    parts = load_data(DataConfig(source="my_sets:parts"))
    assert [(part, len(images)) for part, images in parts.parts()] == [("train", 32), ("validation", 8)]
    of_folder = load_data(DataConfig(source="my_sets:of_folder", cache_memory_gb=0))
    assert of_folder.class_names == CLASSES
    assert isinstance(of_folder.train.images, np.memmap)


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("shuffled", "is shuffled anew. Return it without shuffle"),
        ("augmented", "augmented at random.*data.augmentation varies them"),
        ("endless", "no end; return it without repeat"),
        ("standardised", "expected raw pixels"),
    ],
)
def test_a_data_set_that_cannot_be_used_is_refused_with_advice(name: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        load_data(DataConfig(source=f"my_sets:{name}"))


@pytest.mark.usefixtures("functions")
def test_an_error_while_a_data_set_is_read_is_told_as_the_persons() -> None:
    with pytest.raises(UserCodeError, match=r"'my_sets:failing' raised .*KeyError: 'pixels'"):
        load_data(DataConfig(source="my_sets:failing"))
    with pytest.raises(
        UserCodeError, match=r"raised AttributeError: .*missing.*my_sets\.py, line 54, in __getitem__.*when reading its data set"
    ):
        load_data(DataConfig(source="my_sets:broken"))


def test_several_roots_are_one_set(folder: Path) -> None:
    whole = load_data(DataConfig(source="files"))
    (folder / "more").mkdir()
    (folder / "files" / "dog").rename(folder / "more" / "dog")
    both = load_data(DataConfig(source=("files", "more")))
    assert both.fingerprint == whole.fingerprint
    assert by_content(both) == by_content(whole)


def test_roots_of_several_kinds_share_their_classes(folder: Path) -> None:
    parquet(folder / "half.parquet", range(20))
    data = load_data(DataConfig(source=["files", "half.parquet"]))
    assert data.class_names == CLASSES
    assert sum(len(images) for _, images in data.parts()) == COUNT + 20


def test_roots_that_do_not_fit_together_are_refused(folder: Path) -> None:
    parquet(folder / "parts.parquet", split=["train"] * 30 + ["val"] * 10)
    with pytest.raises(DataError, match=r"parts\.parquet says which images train and validate, and files does not"):
        load_data(DataConfig(source=["files", "parts.parquet"]))
    with pytest.raises(DataError, match="files and others arrays"):
        load_data(DataConfig(source=["files", "digits"]))


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(DataError, match=r"needs the library datasets: pip install 'steadysweep\[hf\]'"):
        load_data(DataConfig(source="hf:mnist"))
    with pytest.raises(DataError, match=r"needs the library tensorflow_datasets: pip install 'steadysweep\[tfds\]'"):
        load_data(DataConfig(source="tfds:mnist"))


def test_hugging_faces_data_from_a_folder_is_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets", reason="the extra hf is not installed")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder / "hf")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=list(CLASSES))})
    images = [{"bytes": content, "path": None} for content in contents()]
    saved = datasets.Dataset.from_dict({"image": images, "label": [row % 2 for row in range(COUNT)]}, features=features)
    saved.save_to_disk(str(folder / "saved"))
    same_as_folder(load_data(DataConfig(source="hf:saved")))
    same_as_folder(load_data(DataConfig(source="hf:files")))

    def without_network(*_: str) -> None:
        raise ConnectionError("no network")

    monkeypatch.setattr(datasets, "load_dataset", without_network)
    with pytest.raises(DataError, match=r"hf:nobody/nothing cannot be loaded \(ConnectionError: no network\).*save_to_disk"):
        load_data(DataConfig(source="hf:nobody/nothing"))


def test_tensorflows_data_sets_from_a_folder_are_the_folder(folder: Path) -> None:
    tfds = pytest.importorskip("tensorflow_datasets", reason="the extra tfds is not installed")
    import tensorflow as tf

    kinds = {"image": tfds.features.Image(shape=(9, 7, 3)), "label": tfds.features.ClassLabel(names=list(CLASSES))}
    features = tfds.features.FeaturesDict(kinds)
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(each))) for each in contents()])
    stored = tfds.dataset_builders.store_as_tfds_dataset(
        name="tiny",
        version="1.0.0",
        features=features,
        split_datasets={"train": tf.data.Dataset.from_tensor_slices({"image": pixels, "label": np.arange(COUNT) % 2})},
        data_dir=str(folder / "tfds"),
        disable_shuffling=True,
    )
    data = load_data(DataConfig(source=f"tfds:{stored.data_path}"))
    assert data.class_names == CLASSES
    assert all_images(data) == all_images(load_data(DataConfig(source="files")))
    assert load_data(DataConfig(source=str(stored.data_path))).fingerprint == data.fingerprint
