"""Decoded images and activations on the node's disk: one memory-mapped file per data set and form, written once under a lock, shared by all processes."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

_SUFFIX = ".images.npy"
PIXEL = np.dtype(np.uint8)


def cache_folder(setting: str | None) -> Path:
    """The node-local cache folder: as set, else ``$XDG_CACHE_HOME/steadysweep`` or ``~/.cache/steadysweep``."""
    if setting is not None:
        return Path(setting).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "steadysweep"


def mapped(
    folder: Path,
    key: str,
    shape: tuple[int, ...],
    write: Callable[[npt.NDArray[Any]], None],
    limit_bytes: float,
    kind: np.dtype[Any] = PIXEL,
) -> npt.NDArray[Any]:
    """The array named `key`, from disk if some process has written it, else written now.

    A file appears under its final name only when complete, so that a killed writer leaves nothing that could be read.

    Args:
        folder: cache folder, made if needed.
        key: names contents and form.
        shape: ``(n, height, width, channels)``.
        write: fills an array of that shape; called by one process only, the others wait.
        limit_bytes: the least recently used files are removed until the folder is below it; this file stays.
        kind: of its values.

    Raises:
        DataError: the folder cannot be written.
    """
    final = folder / f"{key}{_SUFFIX}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / f"{key}.lock"):
            if not final.exists():
                _make_room(folder, limit_bytes - kind.itemsize * np.prod(shape, dtype=np.int64))
                unfinished = folder / f"{key}.{os.getpid()}.part"
                try:
                    array = np.lib.format.open_memmap(unfinished, mode="w+", dtype=kind, shape=shape)
                    write(array)
                    array.flush()
                    del array
                    unfinished.rename(final)
                finally:
                    unfinished.unlink(missing_ok=True)
        final.touch()
        found: npt.NDArray[Any] = np.load(final, mmap_mode="r")
    except OSError as error:
        raise DataError(f"{folder}: images cannot be cached here ({error}); set data.cache_path to a local folder with room") from error
    return found


def remove(folder: Path, key: str) -> None:
    """Drop the file of `key`; processes that have it open keep their mapping."""
    (folder / f"{key}{_SUFFIX}").unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make_room(folder: Path, room: float) -> None:
    """Remove least recently used files until the rest is at most `room` bytes. Processes that have one open keep their mapping."""
    files = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime, reverse=True)
    used = 0
    for path in files:
        used += path.stat().st_size
        if used > room:
            path.unlink(missing_ok=True)
