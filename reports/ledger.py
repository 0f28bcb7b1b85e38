"""The ledger: which validation images a training got right in its late epochs, and which class its exported file gives each of them.

A validation image's identity is its place in the fingerprinted data: its rank among all images of the source by content, so that neither file names, nor the order
of listing, nor the split matters. Places and right classes are the same for all trainings of one split and are held once (`ValidationImages`); trainings of
other splits are compared on the images that both have (`shared_images`).

`pack` and `unpack` are the form in which a ledger travels and is stored; which epochs are late is the trainer's choice. Correctness of an epoch is written as its
difference to the epoch before, and classes only where they are wrong: a training of 10,000 images at 90 % takes some 5 KB for twelve epochs.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ValidationImages:
    """The validation images of one split of one data set.

    Attributes:
        data: fingerprint of the images, labels and split.
        places: ``(num_val,)`` int64, rank of each image among all of the source by content, ascending: equal places are equal images, whatever the split.
        labels: ``(num_val,)`` int64, right class, an index into `class_names`.
        class_names: in the order of the model's outputs.
        names: path of each image below the data's source, or None where the images have no files.
        rows: ``(num_val,)`` int64, of images without files: where each stands in the source, counted from 0 (in its part, where the source gives parts);
            None where that is not known.
    """

    data: str
    places: NDArray[np.int64]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    names: tuple[str, ...] | None = None
    rows: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.places)

    def name(self, column: int) -> str:
        """What to call an image, by its column: its path, else its row in the source, else its place."""
        if self.names is not None:
            return self.names[column]
        return f"image {self.places[column]} by content" if self.rows is None else f"row {self.rows[column]}"

    @cached_property
    def key(self) -> str:
        """Names the split: equal for equal images with equal classes."""
        digest = hashlib.blake2b(self.data.encode(), digest_size=_KEY_BYTES)
        digest.update(self.places.astype("<i8").tobytes())
        digest.update(self.labels.astype("<i8").tobytes())
        return digest.hexdigest()


def row_number(name: str) -> int | None:
    """The row of an image that `ValidationImages.name` calls by its row; None for another name."""
    word, _, number = name.partition(" ")
    return int(number) if word == "row" and number.isdecimal() else None


@dataclass(frozen=True, eq=False)
class Ledger:
    """What one training got right.

    Attributes:
        validation: its validation images; the same object for trainings that are read together and share the split.
        epochs: ``(num_late,)`` int64, numbers of the late epochs, counted from 1, ascending; the last is the training's last.
        bits: ``(num_late, ceil(num_val / 8))`` uint8, whether each image was right after each of them, packed by `numpy.packbits`; see `right`.
        classes: ``(num_val,)`` int64, class that the exported file gives each image; None where nothing was exported.
    """

    validation: ValidationImages
    epochs: NDArray[np.int64]
    bits: NDArray[np.uint8]
    classes: NDArray[np.int64] | None = None

    @classmethod
    def of(
        cls, validation: ValidationImages, epochs: Iterable[int], right: NDArray[np.bool_], classes: NDArray[np.integer] | None = None
    ) -> Ledger:
        """A ledger from ``right (num_late, num_val)``."""
        numbers = np.asarray(list(epochs), dtype=np.int64)
        return cls(validation, numbers, np.packbits(right, axis=1), None if classes is None else classes.astype(np.int64))

    @property
    def right(self) -> NDArray[np.bool_]:
        """``(num_late, num_val)``, whether each image was right after each late epoch."""
        return np.unpackbits(self.bits, axis=1, count=len(self.validation)).astype(np.bool_)

    @property
    def images(self) -> NDArray[np.int64]:
        """``(num_val,)``, place of each image in the data."""
        return self.validation.places

    @property
    def labels(self) -> NDArray[np.int64]:
        """``(num_val,)``, right class of each image."""
        return self.validation.labels

    @property
    def exported_right(self) -> NDArray[np.bool_] | None:
        """``(num_val,)``, whether the exported file is right; None where nothing was exported."""
        return None if self.classes is None else self.classes == self.labels


class LedgerSource(Protocol):
    """Where the ledgers of a study are read from, when somebody asks and not before."""

    def read(self, numbers: Iterable[int]) -> dict[int, Ledger]:
        """Trial number to ledger, of those of `numbers` that have one, in the order given."""
        ...


class _NoLedgers:
    """Of a study that has none: its record is older than ledgers, or was read from logs or from another tool."""

    def read(self, numbers: Iterable[int]) -> dict[int, Ledger]:  # noqa: ARG002 - none of them has one
        return {}


NO_LEDGERS: Final[LedgerSource] = _NoLedgers()


def shared_images(ledgers: Sequence[Ledger]) -> tuple[NDArray[np.int64], tuple[NDArray[np.int64], ...]]:
    """The images that all of some ledgers have.

    Returns:
        Places ``(k,)``, ascending, and for each ledger their columns ``(k,)`` in `Ledger.right` and `Ledger.classes`.
    """
    if not ledgers:
        return np.empty(0, np.int64), ()
    places = ledgers[0].images
    for ledger in ledgers[1:]:
        if ledger.validation is not ledgers[0].validation:
            places = np.intersect1d(places, ledger.images, assume_unique=True)
    return places, tuple(np.searchsorted(ledger.images, places) for ledger in ledgers)


@dataclass(frozen=True)
class PackedLedger:
    """A ledger as bytes.

    Attributes:
        key: of its validation images.
        data: all but these; see `unpack`.
        images: the validation images, see `unpack_images`; None for a reader that has them.
    """

    key: str
    data: bytes
    images: bytes | None


def pack(ledger: Ledger, known: Collection[str] = ()) -> PackedLedger:
    """A ledger as bytes; `unpack_images` and `unpack` give it back.

    Args:
        ledger: of one training.
        known: keys of validation images that the reader has.
    """
    key = ledger.validation.key
    return PackedLedger(key, _pack_rows(ledger), None if key in known else pack_images(ledger.validation))


def pack_images(images: ValidationImages) -> bytes:
    """Validation images as bytes."""
    header = {"data": images.data, "classes": images.class_names, "images": len(images)}
    header |= {"named": images.names is not None, "rows": images.rows is not None}
    columns = [np.diff(images.places, prepend=0), images.labels, *([] if images.rows is None else [images.rows])]
    names = b"" if images.names is None else json.dumps(images.names).encode()
    return _compress(header, b"".join(column.astype(_INTEGER).tobytes() for column in columns) + names)


def unpack_images(packed: bytes) -> ValidationImages:
    """The validation images that `pack_images` was given."""
    header, body = _decompress(packed)
    columns = 3 if header["rows"] else 2
    end = columns * header["images"] * np.dtype(_INTEGER).itemsize
    steps, labels, *rows = np.frombuffer(body[:end], _INTEGER).astype(np.int64).reshape(columns, -1)
    names = tuple(json.loads(body[end:])) if header["named"] else None
    return ValidationImages(header["data"], np.cumsum(steps), labels, tuple(header["classes"]), names, rows[0] if rows else None)


def _pack_rows(ledger: Ledger) -> bytes:
    """Epochs, correctness and classes. The first epoch's bits are turned over: most images are right, and zeros pack best."""
    rows = np.bitwise_xor(ledger.bits, np.vstack([np.full((1, ledger.bits.shape[1]), _ONES, np.uint8), ledger.bits[:-1]]))
    header: dict[str, Any] = {"epochs": ledger.epochs.tolist()}
    body = rows.tobytes()
    if ledger.classes is not None:
        exported = np.packbits(ledger.classes == ledger.labels)
        like = int(np.argmin([np.bitwise_count(exported ^ row).sum() for row in ledger.bits]))
        width = len(ledger.validation.class_names)
        wrong = np.flatnonzero(ledger.classes != ledger.labels)
        kind = np.min_scalar_type(max(width - 1, 0)).newbyteorder("<")
        header |= {"like": like, "kind": kind.str}
        body += (exported ^ ledger.bits[like]).tobytes() + ((ledger.classes - ledger.labels)[wrong] % max(width, 1)).astype(kind).tobytes()
    return _compress(header, body)


def unpack(images: ValidationImages, packed: bytes) -> Ledger:
    """The ledger that `pack` was given.

    Args:
        images: its validation images.
        packed: `PackedLedger.data`.
    """
    header, body = _decompress(packed)
    epochs, width = np.asarray(header["epochs"], np.int64), -(-len(images) // 8)
    rows = np.frombuffer(body[: len(epochs) * width], np.uint8).reshape(len(epochs), width)
    bits = np.bitwise_xor.accumulate(rows, axis=0) ^ np.uint8(_ONES)
    if "like" not in header:
        return Ledger(images, epochs, bits)
    end = (len(epochs) + 1) * width
    exported = np.frombuffer(body[end - width : end], np.uint8) ^ bits[header["like"]]
    classes = images.labels.copy()
    wrong = ~np.unpackbits(exported, count=len(images)).astype(np.bool_)
    classes[wrong] = (classes[wrong] + np.frombuffer(body[end:], header["kind"])) % max(len(images.class_names), 1)
    return Ledger(images, epochs, bits, classes)


_KEY_BYTES = 16
_INTEGER = "<i4"
_ONES = 0xFF
_LEVEL = 6
_STRATEGIES = (zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY)


def _compress(header: dict[str, Any], body: bytes) -> bytes:
    """Deflated by the better of two strategies: scattered bits pack best without looking for repetitions, rare ones and paths with."""
    content = json.dumps(header).encode() + b"\n" + body
    compressors = [zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, strategy) for strategy in _STRATEGIES]
    return min((each.compress(content) + each.flush() for each in compressors), key=len)


def _decompress(packed: bytes) -> tuple[dict[str, Any], bytes]:
    header, _, body = zlib.decompress(packed).partition(b"\n")
    return json.loads(header), body
