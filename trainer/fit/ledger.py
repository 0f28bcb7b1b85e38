"""Which class the network gave each validation image after each late epoch: kept while training, part of a checkpoint, told at the end.

A class is kept as its distance from the right one, so that zeros are the images that are right, compressed epoch by epoch: some 3 KB for 10,000 images at 90 %.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from trainer.data.staging import name_in_source
from trainer.places import is_address
from trainer.records import ValidationLedger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from trainer.config import DataConfig
    from trainer.data import ImageSet

LATE_EPOCHS: Final = 12
"""Epochs that a ledger holds at most: those that carry 98 % of the newest one's weight e^(-age/3), as many as the tabular study keeps."""
MOST_CELLS: Final = 400_000
"""Images times epochs that a ledger holds at most, 50 KB before compression: up to 33,000 validation images keep all twelve epochs, 100,000 keep four."""
_FASTEST = 1


def late_epochs(num_val: int) -> int:
    """How many late epochs the ledger of so many validation images holds; at least the last."""
    return int(np.clip(MOST_CELLS // max(1, num_val), 1, LATE_EPOCHS))


@dataclass
class LateEpochs:
    """State: the late epochs so far, each compressed; `kind` is the type of a distance."""

    kind: str = "|u1"
    epochs: dict[int, bytes] = field(default_factory=dict)

    def add(self, epoch: int, predicted: NDArray[np.integer], labels: NDArray[np.integer], num_classes: int) -> None:
        """Keep an epoch, and forget those that are no longer late.

        Args:
            epoch: counted from 1.
            predicted: class of each validation image, shape ``(num_val,)``.
            labels: its right class, shape ``(num_val,)``.
            num_classes: of the data.
        """
        kind = np.min_scalar_type(max(num_classes - 1, 0)).newbyteorder("<")
        distance = (predicted.astype(np.int64) - labels) % num_classes
        self.kind = kind.str
        self.epochs[epoch] = zlib.compress(distance.astype(kind).tobytes(), _FASTEST)
        for early in [each for each in self.epochs if each <= epoch - LATE_EPOCHS]:
            del self.epochs[early]

    def distances(self, epoch: int) -> NDArray[np.int64]:
        """Distance from the right class after an epoch that is kept, shape ``(num_val,)``."""
        return np.frombuffer(zlib.decompress(self.epochs[epoch]), self.kind).astype(np.int64)

    def ledger(
        self, images: ImageSet, data: DataConfig, num_classes: int, exported: int, classes: NDArray[np.integer] | None
    ) -> ValidationLedger | None:
        """What is told at the end; None where no epoch is kept: each epoch was validated on images of its own.

        Args:
            images: the validation images.
            data: where they come from.
            num_classes: of the data.
            exported: epoch of the exported file.
            classes: that the exported file gives each image, where it predicts otherwise than its epoch did, shape ``(num_val,)``.
        """
        if not self.epochs:
            return None
        if classes is None and exported in self.epochs:
            classes = (images.labels + self.distances(exported)) % num_classes
        kept = sorted(self.epochs)[-late_epochs(len(images)) :]
        order = np.arange(len(images)) if images.places is None else np.argsort(images.places)
        return ValidationLedger(
            places=order if images.places is None else images.places[order],
            labels=images.labels[order].astype(np.int64),
            names=names_below(images, data, order),
            rows=None if images.names is not None or images.rows is None else images.rows[order],
            epochs=tuple(kept),
            right=np.stack([self.distances(epoch)[order] == 0 for epoch in kept]),
            classes=None if classes is None else classes[order].astype(np.int64),
        )

    def to_json(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"kind": self.kind, "epochs": {str(epoch): base64.b64encode(data).decode() for epoch, data in self.epochs.items()}}

    @classmethod
    def from_json(cls, content: Mapping[str, Any] | None) -> LateEpochs:
        """The late epochs in a checkpoint; none in one that an older version wrote."""
        if content is None:
            return cls()
        return cls(content["kind"], {int(epoch): base64.b64decode(data) for epoch, data in content["epochs"].items()})


def names_below(images: ImageSet, data: DataConfig, order: NDArray[np.int64]) -> tuple[str, ...] | None:
    """Paths of the images below the data's source, so that they hold where the source is moved; whole paths of those elsewhere."""
    if images.names is None:
        return None
    if isinstance(data.source, tuple) or is_address(data.source):  # of several roots an image's name says in which it lies
        return tuple(name_in_source(images.names[row]) for row in order)
    source = Path(data.source).expanduser()
    root = f"{source if source.is_dir() else source.parent}/"
    return tuple(images.names[row].removeprefix(root) for row in order)
