"""Decoded images of a study: three parts, their labels, their content hashes. Plain NumPy, no TensorFlow."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import numpy.typing as npt

from trainer.data.packed import Packed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
"""``(n, height, width, channels)``, raw pixel values in [0, 255]."""
Labels = npt.NDArray[np.int32]
"""``(n,)``, index into the class names."""


class ChosenRows:
    """Rows of an array, in an order, that are read from it only when they are wanted: an image lies in memory once, however many folds it trains for."""

    def __init__(self, base: npt.NDArray[Any], rows: npt.NDArray[np.int64]) -> None:
        """Args: base: ``(n, ...)``, in memory or mapped; rows: ``(k,)`` of it."""
        self.base, self.rows = base, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, chosen: Any) -> npt.NDArray[Any]:  # noqa: ANN401 - whatever NumPy takes for one axis
        found: npt.NDArray[Any] = self.base[self.rows[chosen]]
        return found

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        return (self.base[row] for row in self.rows)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:  # noqa: FBT001 - NumPy's protocol
        return np.asarray(self.base[self.rows], dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """``(k, ...)``."""
        return (len(self.rows), *self.base.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the array."""
        return self.base.dtype

    @property
    def nbytes(self) -> int:
        """Of the rows, were they copied."""
        return self.base[:1].nbytes * len(self.rows)


def mapped_from_disk(images: object) -> bool:
    """Whether pixels are read from a file when they are wanted."""
    return isinstance(images.base if isinstance(images, ChosenRows) else images, np.memmap)


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

    def view(self, rows: npt.NDArray[np.int64]) -> ImageSet:
        """The images at `rows` ``(k,)`` like `take`, without copying pixels: they are read from these when they are wanted."""
        return replace(self, images=cast("Pixels", ChosenRows(self.images, rows)), **self._facts(rows))

    @property
    def width_of_targets(self) -> int:
        """Number of classes that one-hot targets have."""
        if self.num_classes is not None:
            return self.num_classes
        return int(self.labels.max()) + 1 if len(self.labels) else 0

    def take(self, rows: npt.NDArray[np.int64]) -> ImageSet:
        """The images at `rows` ``(k,)``, in that order; rows may repeat."""
        return replace(self, images=self.images[rows], **self._facts(rows))

    def _facts(self, rows: npt.NDArray[np.int64]) -> dict[str, Any]:
        """What is known of the images at `rows`, without their pixels."""
        return {
            "labels": self.labels[rows],
            "names": None if self.names is None else tuple(self.names[row] for row in rows),
            "places": None if self.places is None else self.places[rows],
            "rows": None if self.rows is None else self.rows[rows],
            "digests": None if self.digests is None else tuple(self.digests[row] for row in rows),
        }


@dataclass(frozen=True, eq=False)
class Pool:
    """All images that folds divide: those of no test part.

    Attributes:
        images: in the source's order.
        fold_of: ``(n,)``, fold of each image, counted from 1.
        fingerprint: hash over their contents and labels, the same whatever the folds.
    """

    images: ImageSet
    fold_of: npt.NDArray[np.int64]
    fingerprint: str

    @property
    def folds(self) -> int:
        """Number of folds."""
        return int(self.fold_of.max())

    def rows(self, fold: int) -> dict[Part, npt.NDArray[np.int64]]:
        """Rows of the images that a fold's model is trained on, and of the fold's own, ascending."""
        return {"train": np.flatnonzero(self.fold_of != fold), "validation": np.flatnonzero(self.fold_of == fold)}


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
        pool: what folds divide, or None without folds. `train` and `validation` are then those of one fold: the first, unless `of_fold` gave another.
        fold: whose `train` and `validation` these are where one fold is trained alone, counted from 1; 0 where each is trained, and without folds.
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
    pool: Pool | None = None
    fold: int = 0

    def of_fold(self, fold: int) -> ImageData:
        """The same images with those of one fold, counted from 1, for validation and those of the others for training."""
        if self.pool is None:
            raise ValueError("these images are not divided into folds")
        rows = self.pool.rows(fold)
        own = hashlib.blake2b(f"{self.fingerprint} fold {fold}".encode(), digest_size=DIGEST_BYTES).hexdigest()
        train, validation = (self.pool.images.view(rows[part]) for part in PARTS[:2])
        return replace(self, train=train, validation=validation, fingerprint=own, fold=fold)

    @property
    def validated(self) -> ImageSet:
        """The images that a training is validated on: with folds all of them, each by the model that was not trained on it."""
        return self.validation if self.pool is None or self.fold else self.pool.images

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        _, height, width, channels = self.train.images.shape
        return height, width, channels

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def divided(self) -> tuple[tuple[str, ImageSet], ...]:
        """What the images are divided into, by name: `parts`, or the folds and the test part."""
        if self.pool is None or self.fold:
            return self.parts()
        pool = self.pool
        folds = tuple((f"fold {fold}", pool.images.view(pool.rows(fold)["validation"])) for fold in range(1, pool.folds + 1))
        return (*folds, ("test", self.test)) if self.test is not None else folds

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
    rows: Mapping[Any, npt.NDArray[np.int64]],
    form: str,
) -> str:
    """One hash over every image's content, class and part (of `rows` by its name), and the `form` (size, channels) it is decoded to.

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
