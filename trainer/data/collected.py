"""What a source finds, before anything is decoded, resized or split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from trainer.data.images import Labels

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Collected:
    """Images of a source in a fixed order.

    Attributes:
        content: files to decode, or an array ``(n, height, width[, channels])`` of any numeric type.
        labels: ``(n,)`` int32, index into `class_names`.
        class_names: in label order.
        parts: part of each image, length n, where the source gives a split.
        groups: group of each image, length n (one patient, one scene): a group is never divided between parts.
    """

    content: tuple[Path, ...] | npt.NDArray[Any]
    labels: Labels
    class_names: tuple[str, ...]
    parts: tuple[Part, ...] | None = None
    groups: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: npt.NDArray[Any]) -> Collected:
        """The images at `rows` ``(k,)``, in that order."""
        content = tuple(self.content[row] for row in rows) if isinstance(self.content, tuple) else self.content[rows]
        parts = None if self.parts is None else tuple(self.parts[row] for row in rows)
        groups = None if self.groups is None else tuple(self.groups[row] for row in rows)
        return Collected(content, self.labels[rows], self.class_names, parts, groups)


def parse_part(value: str) -> Part | None:
    """The part that a folder or a manifest cell names (``train``/``training``, ``val``/``valid``/``validation``/``dev``, ``test``/``testing``), or None."""
    name = value.strip().lower()
    if name in {"train", "training"}:
        return "train"
    if name in {"val", "valid", "validation", "dev"}:
        return "validation"
    if name in {"test", "testing"}:
        return "test"
    return None
