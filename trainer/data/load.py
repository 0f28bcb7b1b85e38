"""From a `DataConfig` to decoded, split, fingerprinted images; once per process and configuration."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from trainer.data.files import GIGABYTE, assemble, identity, image_set, load_files, wanted_size
from trainer.data.images import digest_array
from trainer.data.pixels import to_pixels
from trainer.data.sources import collect
from trainer.data.split import split
from trainer.data.staging import local_source
from trainer.errors import DataError, nearest

if TYPE_CHECKING:
    import numpy.typing as npt

    from trainer.config import DataConfig
    from trainer.data.images import ImageData
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
    key = config.model_dump_json(include=set(READING))
    with _LOCK:
        if key not in _LOADED:
            _let_go_of_files()
            data = _load(config)
            _keep(key, data, config.cache_memory_gb * GIGABYTE)
            return data
        return _LOADED[key]


def forget_data() -> None:
    """Drop what `load_data` has kept, e.g. after files have changed."""
    with _LOCK:
        _LOADED.clear()


def _let_go_of_files() -> None:
    """Drop kept data that is mapped from the cache, before other data needs its room: kept, it would count as in use."""
    for key in [key for key, data in _LOADED.items() if isinstance(data.train.images, np.memmap)]:
        del _LOADED[key]


def _keep(key: str, data: ImageData, budget: float) -> None:
    """Keep `data`, dropping the oldest others while more than `budget` bytes are in memory."""
    _LOADED[key] = data
    while len(_LOADED) > 1 and sum(_bytes_in_memory(kept) for kept in _LOADED.values()) > budget:
        del _LOADED[next(iter(_LOADED))]


def _bytes_in_memory(data: ImageData) -> int:
    return sum(images.images.nbytes for _, images in data.parts() if not isinstance(images.images, np.memmap))


def _load(config: DataConfig) -> ImageData:
    with local_source(config) as source:
        collected = _choose_classes(collect(source), config)
        if isinstance(collected.content, tuple):
            return load_files(collected, collected.content, config)
        return _load_array(collected, collected.content, config)


def _choose_classes(collected: Collected, config: DataConfig) -> Collected:
    """Keep the classes asked for, numbered in the order asked for."""
    if config.classes is None:
        return collected
    for name in config.classes:
        if name not in collected.class_names:
            raise DataError(
                f"data.classes: {name!r} is not a class of {config.source} ({', '.join(collected.class_names)}){nearest(name, collected.class_names)}"
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
    pixels = to_pixels(content, config.color, wanted_size(config))
    digests = digest_array(content)
    rows = split(collected, digests, config.split)
    sets = {part: image_set(pixels[chosen], collected, chosen, names=None) for part, chosen in rows.items()}
    if config.split.validation == "train":
        sets["validation"] = sets["train"]
    return assemble(sets, collected, identity(digests, collected, rows, pixels.shape[1:]), ())
