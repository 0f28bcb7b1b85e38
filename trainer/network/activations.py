"""Activations kept on the node: each file is made once under a lock, checked when a process first reads it, and made again where it is damaged or gone.

A file is named by all that its values depend on: the images and their part, the augmentation with its stream and epoch (`Varied`), the network, where it is cut,
the weights up to there, versions, device and type. Trainings in any process of the node share it, whatever else they do differently.
"""

from __future__ import annotations

import hashlib
import json
import time
import warnings
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.data.cache import FEATURES, SIZE_NOTE, drop, hold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

VALUES = "values.npy"
CHUNK_BYTES = 1 << 26
_VERIFIED: dict[tuple[str, int], None] = {}
"""Files, by path and inode, whose checksum was compared in this process."""
_SAID: set[str] = set()


class CacheWarning(UserWarning):
    """Activations could not be kept; the training computes them itself."""


@dataclass(frozen=True)
class Key:
    """Name of a file of activations.

    Attributes:
        family: hash of everything but where the network is cut: files of one family are activations of the same images at several depths.
        depth: place of the cut among the backbone's operations.
        weights: hash of the weights and statistics up to the cut.
    """

    family: str
    depth: int
    weights: str

    @property
    def name(self) -> str:
        """The entry's name in the cache folder."""
        return f"features-{self.family}-{self.depth:05d}-{self.weights}{FEATURES}"


@dataclass(frozen=True)
class Stored:
    """Activations as they lie on the disk.

    Attributes:
        values: ``(n, height, width, channels)``, mapped; in memory where they could not be kept.
        seconds: that computing them took, in whatever process.
        computed: whether this process computed them now.
    """

    values: NDArray[Any]
    seconds: float
    computed: bool


def stored(
    folder: Path,
    key: Key,
    shape: tuple[int, ...],
    kind: np.dtype[Any],
    limit: float,
    write: Callable[[NDArray[Any]], object],
    say: Callable[[str], object] | None = None,
) -> Stored:
    """The activations of a key, from the node's cache where some process has left them whole, else computed now.

    Args:
        folder: the cache folder.
        key: names them.
        shape: of all of them.
        kind: their type.
        limit: bytes that the whole cache may take.
        write: fills an array of that shape; one process calls it, others that want the same wait for it.
        say: told, once a process, that they cannot be kept; default: a `CacheWarning`.
    """
    seconds: list[float] = []

    def make(part: Path) -> None:
        part.mkdir()
        began = time.monotonic()
        array = _allocated(part / VALUES, shape, kind)
        write(array)
        array.flush()
        seconds.append(time.monotonic() - began)
        note = {"bytes": (part / VALUES).stat().st_size, "sum": _checksum(array), "seconds": seconds[-1]}
        (part / SIZE_NOTE).write_text(json.dumps(note))

    size = kind.itemsize * float(np.prod(shape, dtype=np.int64))
    for _ in range(2):
        try:
            held = hold(folder, key.name, size, limit, make)
        except OSError as error:
            _say_once(folder, error, say)
            break
        found = _opened(held.path, shape, kind, trusted=bool(seconds))
        if found is not None:
            values, took = found
            weakref.finalize(values, held.release)
            return Stored(values, took, bool(seconds))
        held.release()
        drop(held.path)  # damaged: made again
        seconds.clear()
    array = np.empty(shape, kind)
    began = time.monotonic()
    write(array)
    return Stored(array, time.monotonic() - began, computed=True)


def shallower(folder: Path, key: Key) -> Iterator[tuple[int, str]]:
    """Depth and weights of activations of the same images nearer to the input that are there, the deepest first."""
    begin = f"features-{key.family}-"
    found = [path.name.removeprefix(begin).removesuffix(FEATURES).split("-", 1) for path in folder.glob(f"{begin}*{FEATURES}")]
    yield from sorted(((int(depth), weights) for depth, weights in found if int(depth) < key.depth), reverse=True)


def found_there(folder: Path, key: Key) -> NDArray[Any] | None:
    """The values of a key where they are there and whole, else None; nothing is computed."""

    def absent(part: Path) -> None:
        raise FileNotFoundError(part)

    try:
        held = hold(folder, key.name, 0.0, float("inf"), absent)
    except OSError:
        return None
    found = _opened(held.path, None, np.dtype(np.float32), trusted=False)
    if found is None:
        held.release()
        return None
    weakref.finalize(found[0], held.release)
    return found[0]


def forget_checks() -> None:
    """Compare every file with its checksum again, as a new process would."""
    _VERIFIED.clear()


def _allocated(path: Path, shape: tuple[int, ...], kind: np.dtype[Any]) -> np.memmap[Any, Any]:
    import os

    array = np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=shape)
    with path.open("r+b") as file:  # a full disk is an error here; met while the map is written it would end the process
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def _opened(folder: Path, shape: tuple[int, ...] | None, kind: np.dtype[Any], *, trusted: bool) -> tuple[NDArray[Any], float] | None:
    """The values and the seconds that they took, or None where they are not what was written."""
    try:
        note = json.loads((folder / SIZE_NOTE).read_text())
        values: NDArray[Any] = np.load(folder / VALUES, mmap_mode="r", allow_pickle=False)
        known = (str(folder), (folder / VALUES).stat().st_ino)
        if (shape is not None and values.shape != shape) or values.dtype != kind:
            return None
        if not trusted and known not in _VERIFIED and _checksum(values) != note["sum"]:
            return None
        _VERIFIED[known] = None
        return values, float(note["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _checksum(array: NDArray[Any]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    rows = max(1, CHUNK_BYTES // max(1, array.nbytes // max(1, len(array))))
    for start in range(0, len(array), rows):
        digest.update(np.ascontiguousarray(array[start : start + rows]).data)
    return digest.hexdigest()


def _say_once(folder: Path, error: OSError, say: Callable[[str], object] | None) -> None:
    if str(folder) in _SAID:
        return
    _SAID.add(str(folder))
    text = (
        f"{folder}: activations of the frozen part cannot be kept here ({error.strerror or error}); every training computes them itself. "
        "Make room, or set data.cache_path to a local folder with room."
    )
    if say is None:
        warnings.warn(text, CacheWarning, stacklevel=2)
    else:
        say(text)
