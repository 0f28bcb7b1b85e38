"""Checkpoints of one training in a folder: atomic, checked, the last two kept, plus the weights of epochs that may be exported; and how often they are written.

A checkpoint is written under another name and renamed when complete; what a power cut damages all the same, the checksums tell. Once it is no longer among the
last two it becomes a candidate without its state while its epoch may still be the best of the late ones, and is removed after.
"""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from trainer.checkpoints.layout import (
    CANDIDATE,
    CHECKSUMS,
    COMPLETE,
    EXPORT,
    MODEL,
    PARTIAL,
    RUN,
    STATE,
    TRAINED,
    WEIGHTS,
    Arrays,
    checksum,
    entry_name,
    exported_name,
    is_intact,
    read_arrays,
    remove,
    write_arrays,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

KEPT = 2


class CheckpointWarning(UserWarning):
    """A checkpoint is lost, or could not be written; the training goes on."""


def warn(text: str) -> None:
    """Say it where nobody else listens."""
    warnings.warn(text, CheckpointWarning, stacklevel=2)


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint as read.

    Attributes:
        epoch: that it was written after.
        weights: of the network, those that training changes.
        state: of optimisers and averages.
        run: the JSON given with it.
        place: where it lies: a path, or an address.
    """

    epoch: int
    weights: Arrays
    state: Arrays
    run: dict[str, Any]
    place: Path | str


class Checkpoints:
    """The checkpoint folder of one training.

    Attributes:
        folder: where files are written.
        say: called with a sentence on what is lost or cannot be written.
    """

    def __init__(self, folder: Path, *, say: Callable[[str], object] | None = None, recorded_epochs: int = 0) -> None:
        self.folder = folder
        self.say = say or warn
        self._recorded_epochs = recorded_epochs
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{PARTIAL}*"):  # of a training that was killed while it wrote
            remove(left)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free what is needed only while training."""

    def place_of(self, name: str) -> Path | str:
        """Where a file or folder of a given name lies for others: a path, or an address."""
        return self.folder / name

    @property
    def place(self) -> Path | str:
        """Where all of it lies."""
        return self.folder

    def write(self, epoch: int, weights: Arrays, state: Arrays, run: dict[str, Any]) -> Path | str:
        """Write the checkpoint of an epoch; it is there completely or not at all, whenever the process dies or the disk is full.

        Raises:
            OSError: it could not be written; earlier ones are as they were.
        """
        name = entry_name(COMPLETE, epoch)
        partial = self.folder / f"{PARTIAL}{epoch:05d}"
        remove(partial)
        try:
            partial.mkdir()
            write_arrays(partial / WEIGHTS, weights)
            write_arrays(partial / STATE, state)
            (partial / RUN).write_text(json.dumps(run))
            sums = {each: checksum(partial / each) for each in (WEIGHTS, STATE, RUN)}
            (partial / CHECKSUMS).write_text(json.dumps(sums))
            remove(self.folder / name)
            partial.rename(self.folder / name)
        except OSError:
            remove(partial)
            raise
        return self.place_of(name)

    def newest(self) -> Checkpoint | None:
        """The newest undamaged checkpoint. Damaged ones are removed and reported; their epochs are trained again."""
        damaged: list[int] = []
        newest: Checkpoint | None = None
        for epoch in sorted(self._epochs(COMPLETE), reverse=True):
            name = entry_name(COMPLETE, epoch)
            folder = self.folder / name
            if is_intact(folder, (WEIGHTS, STATE, RUN)):
                run = json.loads((folder / RUN).read_text())
                newest = Checkpoint(epoch, read_arrays(folder / WEIGHTS), read_arrays(folder / STATE), run, self.place_of(name))
                break
            damaged.append(epoch)
            remove(folder)
        self._say_what_is_lost(damaged, newest)
        return newest

    def latest_run(self) -> dict[str, Any] | None:
        """The JSON of the newest whole checkpoint, which is left as it is; None where there is none."""
        for epoch in sorted(self._epochs(COMPLETE), reverse=True):
            folder = self.folder / entry_name(COMPLETE, epoch)
            if is_intact(folder, (WEIGHTS, STATE, RUN)):
                run: dict[str, Any] = json.loads((folder / RUN).read_text())
                return run
        return None

    def epochs(self) -> tuple[int, ...]:
        """Epochs whose weights are here, ascending."""
        return tuple(sorted(self._epochs(COMPLETE) | self._epochs(CANDIDATE)))

    def weights(self, epoch: int) -> Arrays | None:
        """The weights after an epoch; None when they are not here or damaged."""
        for kind in (COMPLETE, CANDIDATE):
            folder = self.folder / entry_name(kind, epoch)
            if folder.is_dir() and is_intact(folder, (WEIGHTS,)):
                return read_arrays(folder / WEIGHTS)
        return None

    def retain(self, candidates: Collection[int]) -> None:
        """Keep the newest two whole, of `candidates` the weights, and remove the rest."""
        complete = sorted(self._epochs(COMPLETE))
        for epoch in complete[:-KEPT]:
            folder = self.folder / entry_name(COMPLETE, epoch)
            if epoch in candidates:
                candidate = self.folder / entry_name(CANDIDATE, epoch)
                remove(candidate)
                folder.rename(candidate)
                (candidate / STATE).unlink()
            else:
                remove(folder)
        for epoch in self._epochs(CANDIDATE) - set(candidates):
            remove(self.folder / entry_name(CANDIDATE, epoch))

    def forget_after(self, epoch: int) -> None:
        """Remove weights of epochs after `epoch`: they are of a past that training does not continue from."""
        for kind in (COMPLETE, CANDIDATE):
            for later in (each for each in self._epochs(kind) if each > epoch):
                remove(self.folder / entry_name(kind, later))

    def export(self, epoch: int, epochs: int, write: Callable[[Path], object], name: str = MODEL) -> Path | str:
        """Write the exported model by `write`, unless it is there already with the weights of this epoch of as many.

        Args:
            epoch: of the weights.
            epochs: that were trained.
            write: writes the file at the path given.
            name: `MODEL` for the whole model, or `TRAINED` for what training changed, which is not written where the whole model is there.

        Raises:
            OSError: it could not be written.
        """
        for there in dict.fromkeys((MODEL, name)):
            if (self.folder / there).is_file() and self.read_note(EXPORT) == self._export_note(epoch, epochs, there):
                return self.place_of(there)
        try:
            write(self.folder / name)
            self.write_note(EXPORT, self._export_note(epoch, epochs, name))
        except OSError:
            remove(self.folder / f"{PARTIAL}{name}")
            raise
        remove(self.folder / (TRAINED if name == MODEL else MODEL))  # of an earlier end of the same training
        return self.place_of(name)

    def exported(self) -> str | None:
        """Name of the exported model's file, `MODEL` or `TRAINED`; None where it is not there."""
        name = exported_name(self.read_note(EXPORT))
        return name if (self.folder / name).is_file() else None

    def _export_note(self, epoch: int, epochs: int, name: str) -> dict[str, Any]:
        note = {"epoch": epoch, "epochs": epochs, "sha256": checksum(self.folder / name)}
        return note if name == MODEL else {**note, "file": name}

    def write_note(self, name: str, content: dict[str, Any]) -> None:
        """Write a small JSON file beside the checkpoints, atomically.

        Raises:
            OSError: it could not be written.
        """
        partial = self.folder / f"{PARTIAL}{name}"
        partial.write_text(json.dumps(content))
        partial.replace(self.folder / name)

    def read_note(self, name: str) -> dict[str, Any]:
        """A JSON file written by `write_note`; empty when there is none or it cannot be read."""
        try:
            content = json.loads((self.folder / name).read_text())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _say_what_is_lost(self, damaged: Sequence[int], newest: Checkpoint | None) -> None:
        epochs = " and of epoch ".join(map(str, damaged))
        lost = f"the checkpoint of epoch {epochs} in {self.place} is damaged and was removed" if damaged else ""
        if newest is None and (damaged or self._recorded_epochs):
            known = f"; its epochs on record ({self._recorded_epochs}) stand" if self._recorded_epochs else ""
            self.say(f"{lost or f'no checkpoint is left in {self.place}'}: the training starts over{known}")
        elif newest is not None and lost:
            self.say(f"{lost}: the training goes on after epoch {newest.epoch}")

    def _epochs(self, kind: str) -> set[int]:
        return {int(path.name.removeprefix(kind)) for path in self.folder.glob(f"{kind}[0-9]*") if path.is_dir()}


LARGEST_SHARE = 0.05
"""Of the training time, spent on checkpoints."""
CHEAP_SECONDS = 0.05
"""A write that takes less is done every epoch, however short the epochs."""


@dataclass(frozen=True)
class Pace:
    """What checkpoints have cost.

    Attributes:
        write_seconds: of the last write, 0 before the first.
        trained_seconds: since the last write.
        overdue: whether the last write failed.
    """

    write_seconds: float = 0.0
    trained_seconds: float = 0.0
    overdue: bool = False

    def trained(self, seconds: float) -> Pace:
        """After another epoch."""
        return replace(self, trained_seconds=self.trained_seconds + seconds)

    def failed(self) -> Pace:
        """After a write that failed: the next epoch tries again."""
        return replace(self, overdue=True)

    def due(self, epoch: int, last_epoch: int, every: int | None) -> bool:
        """Whether this epoch is to be written.

        Args:
            epoch: just trained.
            last_epoch: of the training; always written.
            every: ``training.checkpoint_every``; None: each epoch, or as seldom as keeps the cost under 5 %.
        """
        if epoch == last_epoch or self.overdue:
            return True
        if every is not None:
            return epoch % every == 0
        return self.write_seconds <= CHEAP_SECONDS or self.write_seconds <= LARGEST_SHARE * self.trained_seconds


def epochs_between_writes(write_seconds: float, epoch_seconds: float) -> int:
    """Epochs between checkpoints that `Pace` leads to: as many as keep their cost under 5 % of the training time."""
    if write_seconds <= CHEAP_SECONDS:
        return 1
    return max(1, math.ceil(write_seconds / (LARGEST_SHARE * epoch_seconds)))
