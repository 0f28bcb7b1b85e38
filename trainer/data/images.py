"""Decoded images of a study: three parts, their labels, their content hashes. Plain NumPy, no TensorFlow."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from trainer.data.packed import Packed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
"""``(n, height, width, channels)``, raw pixel values in [0, 255]."""
Labels = npt.NDArray[np.int32]
"""``(n,)``, index into the class names."""


@dataclass(frozen=True, eq=False)
class ImageSet:
    """The images of one part of a study.

    Attributes:
        images: ``(n, height, width, channels)`` uint8, or float32 where the source has fractions; raw pixel values in [0, 255];
            a `numpy.memmap` when they do not fit the memory budget.
        labels: ``(n,)`` int32, index into the study's class names.
        names: where each image came from, length n, or None for arrays.
        num_classes: classes of the study, so that targets have that width even if this part lacks one; None means
            ``labels.max() + 1``.
        places: ``(n,)`` int64, each image's place in the data, which is the same in every split; see `content_places`. None for images that were not loaded.
        rows: ``(n,)`` int64, where each image stands in the source, counted from 0; in its part where the source gives parts. None as for `places`.
        digests: hash of each image's content, length n. None as for `places`.
    """

    images: Pixels
    labels: Labels
    names: tuple[str, ...] | None = None
    num_classes: int | None = None
    places: npt.NDArray[np.int64] | None = None
    rows: npt.NDArray[np.int64] | None = None
    digests: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def width_of_targets(self) -> int:
        """Number of classes that one-hot targets have."""
        if self.num_classes is not None:
            return self.num_classes
        return int(self.labels.max()) + 1 if len(self.labels) else 0

    def take(self, rows: npt.NDArray[np.int64]) -> ImageSet:
        """The images at `rows` ``(k,)``, in that order; rows may repeat."""
        names = None if self.names is None else tuple(self.names[row] for row in rows)
        pixels: Any = self.images[rows]
        places, of_source = (None if each is None else each[rows] for each in (self.places, self.rows))
        digests = None if self.digests is None else tuple(self.digests[row] for row in rows)
        return ImageSet(pixels, self.labels[rows], names, self.num_classes, places, of_source, digests)


@dataclass(frozen=True)
class Forms:
    """What the images of a source were like before they were brought to one size.

    Attributes:
        sizes: (height, width), after EXIF orientation, to number of images, most frequent first.
        modes: Pillow's mode (``RGB``, ``L``, ``RGBA``, ...) to number of images, most frequent first.
        smallest: name of the image with the shortest side, or empty.
        largest: name of the image with the longest side, or empty.
    """

    sizes: Mapping[tuple[int, int], int]
    modes: Mapping[str, int]
    smallest: str = ""
    largest: str = ""


@dataclass(frozen=True, eq=False)
class ImageData:
    """Everything `load_data` gives.

    Attributes:
        train: training images.
        validation: validation images.
        test: test images, or None when there is no test part.
        class_names: in the order of the labels.
        fingerprint: hash over image contents, labels, split, size and channels; independent of paths and file names.
        skipped: unreadable files that were left out, as ``name: reason``.
        own_validation: whether the source itself says which images validate, so that no others can be drawn.
        unused: content hash, label and name (empty for arrays) of each image that the split leaves out.
        forms: of all images of the source; None for data that was not loaded from one.
    """

    train: ImageSet
    validation: ImageSet
    test: ImageSet | None
    class_names: tuple[str, ...]
    fingerprint: str
    skipped: tuple[str, ...] = ()
    own_validation: bool = False
    unused: tuple[tuple[str, int, str], ...] = ()
    forms: Forms | None = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        _, height, width, channels = self.train.images.shape
        return height, width, channels

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def parts(self) -> tuple[tuple[str, ImageSet], ...]:
        """The parts that exist, with their names, training first."""
        existing = [("train", self.train), ("validation", self.validation)]
        return (*existing, ("test", self.test)) if self.test is not None else tuple(existing)


DIGEST_BYTES = 16
THREADS = 8
_CHUNK = 1 << 20


def digest_files(paths: Sequence[Path | Packed]) -> list[str | OSError]:
    """Hash of each file's bytes, or the error that reading it raised."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(_digest_file, paths))


def digest_array(images: npt.NDArray[Any]) -> list[str]:
    """Hash of each image ``images[i]``: its bytes, shape and type."""
    kind = f"{images.dtype.str}{images.shape[1:]}".encode()

    def one(image: npt.NDArray[Any]) -> str:
        return hashlib.blake2b(kind + image.tobytes(), digest_size=DIGEST_BYTES).hexdigest()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, images, chunksize=256))


def content_places(digests: Sequence[str], labels: Labels) -> npt.NDArray[np.int64]:
    """Rank ``(n,)`` of each image among all by content, equal ones by label: the same image has the same place however files are named, listed or split."""
    order = np.lexsort((np.arange(len(labels)), labels, np.asarray(digests)))
    places = np.empty(len(labels), np.int64)
    places[order] = np.arange(len(labels))
    return places


def fingerprint(
    digests: Sequence[str],
    labels: Labels,
    class_names: Sequence[str],
    rows: Mapping[Part, npt.NDArray[np.int64]],
    form: str,
) -> str:
    """One hash over every image's content, class and part, and the `form` (size, channels) it is decoded to.

    It does not depend on paths, file names or the order of listing.
    """
    lines = sorted(f"{part} {class_names[labels[row]]} {digests[row]}" for part, chosen in rows.items() for row in chosen)
    text = "\n".join([form, *(f"class {name}" for name in class_names), *lines])
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()


def _digest_file(path: Path | Packed) -> str | OSError:
    hasher = hashlib.blake2b(digest_size=DIGEST_BYTES)
    try:
        if isinstance(path, Packed):
            return hashlib.blake2b(path.read(), digest_size=DIGEST_BYTES).hexdigest()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                hasher.update(chunk)
    except OSError as error:
        return error
    return hasher.hexdigest()
