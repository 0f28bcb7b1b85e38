"""Checkpoints on an object store: written to a node-local folder, then made the same on the store.

The store holds the same names as a local checkpoint folder would. Mirroring compares the two: first what the store lacks is uploaded, the newest epoch first and
the checksums of each checkpoint last; then what is no longer here is removed, checksums first. A process may die anywhere in between: a checkpoint without
checksums is none, and what stays behind is removed by the next attempt. An upload that fails is made up for by the next one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from trainer.checkpoints.layout import CANDIDATE, CHECKSUMS, COMPLETE, EXPORT, MODEL, PARTIAL, TEST, TRAINED, entry_name, removal_order
from trainer.checkpoints.local import Checkpoints
from trainer.data.cache import cache_folder
from trainer.places import open_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from trainer.checkpoints.layout import Arrays
    from trainer.places import Folder

WAITS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between tries to read a store at the start of an attempt: epochs that were paid for are worth a minute."""
SCRATCH = "checkpoints"
OLD_SECONDS = 3600.0
_LOCK = "in-use.lock"
_MAKING = ".making-"
_FILES = (MODEL, TRAINED, EXPORT, TEST)
_Result = TypeVar("_Result")


def mirrored_checkpoints(
    place: str, *, cache_path: str | None = None, say: Callable[[str], object] | None = None, recorded_epochs: int = 0
) -> MirroredCheckpoints:
    """See `trainer.checkpoints.open_checkpoints`."""
    store = open_folder(place, "checkpoint_dir")
    scratch = _Scratch(cache_folder(cache_path) / SCRATCH, place)
    try:
        return MirroredCheckpoints(store, scratch, say=say, recorded_epochs=recorded_epochs)
    except BaseException:
        scratch.close()
        raise


class MirroredCheckpoints(Checkpoints):
    """The checkpoints of one training on a store; everything whole there is fetched at the start."""

    def __init__(self, store: Folder, scratch: _Scratch, *, say: Callable[[str], object] | None = None, recorded_epochs: int = 0) -> None:
        super().__init__(scratch.folder / "files", say=say, recorded_epochs=recorded_epochs)
        self._store = store
        self._scratch = scratch
        self._there: dict[str, tuple[str, ...]] = {}  # entry on the store → its files there
        self._whole: set[str] = set()  # entries on the store that equal those here
        self._fetch()

    def close(self) -> None:
        """Remove the local copy."""
        self._scratch.close()

    def place_of(self, name: str) -> Path | str:
        """Its address."""
        return f"{self._store.place}/{name}"

    @property
    def place(self) -> Path | str:
        """Its address."""
        return self._store.place

    def write(self, epoch: int, weights: Arrays, state: Arrays, run: dict[str, Any]) -> Path | str:
        """Write and upload the checkpoint of an epoch.

        Raises:
            OSError: the local disk is full, or the store did not take it; what was there before is as it was.
        """
        place = super().write(epoch, weights, state, run)
        self._whole.discard(entry_name(COMPLETE, epoch))
        self._upload()
        return place

    def retain(self, candidates: Collection[int]) -> None:
        """Keep here and there the newest two whole, of `candidates` the weights, and remove the rest."""
        super().retain(candidates)
        self._upload()
        for entry in self._there.keys() - self._entries():
            self._remove_there(entry)

    def export(self, epoch: int, epochs: int, write: Callable[[Path], object], name: str = MODEL) -> Path | str:
        """Write and upload the exported model, then its checksum."""
        place = super().export(epoch, epochs, write, name)
        self._upload()
        for entry in (self._there.keys() & {MODEL, TRAINED}) - self._entries():
            self._remove_there(entry)
        return place

    def write_note(self, name: str, content: dict[str, Any]) -> None:
        """Write and upload a note; with that of a model, the model first."""
        super().write_note(name, content)
        self._whole -= {name, MODEL, TRAINED} if name == EXPORT else {name}
        self._upload()

    def _fetch(self) -> None:
        """Copy what the store has; folders without checksums are what an upload cut short left, and are not fetched."""
        entries: dict[str, list[str]] = {}
        for name in _patiently(self._store.files, self.say):
            entries.setdefault(name.partition("/")[0], []).append(name)
        for entry, names in entries.items():
            if not entry.startswith((COMPLETE, CANDIDATE)) and entry not in _FILES:
                continue
            self._there[entry] = tuple(names)
            if entry in _FILES or f"{entry}/{CHECKSUMS}" in names:
                self._whole.add(entry)
                for name in names:
                    target = self.folder / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with contextlib.suppress(FileNotFoundError):  # removed meanwhile: its checksum tells
                        _patiently(lambda name=name, target=target: self._store.download(name, target), self.say)  # type: ignore[misc]

    def _upload(self) -> None:
        """Give the store what it lacks."""
        for entry in sorted(self._entries() - self._whole, reverse=True):  # model.keras before export.json, the newest epoch before others
            self._remove_there(entry)
            path = self.folder / entry
            inside_it = (f"{entry}/{file.name}" for file in path.iterdir()) if path.is_dir() else (entry,)
            names = self._there[entry] = tuple(reversed(removal_order(inside_it)))
            earlier = entry.replace(CANDIDATE, COMPLETE, 1)
            inside = entry.startswith(CANDIDATE) and earlier in self._whole
            for name in names:
                if inside:
                    self._store.copy(name.replace(entry, earlier, 1), name)
                else:
                    self._store.upload(self.folder / name, name)
            self._whole.add(entry)

    def _remove_there(self, entry: str) -> None:
        self._whole.discard(entry)
        if entry in self._there:
            self._store.remove(removal_order(self._there[entry]))
            del self._there[entry]

    def _entries(self) -> set[str]:
        return {path.name for path in self.folder.iterdir() if not path.name.startswith(PARTIAL)}


class _Scratch:
    """A node-local folder of this process, locked while it lives; those of processes that have died are removed."""

    def __init__(self, root: Path, place: str) -> None:
        root.mkdir(parents=True, exist_ok=True)
        for left in root.iterdir():
            _remove_if_abandoned(left)
        name = hashlib.sha256(place.encode()).hexdigest()[:12]
        unlocked = Path(tempfile.mkdtemp(prefix=f"{_MAKING}{name}-", dir=root))
        self._lock: IO[bytes] | None = (unlocked / _LOCK).open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.folder = unlocked.rename(root / unlocked.name.removeprefix(_MAKING))

    def close(self) -> None:
        """Remove it."""
        if self._lock is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self._lock.close()
            self._lock = None


def _remove_if_abandoned(folder: Path) -> None:
    """Remove a folder that no process holds; one that is being made is not locked yet, and is old if its process has died."""
    try:
        if folder.name.startswith(_MAKING) and time.time() - folder.stat().st_mtime < OLD_SECONDS:
            return
        with (folder / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # in use, or on its way out
        return


def _patiently(operation: Callable[[], _Result], say: Callable[[str], object]) -> _Result:
    """Try a few times, over about a minute."""
    for wait in WAITS:
        try:
            return operation()
        except FileNotFoundError:
            raise
        except OSError as error:
            say(f"{error}; trying again in {wait:g} s")
            time.sleep(wait)
    return operation()
