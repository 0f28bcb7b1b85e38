"""Entries on the node's disk that processes share: each is made once under a lock, stays while a process uses it, and goes when room is needed.

An entry is a file of decoded images or activations, mapped into memory, or a folder of data brought from an object store.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import shutil
import time
import uuid
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt


IMAGES, STAGED, FEATURES = ".images.npy", ".staged", ".features"
"""Ends of the names of entries: decoded images (a file), a source brought here from an object store, activations of a frozen part (folders)."""
SIZE_NOTE = "complete.json"
"""In a folder entry: ``{"bytes": n, ...}``."""
_LOCK, _PART, _REMOVED = ".lock", ".part", ".removed"
PAUSE = (0.01, 0.05)
"""Seconds between two attempts to make an entry that others want at the same moment."""


def cache_folder(setting: str | None) -> Path:
    """The node-local cache folder: as set, else ``$XDG_CACHE_HOME/steadysweep`` or ``~/.cache/steadysweep``."""
    if setting is not None:
        return Path(setting).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "steadysweep"


@dataclass(frozen=True)
class Held:
    """An entry that is there and stays as long as it is held, however this process ends.

    Attributes:
        path: of the file or folder.
    """

    path: Path
    _lock: IO[bytes]

    def release(self) -> None:
        """Let it go when room is needed."""
        self._lock.close()


def hold(folder: Path, name: str, size: float, limit: float, make: Callable[[Path], object]) -> Held:
    """The entry `name`, made now unless some process has made it.

    It gets its name only when complete, so that a killed process leaves nothing that could be taken for it.

    Args:
        folder: cache folder, made if needed.
        name: names contents and form; ends with `IMAGES`, `STAGED` or `FEATURES`.
        size: bytes that it will take.
        limit: bytes that all entries may take: least recently used ones that nobody holds are removed until this one fits.
        make: writes it to the path given; called by one process only, the others wait.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / name
    lock = (folder / f"{name}{_LOCK}").open("ab")
    try:
        while True:
            fcntl.flock(lock, fcntl.LOCK_SH)  # waits while another process makes it
            if final.exists():
                os.utime(final)  # used now
                return Held(final, lock)
            fcntl.flock(lock, fcntl.LOCK_UN)
            try:  # never waited for: who has made the entry meanwhile holds it for as long as it trains
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(random.uniform(*PAUSE))  # noqa: S311 - so that those who want it do not meet again
                continue
            if not final.exists():
                _make(folder, final, size, limit, make)
    except BaseException:
        lock.close()
        raise


def _make(folder: Path, final: Path, size: float, limit: float, make: Callable[[Path], object]) -> None:
    for left in folder.glob(f"{final.name}.*{_PART}"):  # of a process that died, since this process holds the entry's lock
        _delete(left)
    make_room(folder, limit - size)
    part = folder / f"{final.name}.{uuid.uuid4().hex[:8]}{_PART}"
    try:
        make(part)
        part.rename(final)
    finally:
        _delete(part)


def make_room(folder: Path, room: float) -> None:
    """Remove least recently used entries that nobody holds until the rest takes at most `room` bytes, or all that is left is in use."""
    for left in folder.glob(f"*{_REMOVED}"):
        _delete(left)
    entries = sorted(_entries(folder), key=lambda entry: entry[1])
    total = sum(size for _, _, size in entries)
    for path, _, size in entries:
        if total <= room:
            return
        if _remove_unused(path):
            total -= size


def drop(path: Path) -> None:
    """Remove an entry that turned out to be damaged, unless another process holds it."""
    _remove_unused(path)


def has_room(folder: Path, size: float, limit: float) -> bool:
    """Whether entries of so many bytes can be made in a cache with this limit: on what the disk has left, or with what least recently used entries give back."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(there).free
    return size <= limit and (size <= free or (there == folder and size <= free + sum(entry[2] for entry in _entries(folder))))


def _entries(folder: Path) -> Iterator[tuple[Path, float, int]]:
    """Path, last use and bytes of every entry."""
    for path in folder.iterdir():
        if path.name.endswith((IMAGES, STAGED, FEATURES)):
            with contextlib.suppress(OSError, ValueError, KeyError):  # removed meanwhile
                used = path.stat()
                size = int(json.loads((path / SIZE_NOTE).read_text())["bytes"]) if path.is_dir() else used.st_size
                yield path, used.st_mtime, size


def _remove_unused(path: Path) -> bool:
    """Remove an entry unless a process holds it or makes it."""
    with path.with_name(f"{path.name}{_LOCK}").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        removed = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}{_REMOVED}")
        with contextlib.suppress(FileNotFoundError):
            path.rename(removed)
            _delete(removed)
    return True


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


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
        array: npt.NDArray[Any] = np.load(held.path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise DataError(f"{folder}: images cannot be cached here ({error}); set data.cache_path to a local folder with room") from error
    weakref.finalize(array, held.release)
    return array
