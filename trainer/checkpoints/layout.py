"""The files of a training's checkpoint folder: their names, their checksums, and which of them may go.

``epoch-00007/`` holds ``weights.npz`` (what training changes in the network), ``state.npz`` (optimiser, averages), ``run.json`` (history) and
``checksums.json``, which is written last: a folder without it is no checkpoint. ``candidate-00007/`` is the same without ``state.npz``: weights that may still be
exported. ``model.keras`` is the exported model, or ``trained.npz`` what training changed of it (`trainer.fit.whole` makes the one of the other); ``export.json``
says which of them, of which epoch of how many, and its checksum; ``test.json`` what it scored on the test images.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

Arrays = list["NDArray[Any]"]

WEIGHTS, STATE, RUN, CHECKSUMS = "weights.npz", "state.npz", "run.json", "checksums.json"
COMPLETE, CANDIDATE, PARTIAL = "epoch-", "candidate-", ".partial-"
MODEL, TRAINED, EXPORT, TEST = "model.keras", "trained.npz", "export.json", "test.json"

_OURS = re.compile(rf"(?:(?:{COMPLETE}|{CANDIDATE})\d{{5,}}|{re.escape(PARTIAL)}[^/]+)/[^/]+|{re.escape(PARTIAL)}[^/]+")


def entry_name(kind: str, epoch: int) -> str:
    """Name of an epoch's folder; `kind` is `COMPLETE` or `CANDIDATE`."""
    return f"{kind}{epoch:05d}"


def removal_order(names: Iterable[str]) -> list[str]:
    """Names of files in the order in which to remove them: what makes others count goes first, so that no removal cut short leaves half a checkpoint that looks whole."""
    return sorted(names, key=lambda name: (name.rpartition("/")[2] not in (CHECKSUMS, EXPORT), name))


def exported_name(note: Mapping[str, Any]) -> str:
    """Which file an `EXPORT` note is about: `MODEL`, or `TRAINED`; a note that names another is not one of ours, and leads nowhere."""
    return TRAINED if note.get("file") == TRAINED else MODEL


def superfluous(names: Iterable[str], *, keep_model: bool) -> list[str]:
    """Of the files of a training that is over for good, those of ours that nobody needs any more, in the order in which to remove them.

    Args:
        names: paths relative to the checkpoint folder. Files that no training writes are left alone.
        keep_model: whether the exported model stays.
    """
    gone = [name for name in names if _OURS.fullmatch(name) or (not keep_model and name in (MODEL, TRAINED, EXPORT, TEST))]
    return removal_order(gone)


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_intact(folder: Path, names: Iterable[str]) -> bool:
    """Whether these files of a checkpoint are what was written."""
    try:
        sums = json.loads((folder / CHECKSUMS).read_text())
        return all(checksum(folder / name) == sums[name] for name in names)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def read_arrays(path: Path) -> Arrays:
    """Arrays as written."""
    with np.load(path, allow_pickle=False) as archive:
        return [archive[name] for name in sorted(archive.files)]


def write_arrays(path: Path, arrays: Sequence[NDArray[Any]]) -> None:
    """Write arrays in their order."""
    with path.open("wb") as file:
        np.savez(file, **{f"{index:05d}": array for index, array in enumerate(arrays)})  # type: ignore[arg-type]


def remove(path: Path) -> None:
    """Remove a folder or file; in a folder its checksums first, so that what is left of it counts for nothing."""
    if path.is_dir():
        (path / CHECKSUMS).unlink(missing_ok=True)
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
