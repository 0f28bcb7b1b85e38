"""Image files packed into tables and record files: Parquet with a column of images, and TFRecord; one file, or a folder of shards.

A Parquet column holds each image file's bytes, or Hugging Face's ``{bytes, path}``; a TFRecord file holds a ``tf.train.Example`` an image. Beside images and
labels, ``split`` and ``group`` mean what they mean in a manifest; without ``split``, files named after parts (``train-00000-of-00002.parquet``) are these parts.
"""

from __future__ import annotations

import gzip
import json
import re
import struct
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.data.packed import Packed, Spool
from trainer.data.pixels import SUFFIXES
from trainer.data.sources.collected import Collected, named_labels, parse_part
from trainer.data.sources.files import is_seen, visible_folders
from trainer.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from trainer.data.images import Part

PARQUET = ".parquet"
RECORDS = re.compile(r"\.tfrecords?(?:$|[-.])|\.tfrec$", re.IGNORECASE)
"""Of a TFRecord file's name: ``train.tfrecord``, ``train.tfrecord.gz``, ``cifar10-train.tfrecord-00000-of-00001``."""
IMAGE_COLUMNS = ("image", "img", "image/encoded", "encoded", "jpeg", "png", "image_raw", "bytes", "x")
LABEL_COLUMNS = ("label", "labels", "class", "target", "category", "image/class/label", "fine_label", "y")
"""Names by which images and labels are known, the likeliest first."""
SPLIT, GROUP = "split", "group"


def is_record_file(path: Path) -> bool:
    """Whether a file is a TFRecord file by its name."""
    return RECORDS.search(path.name) is not None


def has_images(path: Path) -> bool:
    """Whether a Parquet file has a column of images, by its schema."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException):
        return False  # told as an unreadable table
    return any(_holds_bytes(each.type) for each in schema)


def shards_in(folder: Path) -> list[Path]:
    """Record files and Parquet files with images of a folder, or of its folder ``data``; none where the folder holds images as files."""
    if any(path.suffix.lower() in SUFFIXES and is_seen(path, top) for top in visible_folders(folder) for path in top.rglob("*")):
        return []
    for place in (folder, folder / "data"):
        files = sorted(path for path in place.glob("*") if path.is_file() and not path.name.startswith("."))
        records = [path for path in files if is_record_file(path)]
        tables = [path for path in files if path.suffix == PARQUET and has_images(path)]
        if records or tables:
            return records or tables
    return []


@dataclass(frozen=True)
class _Shard:
    """What one file holds.

    Attributes:
        images: one each.
        columns: label, and where the file has them split and group, one value each.
        class_names: what the file says of the classes' names.
    """

    images: Sequence[Packed | Path]
    columns: Mapping[str, Sequence[Any]]
    class_names: tuple[str, ...] | None = None


def collect_shards(files: Sequence[Path], scratch: Path | None, groups: str | None = None) -> Collected:
    """Read the labels of all files, and where each image lies.

    Args:
        files: one, or shards of one set in their order.
        scratch: folder on a local disk, for what can only be read from its beginning.
        groups: their column, or feature, of groups, which must be there; None: ``group``, where there is one.

    Raises:
        DataError: a file cannot be read, lacks images, labels or the groups, or the files differ in their columns.
    """
    shards = [(_records(path, scratch, groups) if is_record_file(path) else _table(path, groups)) for path in files]
    names = shards[0].class_names
    for path, shard in zip(files, shards, strict=True):
        if set(shard.columns) != set(shards[0].columns) or shard.class_names != names:
            raise DataError(f"{path}: its columns or class names differ from those of {files[0]}; shards of one set must have the same")
    where = str(files[0]) if len(files) == 1 else str(files[0].parent)
    columns = {name: [value for shard in shards for value in shard.columns[name]] for name in shards[0].columns}
    images = tuple(image for shard in shards for image in shard.images)
    if not images:
        raise DataError(f"{where}: no images")
    labels, class_names = named_labels(np.asarray(columns[LABEL_COLUMNS[0]]), names, f"{where}: label")
    members = tuple(map(str, columns[GROUP])) if GROUP in columns else None
    return Collected(images, labels, class_names, _parts(columns, files, [len(shard.images) for shard in shards], where), members)


def _parts(columns: Mapping[str, Sequence[Any]], files: Sequence[Path], counts: Sequence[int], where: str) -> tuple[Part, ...] | None:
    """The part of each image, from a column or the files' names; None where neither says."""
    if SPLIT in columns:
        parts = [parse_part(value.decode() if isinstance(value, bytes) else str(value)) for value in columns[SPLIT]]
        known = tuple(part for part in parts if part is not None)
        if len(known) < len(parts):
            raise DataError(f"{where}: split {columns[SPLIT][parts.index(None)]!r} is unknown; expected train, validation or test")
        return known
    named = [next((part for word in re.split(r"[-_.]", path.name) if (part := parse_part(word)) is not None), None) for path in files]
    if "train" not in named or None in named or len(set(named)) == 1:
        return None
    return tuple(part for part, count in zip(named, counts, strict=True) for _ in range(count) if part is not None)


def _chosen(names: Sequence[str], known: Sequence[str], what: str, where: Path) -> str:
    """The one of `names` that holds images, or labels."""
    column = next((name for name in known if name in names), None)
    if column is None:
        raise DataError(
            f"{where}: no column or feature of {what}; expected one called {', '.join(known)}, got {', '.join(names) or 'none'}"
        )
    return column


# Parquet


def _holds_bytes(kind: Any) -> bool:  # noqa: ANN401 - a type of Arrow
    import pyarrow as pa

    def binary(each: Any) -> bool:  # noqa: ANN401 - as above
        return bool(pa.types.is_binary(each) or pa.types.is_large_binary(each))

    return binary(kind) or (pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0 and binary(kind.field("bytes").type))


def _table(path: Path, groups: str | None) -> _Shard:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        with_bytes = [each.name for each in schema if _holds_bytes(each.type)]
        image = with_bytes[0] if len(with_bytes) == 1 else _chosen(with_bytes, IMAGE_COLUMNS, "images", path)
        label = _chosen(schema.names, LABEL_COLUMNS, "labels", path)
        given = {SPLIT: SPLIT, GROUP: groups or GROUP}
        present = {LABEL_COLUMNS[0]: label, **{name: column for name, column in given.items() if column in schema.names}}
        table = pq.read_table(path, columns=list(present.values()), partitioning=None)
        reader = _RowGroups(path, image)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: not a readable Parquet file ({error})") from error
    if groups is not None and GROUP not in present:
        raise DataError(
            f"data.split.groups: {path} has no column {groups!r}{nearest(groups, schema.names)}; it has {', '.join(schema.names)}"
        )
    columns = {name: table[column].to_pylist() for name, column in present.items()}
    for name, values in columns.items():
        if None in values:
            raise DataError(f"{path}: row {values.index(None) + 1} has no {name}; fill it in or remove the row")
    images = [Packed(f"{path}#{row}", lambda row=row: reader.read(row)) for row in range(table.num_rows)]  # type: ignore[misc]
    return _Shard(images, columns, _names_of_hub(schema.metadata or {}, label))


def _names_of_hub(metadata: Mapping[bytes, bytes], label: str) -> tuple[str, ...] | None:
    """Names of the classes that Hugging Face's library wrote into a file."""
    try:
        names = json.loads(metadata[b"huggingface"])["info"]["features"][label]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    return tuple(map(str, names))


ROW_GROUPS_KEPT = 2


@dataclass(eq=False)
class _RowGroups:
    """Images of a Parquet file by their row; the row groups that were read last are kept, since neighbours are wanted next."""

    path: Path
    column: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: OrderedDict[int, Any] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        import pyarrow.parquet as pq

        self._file = pq.ParquetFile(self.path)
        metadata = self._file.metadata
        self._ends = np.cumsum([metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)])

    def read(self, row: int) -> bytes:
        """The bytes of one image.

        Raises:
            OSError: it has none, or the file it names cannot be read.
        """
        group = int(np.searchsorted(self._ends, row, side="right"))
        with self._lock:
            if group not in self._kept:
                self._kept[group] = self._file.read_row_group(group, columns=[self.column])[self.column]
                if len(self._kept) > ROW_GROUPS_KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(group)
            column = self._kept[group]
        value: bytes | dict[str, Any] | None = column[row - (int(self._ends[group - 1]) if group else 0)].as_py()
        return content_of(value, self.path.parent)


def content_of(value: bytes | Mapping[str, Any] | None, folder: Path) -> bytes:
    """The bytes of an image as a table has it: bytes, or Hugging Face's ``{bytes, path}``.

    Args:
        value: the table's.
        folder: that a relative path means.

    Raises:
        OSError: there is none, or the file that it names cannot be read.
    """
    if isinstance(value, bytes):
        return value
    if value is not None and value.get("bytes") is not None:
        return bytes(value["bytes"])
    if value is None or not value.get("path"):
        raise OSError("the row has no image")
    content: bytes = (folder / value["path"]).read_bytes()
    return content


# TFRecord. Source of the framing: https://www.tensorflow.org/tutorials/load_data/tfrecord, "TFRecords format details"

_LENGTH = struct.Struct("<Q")
_LENGTH_CHECK, _DATA_CHECK = 4, 4
_GZIP = b"\x1f\x8b"
GROUP_FEATURES = (GROUP, "image/group")
TEXT_FEATURES = ("image/class/text", "class_name", "label_name")
"""Features that name the class that the label numbers."""


def _records(path: Path, scratch: Path | None, groups: str | None) -> _Shard:
    """One read of the whole file for labels; of images only the place is kept, or for a compressed file a copy on the disk."""
    import tensorflow as tf

    with path.open("rb") as file:
        spool = Spool(scratch) if file.read(2) == _GZIP else None
    images: list[Packed] = []
    columns: dict[str, list[Any]] = {}
    image = ""
    for row, (start, record) in enumerate(_framed(path, compressed=spool is not None)):
        try:
            features = tf.train.Example.FromString(record).features.feature
        except Exception as error:  # protobuf's DecodeError, which has no public place
            raise DataError(f"{path}: record {row} is no tf.train.Example ({error}); other records need a function of yours") from error
        values = {name: _values(features[name]) for name in features}
        image = image or _chosen(
            [name for name, each in values.items() if each and isinstance(each[0], bytes)], IMAGE_COLUMNS, "images", path
        )
        for column, value in _facts(values, path, row, groups).items():
            columns.setdefault(column, []).append(value)
        name = f"{path}#{row}"
        if not values.get(image):
            raise DataError(f"{path}: record {row} has no image in feature {image!r}")
        images.append(spool.add(name, values[image][0]) if spool else Packed(name, _reader(path, start, len(record), image)))
    uneven = [name for name, each in columns.items() if len(each) != len(images)]
    if uneven:
        raise DataError(f"{path}: some records have no {uneven[0]}; give it to all or to none")
    return _Shard(images, columns, _names_beside(path))


def _facts(values: Mapping[str, Sequence[Any]], path: Path, row: int, groups: str | None) -> dict[str, Any]:
    """Label, split and group of a record."""
    text = next((name for name in TEXT_FEATURES if values.get(name)), None)
    label = text or _chosen([name for name, each in values.items() if each], LABEL_COLUMNS, "labels", path)
    given = values[label]
    if len(given) > 1 and set(given) <= {0, 1} and sum(given) == 1:
        given = [list(given).index(1)]
    if len(given) != 1:
        raise DataError(f"{path}: record {row} has {len(given)} values in {label!r}; expected one label, or a one-hot row")
    value = given[0].decode() if isinstance(given[0], bytes) else given[0]
    facts = {LABEL_COLUMNS[0]: value}
    if values.get(SPLIT):
        facts[SPLIT] = values[SPLIT][0]
    group = next((name for name in ((groups,) if groups else GROUP_FEATURES) if values.get(name)), None)
    if groups and group is None:
        raise DataError(
            f"data.split.groups: {path}: record {row} has no feature {groups!r}{nearest(groups, values)}; it has {', '.join(sorted(values))}"
        )
    if group is not None:
        facts[GROUP] = values[group][0].decode() if isinstance(values[group][0], bytes) else values[group][0]
    return facts


def _values(feature: Any) -> Sequence[Any]:  # noqa: ANN401 - a tf.train.Feature
    kind = feature.WhichOneof("kind")
    return () if kind is None else getattr(feature, kind).value


def _reader(path: Path, start: int, length: int, image: str) -> Any:  # noqa: ANN401 - a function
    def read() -> bytes:
        import tensorflow as tf

        with path.open("rb") as file:
            file.seek(start)
            return bytes(_values(tf.train.Example.FromString(file.read(length)).features.feature[image])[0])

    return read


def _framed(path: Path, *, compressed: bool) -> Iterator[tuple[int, bytes]]:
    """Each record with its place in the file."""
    opened = gzip.open if compressed else open
    with opened(path, "rb") as file:
        try:
            while header := file.read(_LENGTH.size + _LENGTH_CHECK):
                (length,) = _LENGTH.unpack(header[: _LENGTH.size]) if len(header) == _LENGTH.size + _LENGTH_CHECK else (-1,)
                start = file.tell()
                record = file.read(length) if 0 <= length < _MOST_BYTES else b""
                if len(record) != length or len(file.read(_DATA_CHECK)) != _DATA_CHECK:
                    raise DataError(f"{path}: not a TFRecord file, or it ends in the middle of a record; write it again")
                yield start, record
        except EOFError as error:
            raise DataError(f"{path}: a compressed file that ends too early; write it again") from error


_MOST_BYTES = 2**31
"""Of a record: protobuf's own limit. A larger length is that of another kind of file."""


def _names_beside(path: Path) -> tuple[str, ...] | None:
    """Names of the classes that TensorFlow Datasets writes beside its files."""
    try:
        lines = (path.parent / "label.labels.txt").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return tuple(line for line in lines if line) or None
