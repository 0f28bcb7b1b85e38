"""Checkpoints of a training: in a folder (`local`), or on an object store through one (`mirrored`); `layout` knows their files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trainer.checkpoints.layout import EXPORT, MODEL, TEST, Arrays, checksum, superfluous
from trainer.checkpoints.local import Checkpoint, Checkpoints, CheckpointWarning, Pace, epochs_between_writes
from trainer.places import is_address

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "EXPORT",
    "MODEL",
    "TEST",
    "Arrays",
    "Checkpoint",
    "CheckpointWarning",
    "Checkpoints",
    "Pace",
    "checksum",
    "epochs_between_writes",
    "open_checkpoints",
    "superfluous",
]


def open_checkpoints(
    place: Path | str, *, cache_path: str | None = None, say: Callable[[str], object] | None = None, recorded_epochs: int = 0
) -> Checkpoints:
    """The checkpoints of a training at a place; use them as a context manager.

    Args:
        place: a folder, ``s3://bucket/prefix`` or ``gs://bucket/prefix``.
        cache_path: node-local folder that checkpoints of an object store are written to before they are uploaded; None: the user's cache folder.
        say: called with a sentence on what is lost or cannot be written; default: a `CheckpointWarning`.
        recorded_epochs: epochs on record from earlier attempts; if none of their checkpoints is left, `say` is called.

    Raises:
        ConfigError: an address that cannot be used.
        OSError: the folder cannot be made, or the object store does not answer.
    """
    if isinstance(place, Path) or not is_address(place):
        return Checkpoints(Path(place), say=say, recorded_epochs=recorded_epochs)
    from trainer.checkpoints.mirrored import mirrored_checkpoints

    return mirrored_checkpoints(place, cache_path=cache_path, say=say, recorded_epochs=recorded_epochs)
