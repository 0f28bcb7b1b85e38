"""From a `DataConfig` to decoded, split, fingerprinted images, once per process and configuration; damaged files stop it or are left out."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from trainer.data.cache import cache_folder, mapped
from trainer.data.folds import fold_numbers
from trainer.data.images import (
    DIGEST_BYTES,
    PARTS,
    THREADS,
    Forms,
    ImageData,
    ImageSet,
    Part,
    Pool,
    content_places,
    digest_array,
    digest_files,
    fingerprint,
    mapped_from_disk,
)
from trainer.data.pixels import Header, decode, read_header, to_pixels
from trainer.data.sources import collect
from trainer.data.split import Rows, gives_validation, split
from trainer.data.staging import GIGABYTE, local_source
from trainer.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from trainer.config import DataConfig
    from trainer.data.packed import Packed
    from trainer.data.sources.collected import Collected

READING = ("source", "image_size", "color", "classes", "split", "on_unreadable", "cache_memory_gb", "cache_path")
"""The settings that decide what is loaded; all others may differ between trials that share the images."""

_LOADED: dict[str, ImageData] = {}
_LOCK = threading.Lock()


def load_data(config: DataConfig) -> ImageData:
    """Load the images of a study, decoding and resizing each once.

    The result is kept for later calls with the same source, size, channels, classes and split, up to `cache_memory_gb` in all, so that
    trials in one process share it. It must not be written to.

    Raises:
        DataError: the source, a file or the split cannot be used; the message names it and says what to change.
    """
    if config.split.only_fold is not None:  # one of folds that are loaded once
        return load_data(config.of_fold(None)).of_fold(config.split.only_fold)
    key = config.model_dump_json(include=set(READING))
    with _LOCK:
        if key not in _LOADED:
            # data mapped from the cache goes before other data needs its room: kept, it would count as in use
            for other in [other for other, data in _LOADED.items() if mapped_from_disk(data.train.images)]:
                del _LOADED[other]
            _LOADED[key] = data = _load(config)
            while len(_LOADED) > 1 and sum(_bytes_in_memory(kept) for kept in _LOADED.values()) > config.cache_memory_gb * GIGABYTE:
                del _LOADED[next(iter(_LOADED))]
            return data
        return _LOADED[key]


def forget_data() -> None:
    """Drop what `load_data` has kept, e.g. after files have changed."""
    with _LOCK:
        _LOADED.clear()


def _bytes_in_memory(data: ImageData) -> int:
    return sum(images.images.nbytes for _, images in data.parts() if not mapped_from_disk(images.images))


def _load(config: DataConfig) -> ImageData:
    with local_source(config) as source:
        collected = _choose_classes(collect(source, cache_folder(config.cache_path), config.split.groups), config)
        if isinstance(collected.content, tuple):
            return _load_files(collected, collected.content, config)
        return _load_array(collected, collected.content, config)


def _choose_classes(collected: Collected, config: DataConfig) -> Collected:
    """Keep the classes asked for, numbered in the order asked for."""
    if config.classes is None:
        return collected
    for name in config.classes:
        if name not in collected.class_names:
            raise DataError(
                f"data.classes: {name!r} is not a class of {config.source_text} ({', '.join(collected.class_names)}){nearest(name, collected.class_names)}"
            )
    if len(set(config.classes)) != len(config.classes):
        raise DataError("data.classes: a class is named twice")
    new = np.full(len(collected.class_names), -1, np.int32)
    for number, name in enumerate(config.classes):
        new[collected.class_names.index(name)] = number
    rows = np.flatnonzero(new[collected.labels] >= 0)
    chosen = collected.take(rows)
    return replace(chosen, labels=new[chosen.labels], class_names=config.classes)


def _load_array(collected: Collected, content: npt.NDArray[np.generic], config: DataConfig) -> ImageData:
    pixels = to_pixels(content, config.color, _wanted_size(config))
    digests = digest_array(content)
    rows = split(collected, digests, config.split)
    sets = {part: ImageSet(pixels[chosen], collected.labels[chosen], None, len(collected.class_names)) for part, chosen in rows.items()}
    if config.split.validation == "train":
        sets["validation"] = sets["train"]
    height, width, *channels = content.shape[1:]
    mode = {1: "L", 4: "RGBA"}.get(channels[0] if channels else 1, "RGB")
    return _assemble(
        sets, collected, digests, rows, pixels.shape[1:], config, forms=Forms({(height, width): len(content)}, {mode: len(content)})
    )


NAMED_IN_ERRORS = 5
DECODING = "transparent on white"
"""Part of the names of cached pixels: those of versions that decoded otherwise are not used."""


def _load_files(collected: Collected, files: Sequence[Path | Packed], config: DataConfig) -> ImageData:
    """Decode the files; those that turn out damaged are left out and the rest is split again, or the load fails, as configured."""
    skipped: list[str] = []
    while True:
        paths = np.empty(len(files), object)
        paths[:] = files
        headers, digests, bad = _examine(files)
        if not bad:
            size, channels = _form(headers, files, config)
            rows = split(collected, digests, config.split)
            try:
                sets = _decode_parts(paths, digests, rows, collected, (*size, channels), config)
            except _DamagedError as damaged:
                bad = damaged.reasons
            else:
                return _assemble(sets, collected, digests, rows, (*size, channels), config, tuple(skipped), forms=_forms_of(headers, files))
        lines = [f"{files[row]}: {reason}" for row, reason in sorted(bad.items())]
        if config.on_unreadable == "fail":
            examples = "\n  ".join(lines[:NAMED_IN_ERRORS])
            more = f"\n  and {len(lines) - NAMED_IN_ERRORS} more" if len(lines) > NAMED_IN_ERRORS else ""
            raise DataError(
                f"{len(lines)} of {len(files)} images cannot be read:\n  {examples}{more}\nRepair or remove them, or set data.on_unreadable: skip"
            )
        skipped += lines
        good = np.asarray([row for row in range(len(files)) if row not in bad], np.int64)
        if not len(good):
            raise DataError(f"{config.source_text}: none of the {len(skipped)} images can be read; the first: {skipped[0]}")
        collected, files = collected.take(good), [files[row] for row in good]


class _DamagedError(Exception):
    """Files that opened but did not decode."""

    def __init__(self, reasons: dict[int, str]) -> None:
        super().__init__()
        self.reasons = reasons


def _examine(files: Sequence[Path | Packed]) -> tuple[list[Header], list[str], dict[int, str]]:
    """Header and content hash of every file; rows that cannot be read, with the reason."""

    def header(path: Path | Packed) -> Header | str:
        try:
            return read_header(path)
        except Exception as error:  # noqa: BLE001 - Pillow's plug-ins raise anything on damaged files
            return _reason(error)

    with ThreadPoolExecutor(THREADS) as pool:
        headers = list(pool.map(header, files))
    digests = digest_files(files)
    bad = {row: value for row, value in enumerate(headers) if isinstance(value, str)}
    bad |= {row: _reason(value) for row, value in enumerate(digests) if isinstance(value, OSError)}
    return [value for value in headers if not isinstance(value, str)], [value for value in digests if isinstance(value, str)], bad


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    text = str(error).splitlines()[0] if str(error) else ""
    return "not an image, or damaged" if "cannot identify" in text else text or type(error).__name__


def _forms_of(headers: Sequence[Header], files: Sequence[Path | Packed]) -> Forms:
    """Sizes and colour modes as the files have them."""
    sides = [(header.height, header.width) for header in headers]
    smallest = min(range(len(sides)), key=lambda row: min(sides[row]))
    largest = max(range(len(sides)), key=lambda row: max(sides[row]))
    modes = Counter(header.mode for header in headers)
    return Forms(dict(Counter(sides).most_common()), dict(modes.most_common()), str(files[smallest]), str(files[largest]))


def _form(headers: Sequence[Header], files: Sequence[Path | Packed], config: DataConfig) -> tuple[tuple[int, int], int]:
    """Height, width and channels that every image is brought to."""
    channels = {"grey": 1, "rgb": 3}.get(config.color) or (1 if all(header.grey for header in headers) else 3)
    size = _wanted_size(config)
    if size is None:
        size = (headers[0].height, headers[0].width)
        for header, file in zip(headers, files, strict=True):
            if (header.height, header.width) != size:
                raise DataError(
                    f"data.image_size is not set and the images differ in size: {files[0]} has {size[0]}x{size[1]} pixels, "
                    f"{file} {header.height}x{header.width}; set data.image_size, e.g. 224"
                )
    return size, channels


def _decode_parts(
    paths: npt.NDArray[np.object_],
    digests: Sequence[str],
    rows: Rows,
    collected: Collected,
    shape: tuple[int, int, int],
    config: DataConfig,
) -> dict[Part, ImageSet]:
    """Decode part after part into one array, in memory or on disk, and cut it into parts."""
    shared = config.split.validation == "train"
    order = {part: chosen for part, chosen in rows.items() if not (shared and part == "validation")}
    flat = np.concatenate(list(order.values()))
    total = (len(flat), *shape)
    if np.prod(total, dtype=np.int64) <= config.cache_memory_gb * GIGABYTE:
        pixels = np.empty(total, np.uint8)
        _decode_into(pixels, paths, flat)
    else:
        # in this order, so that a copy of the images under other names, listed otherwise, gets a file of its own
        contents = "\n".join([str(shape), DECODING, *(digests[row] for row in flat)])
        name = hashlib.blake2b(contents.encode(), digest_size=DIGEST_BYTES).hexdigest()
        pixels = mapped(
            cache_folder(config.cache_path), name, total, lambda array: _decode_into(array, paths, flat), config.cache_disk_gb * GIGABYTE
        )
    sets: dict[Part, ImageSet] = {}
    start = 0
    for part, chosen in order.items():
        names = tuple(str(path) for path in paths[chosen])
        part_pixels = pixels[start : start + len(chosen)]
        sets[part] = ImageSet(part_pixels, collected.labels[chosen], names, len(collected.class_names))
        start += len(chosen)
    if shared:
        sets["validation"] = sets["train"]
    return sets


def _decode_into(array: npt.NDArray[np.uint8], paths: npt.NDArray[np.object_], rows: npt.NDArray[np.int64]) -> None:
    """Fill `array` with the decoded `rows` of `paths`, in threads: Pillow releases the interpreter while it decodes."""
    height, width, channels = array.shape[1:]
    bad: dict[int, str] = {}

    def one(place: int) -> None:
        try:
            array[place] = decode(paths[rows[place]], (height, width), channels)
        except Exception as error:  # noqa: BLE001 - Pillow's plug-ins raise anything on damaged files
            bad[int(rows[place])] = _reason(error)

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(one, range(len(rows))):
            pass
    if bad:
        raise _DamagedError(bad)


def _wanted_size(config: DataConfig) -> tuple[int, int] | None:
    """Height and width that images are brought to; None: as they are."""
    return (config.image_size, config.image_size) if isinstance(config.image_size, int) else config.image_size


def _assemble(  # noqa: PLR0913 - what was found, and how it is divided
    sets: dict[Part, ImageSet],
    collected: Collected,
    digests: Sequence[str],
    rows: Rows,
    shape: tuple[int, ...],
    config: DataConfig,
    skipped: tuple[str, ...] = (),
    *,
    forms: Forms,
) -> ImageData:
    """The whole; `shape` is the height, width and channels that images are decoded to."""
    needed = PARTS[:1] if config.split.folds else PARTS[:2]
    for part in needed:
        if part not in sets or not len(sets[part]):
            raise DataError(f"no {part} images; give some, or change data.split")
    form = f"uint8 {shape}"
    places = content_places(digests, collected.labels)
    source_rows = collected.source_rows
    placed = {
        part: replace(images, places=places[rows[part]], rows=source_rows[rows[part]], digests=tuple(digests[row] for row in rows[part]))
        for part, images in sets.items()
    }
    if sets.get("validation") is sets["train"]:
        placed["validation"] = placed["train"]
    own = gives_validation(collected)
    files = isinstance(collected.content, tuple)
    unused = tuple(
        (digests[row], int(collected.labels[row]), str(collected.content[row]) if files else "")
        for row in np.setdiff1d(np.arange(len(collected)), np.concatenate(list(rows.values())))
    )
    test, names = placed.get("test"), collected.class_names
    identity = fingerprint(digests, collected.labels, names, rows, form)
    if not config.split.folds:
        return ImageData(placed["train"], placed["validation"], test, names, identity, skipped, own, unused, forms)
    numbers = fold_numbers(rows["train"], collected, digests, config.split)
    pool = Pool(placed["train"], numbers, identity)
    named: dict[str, npt.NDArray[np.int64]] = {part: chosen for part, chosen in rows.items() if part != "train"}
    named |= {f"fold {fold}": rows["train"][numbers == fold] for fold in range(1, pool.folds + 1)}
    divided = fingerprint(digests, collected.labels, names, named, form)
    train, validation = (pool.images.view(chosen) for chosen in pool.rows(1).values())
    return ImageData(train, validation, test, names, divided, skipped, own, unused, forms, pool)
