"""Decoded images and activations on the node's disk: one memory-mapped file per data set and form, written once under a lock, shared by all processes."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.data.node_cache import IMAGES, hold
from trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

PIXEL = np.dtype(np.uint8)


def mapped(
    folder: Path,
    key: str,
    shape: tuple[int, ...],
    write: Callable[[npt.NDArray[Any]], None],
    limit_bytes: float,
    kind: np.dtype[Any] = PIXEL,
) -> npt.NDArray[Any]:
    """The array named `key`, from disk if some process has written it, else written now.

    The file stays in the cache as long as the array lives.

    Args:
        folder: cache folder, made if needed.
        key: names contents and form.
        shape: ``(n, height, width, channels)``.
        write: fills an array of that shape; called by one process only, the others wait.
        limit_bytes: other entries of the cache, least recently used first, are removed until all are below it together.
        kind: of its values.

    Raises:
        DataError: the folder cannot be written.
    """

    def make(path: Path) -> None:
        array = np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=shape)
        with path.open("r+b") as file:  # a full disk is an error here; met while the map is written it would end the process
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        write(array)
        array.flush()

    size = kind.itemsize * float(np.prod(shape, dtype=np.int64))
    try:
        held = hold(folder, f"{key}{IMAGES}", size, limit_bytes, make)
        found: npt.NDArray[Any] = np.load(held.path, mmap_mode="r")
    except OSError as error:
        raise DataError(f"{folder}: images cannot be cached here ({error}); set data.cache_path to a local folder with room") from error
    weakref.finalize(found, held.release)
    return found
