"""What a person's own ``package.module:function`` returns: arrays, an `ImageData`, or data sets that are read batch by batch.

A `tf.data.Dataset` or a `keras.utils.PyDataset` is read once from its beginning into a file on the node's disk, so that it may be larger than memory and its
images can be split, shuffled and augmented as those of any source are. It must give the same images in the same order whenever it is read, as every trial
and every process reads it: the first time it is read twice, and refused where the two differ.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.augmentation.color import BRIGHTEST
from trainer.data.images import DIGEST_BYTES, PARTS, ImageData, Part
from trainer.data.packed import Spool
from trainer.data.pixels import SIXTEEN_TO_EIGHT_BIT, to_pixels
from trainer.data.sources.arrays import PAIR, from_arrays, from_parts
from trainer.data.sources.collected import Collected, named_labels, parse_part
from trainer.errors import DataError
from trainer.user_code import call_function, errors_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from trainer.data.packed import Packed

EXPECTED = "(images, labels), a tf.data.Dataset or keras.utils.PyDataset of them, a mapping {train: ..., validation: ...} of data sets, or trainer.data.ImageData"
SPATIAL = 3
"""Dimensions of one image."""


def collect_function(name: str, scratch: Path | None) -> Collected:
    """Call the function, without arguments.

    It returns ``(images, labels)`` or a data set of such, which are split as `data.split` says; or an `ImageData`, or a data set for each part, which are kept.

    Args:
        name: ``package.module:function``.
        scratch: folder on a local disk for what is read from its beginning.

    Raises:
        UserCodeError: it cannot be imported, or raises an error.
        DataError: it returns something else, or a data set that gives other images when it is read again.
    """
    with little_gpu_memory():
        result = call_function(name, "data.source")
        sets = _data_sets(result)
        if sets is not None:
            return _read(name, sets, scratch)
    if isinstance(result, ImageData):
        parts = {part: (images.images, images.labels) for part, images in result.parts()}
        return from_parts(parts, where=name, class_names=result.class_names)  # type: ignore[arg-type]  # part names are the literals
    if isinstance(result, tuple) and len(result) == PAIR:
        return from_arrays(np.asarray(result[0]), np.asarray(result[1]), where=name)
    raise DataError(f"data.source: {name} returned {type(result).__name__}; expected {EXPECTED}")


@contextlib.contextmanager
def little_gpu_memory() -> Iterator[None]:
    """TensorFlow, where it is started inside, takes a GPU's memory as it needs it: the process that reads data must leave the GPU to the trials."""
    name = "TF_FORCE_GPU_ALLOW_GROWTH"
    before = os.environ.get(name)
    os.environ.setdefault(name, "true")
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]


def _data_sets(result: object) -> dict[Part | None, Any] | None:
    """Data sets by part, None for one that is to be split; None where the function returned something else."""
    if _is_data_set(result):
        return {None: result}
    if isinstance(result, dict) and result and all(_is_data_set(each) for each in result.values()):
        parts = {parse_part(str(name)): each for name, each in result.items()}
        if None in parts or "train" not in parts or len(parts) < len(result):
            raise DataError(
                f"data.source: a mapping of data sets needs the keys train, validation and test, got {', '.join(map(str, result))}"
            )
        return {part: parts[part] for part in PARTS if part in parts}
    if isinstance(result, tuple | list) and PAIR <= len(result) <= len(PARTS) and all(_is_data_set(each) for each in result):
        return dict(zip(PARTS, result, strict=False))
    return None


def _is_data_set(value: object) -> bool:
    """Whether a value is a data set; the libraries are not imported for it."""
    tensorflow, keras = sys.modules.get("tensorflow"), sys.modules.get("keras")
    return (tensorflow is not None and isinstance(value, tensorflow.data.Dataset)) or (
        keras is not None and isinstance(value, keras.utils.PyDataset)
    )


def _read(name: str, sets: Mapping[Part | None, Any], scratch: Path | None) -> Collected:
    """All images and labels, in their order."""
    spool = Spool(scratch)
    images: list[Packed] = []
    labels: list[Any] = []
    parts: list[Part] = []
    class_names: tuple[str, ...] | None = None
    for part, data_set in sets.items():
        where = f"data.source: {name}" + (f", {part}" if part else "")
        first = hashlib.blake2b(digest_size=DIGEST_BYTES)
        for row, (content, label) in enumerate(_guarded(name, _images(data_set, where))):
            images.append(spool.add(f"{part or 'image'}#{row}", content))
            labels.append(label)
            first.update(content + repr(label).encode())
        if not _was_read(first.hexdigest(), scratch):
            _check_again(_guarded(name, _images(data_set, where)), images[len(parts) :], labels[len(parts) :], where)
            _note_read(first.hexdigest(), scratch)
        if part is not None:
            parts += [part] * (len(images) - len(parts))
        given = getattr(data_set, "class_names", None)
        class_names = class_names or (tuple(map(str, given)) if given else None)
    if not images:
        raise DataError(f"data.source: {name} returned a data set without images")
    numbers, names = named_labels(np.asarray(labels), class_names, f"data.source: {name}")
    return Collected(tuple(images), numbers, names, tuple(parts) or None)


def _guarded(name: str, images: Iterator[tuple[bytes, Any]]) -> Iterator[tuple[bytes, Any]]:
    """The same images; an error of the person's code is told as theirs, and one of this node's disk is not."""
    while True:
        with errors_of(name, "data.source", "reading its data set"):
            image = next(images, None)
        if image is None:
            return
        yield image


def _check_again(again: Iterator[tuple[bytes, Any]], images: list[Packed], labels: list[Any], where: str) -> None:
    """Compare what was read with what is read again.

    Raises:
        DataError: it gave other labels or images.
    """
    count = 0
    for row, (content, label) in enumerate(again):
        if row < len(labels) and (content != images[row].read() or repr(label) != repr(labels[row])):
            if any(content == each.read() for each in images):
                raise DataError(
                    f"{where}: image {row} is another one when the data set is read again (its label was {labels[row]!r} and is {label!r}): it is shuffled anew. "
                    "Return it without shuffle (training images are shuffled for you), or with reshuffle_each_iteration=False and a seed"
                )
            raise DataError(
                f"{where}: image {row} has other pixels when the data set is read again: it is augmented at random. "
                "Return images as they are; data.augmentation varies them"
            )
        count += 1
    if count != len(labels):
        raise DataError(
            f"{where}: the data set gave {len(labels)} images and {count} when it is read again; it must give the same each time"
        )


def _marker(digest: str, scratch: Path) -> Path:
    return scratch / f"read-{digest}.same"


def _was_read(digest: str, scratch: Path | None) -> bool:
    """Whether the same images were read in the same order before on this node: then they need not be read again."""
    return scratch is not None and _marker(digest, scratch).exists()


def _note_read(digest: str, scratch: Path | None) -> None:
    if scratch is not None:
        with contextlib.suppress(OSError):
            _marker(digest, scratch).touch()


def _images(data_set: Any, where: str) -> Iterator[tuple[bytes, Any]]:  # noqa: ANN401 - of either library
    """Each image as an image file's bytes, with its label as a plain value.

    Raises:
        DataError: the elements are no images with labels, or there is no end of them.
    """
    form = _Form(where)
    for element in _elements(data_set, where):
        pair = _pair(element, where)
        pixels, labels = map(_array, pair)
        encoded = pixels.dtype.kind == "O"
        single = pixels.ndim == (0 if encoded else SPATIAL)
        if single:
            pixels, labels = pixels[None], labels[None]
        if len(pixels) != len(labels):
            raise DataError(f"{where}: a batch of {len(pixels)} images has {len(labels)} labels")
        contents = [bytes(each) for each in pixels] if encoded else form.files(pixels)
        yield from zip(contents, (_plain(each, where) for each in labels), strict=True)


def _array(value: Any) -> np.ndarray[Any, Any]:  # noqa: ANN401 - a tensor or an array
    plain = value.numpy() if hasattr(value, "numpy") else value
    return np.asarray(plain, object) if isinstance(plain, bytes) else np.asarray(plain)  # NumPy's own bytes lose zeros at their end


def _elements(data_set: Any, where: str) -> Iterator[Any]:  # noqa: ANN401 - as above
    """Elements from the first to the last."""
    keras = sys.modules.get("keras")
    if keras is not None and isinstance(data_set, keras.utils.PyDataset):
        count = data_set.num_batches
        if count is None:
            raise DataError(f"{where}: the PyDataset has no end; give it a __len__ that counts its batches")
        yield from (data_set[index] for index in range(count))
        return
    if int(data_set.cardinality()) == -1:  # tf.data.INFINITE_CARDINALITY
        raise DataError(f"{where}: the data set has no end; return it without repeat()")
    yield from data_set


def _pair(element: Any, where: str) -> tuple[Any, Any]:  # noqa: ANN401 - as above
    if isinstance(element, dict):
        image, label = (
            next((element[name] for name in names if name in element), None) for names in (("image", "images"), ("label", "labels"))
        )
        if image is not None and label is not None:
            return image, label
    elif isinstance(element, tuple | list) and PAIR <= len(element) <= PAIR + 1 and not isinstance(element[0], dict | tuple | list):
        return element[0], element[1]  # a third one weighs the images; the trainer has its own weights
    raise DataError(
        f"{where}: expected elements (image, label) or {{image: ..., label: ...}}, batched or not, got {type(element).__name__}"
    )


def _plain(label: Any, where: str) -> Any:  # noqa: ANN401 - a number, a text, or a row of a one-hot matrix
    value = np.asarray(label)
    if value.ndim == 1 and value.size > 1:
        if not (np.isin(value, (0, 1)).all() and value.sum() == 1):
            raise DataError(f"{where}: expected one label an image or one-hot rows, got {value.tolist()}")
        return int(value.argmax())
    plain = value.reshape(-1)[0] if value.size == 1 else None
    if plain is None:
        raise DataError(f"{where}: an image has {value.size} labels; expected one")
    return plain.decode() if isinstance(plain, bytes) else plain.item() if hasattr(plain, "item") else plain


class _Form:
    """Pixels of a data set to image files; one scale for all of them, which the first batch tells."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._scale: float | None = None

    def files(self, batch: np.ndarray[Any, Any]) -> list[bytes]:
        """Uncompressed image files (PGM or PPM), whose bytes depend on the pixels alone.

        Raises:
            DataError: the values are no pixels.
        """
        if batch.dtype not in (np.uint8, np.bool_):
            low, high = float(batch.min()), float(batch.max())
            if self._scale is None:
                floating = batch.dtype.kind not in "iu"
                self._scale = BRIGHTEST if floating and high <= 1 else 1.0 if floating or high <= BRIGHTEST else 1 / SIXTEEN_TO_EIGHT_BIT
            if not np.isfinite([low, high]).all() or low < 0 or round(high * self._scale, 3) > BRIGHTEST:
                raise DataError(
                    f"{self._where}: values run from {low:g} to {high:g}; expected raw pixels in [0, 255] or [0, 1], the same in all batches. "
                    "Standardising is data.preprocessing's work: give the images as they were before it"
                )
            batch = np.rint(batch * self._scale).astype(np.uint8)
        return [_file(pixels) for pixels in to_pixels(batch, "auto", None)]


def _file(pixels: np.ndarray[Any, Any]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(buffer, "PPM")
    return buffer.getvalue()
