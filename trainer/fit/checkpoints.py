"""Checkpoints of one training in a local folder: atomic, checked, the last two kept, plus the weights of epochs that may be exported.

Layout: ``epoch-00007/`` holds ``weights.npz`` (what training changes in the network), ``state.npz`` (optimiser, averages), ``run.json`` (history) and
``checksums.json``. A folder is written under another name and renamed when complete; what a power cut damages all the same,
the checksums tell. Once it is no longer among the last two it becomes
``candidate-00007/`` without ``state.npz`` while its epoch may still be the best of the late ones, and is removed after.
All files of a training's checkpoints are read and written here.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

Arrays = list["NDArray[Any]"]

KEPT = 2
WEIGHTS, STATE, RUN, CHECKSUMS = "weights.npz", "state.npz", "run.json", "checksums.json"
_COMPLETE, _CANDIDATE, _PARTIAL = "epoch-", "candidate-", ".partial-"


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint as read.

    Attributes:
        epoch: that it was written after.
        weights: of the network, those that training changes.
        state: of optimisers and averages.
        run: the JSON given with it.
        folder: where it is.
    """

    epoch: int
    weights: Arrays
    state: Arrays
    run: dict[str, Any]
    folder: Path


class Checkpoints:
    """The checkpoint folder of one training."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{_PARTIAL}*"):  # of a training that was killed while it wrote
            shutil.rmtree(left, ignore_errors=True)

    def write(self, epoch: int, weights: Arrays, state: Arrays, run: dict[str, Any]) -> Path:
        """Write the checkpoint of an epoch; it is there completely or not at all, whenever the process dies."""
        target = self.folder / f"{_COMPLETE}{epoch:05d}"
        partial = self.folder / f"{_PARTIAL}{epoch:05d}"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        _write_arrays(partial / WEIGHTS, weights)
        _write_arrays(partial / STATE, state)
        (partial / RUN).write_text(json.dumps(run))
        sums = {name: _checksum(partial / name) for name in (WEIGHTS, STATE, RUN)}
        (partial / CHECKSUMS).write_text(json.dumps(sums))
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
        return target

    def newest(self) -> Checkpoint | None:
        """The newest checkpoint that is undamaged; damaged ones are removed, so that their epochs are trained again."""
        for epoch in sorted(self._epochs(_COMPLETE), reverse=True):
            folder = self.folder / f"{_COMPLETE}{epoch:05d}"
            if _is_intact(folder, (WEIGHTS, STATE, RUN)):
                run = json.loads((folder / RUN).read_text())
                return Checkpoint(epoch, _read_arrays(folder / WEIGHTS), _read_arrays(folder / STATE), run, folder)
            shutil.rmtree(folder)
        return None

    def epochs(self) -> tuple[int, ...]:
        """Epochs whose weights are here, ascending."""
        return tuple(sorted(self._epochs(_COMPLETE) | self._epochs(_CANDIDATE)))

    def weights(self, epoch: int) -> Arrays | None:
        """The weights after an epoch; None when they are not here or damaged."""
        for prefix in (_COMPLETE, _CANDIDATE):
            folder = self.folder / f"{prefix}{epoch:05d}"
            if folder.is_dir() and _is_intact(folder, (WEIGHTS,)):
                return _read_arrays(folder / WEIGHTS)
        return None

    def retain(self, candidates: Collection[int]) -> None:
        """Keep the newest two whole, of `candidates` the weights, and remove the rest."""
        complete = sorted(self._epochs(_COMPLETE))
        for epoch in complete[:-KEPT]:
            folder = self.folder / f"{_COMPLETE}{epoch:05d}"
            if epoch in candidates:
                folder = folder.rename(self.folder / f"{_CANDIDATE}{epoch:05d}")
                (folder / STATE).unlink()
            else:
                shutil.rmtree(folder)
        for epoch in self._epochs(_CANDIDATE) - set(candidates):
            shutil.rmtree(self.folder / f"{_CANDIDATE}{epoch:05d}")

    def forget_after(self, epoch: int) -> None:
        """Remove weights of epochs after `epoch`: they are of a past that training does not continue from."""
        for prefix in (_COMPLETE, _CANDIDATE):
            for later in self._epochs(prefix):
                if later > epoch:
                    shutil.rmtree(self.folder / f"{prefix}{later:05d}")

    def write_note(self, name: str, content: dict[str, Any]) -> None:
        """Write a small JSON file beside the checkpoints, atomically."""
        partial = self.folder / f"{_PARTIAL}{name}"
        partial.write_text(json.dumps(content))
        partial.replace(self.folder / name)

    def read_note(self, name: str) -> dict[str, Any] | None:
        """A JSON file written by `write_note`; None when there is none or it cannot be read."""
        try:
            content = json.loads((self.folder / name).read_text())
        except (OSError, ValueError):
            return None
        return content if isinstance(content, dict) else None

    def _epochs(self, prefix: str) -> set[int]:
        return {int(path.name.removeprefix(prefix)) for path in self.folder.glob(f"{prefix}[0-9]*") if path.is_dir()}


def _write_arrays(path: Path, arrays: Sequence[NDArray[Any]]) -> None:
    with path.open("wb") as file:
        np.savez(file, **{f"{index:05d}": array for index, array in enumerate(arrays)})  # type: ignore[arg-type]


def _read_arrays(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as archive:
        return [archive[name] for name in sorted(archive.files)]


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_intact(folder: Path, names: Iterable[str]) -> bool:
    try:
        sums = json.loads((folder / CHECKSUMS).read_text())
        return all(_checksum(folder / name) == sums[name] for name in names)
    except (OSError, ValueError, KeyError, TypeError):
        return False
