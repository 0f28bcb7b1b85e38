"""Training epochs that do not show every image once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trainer.preflight.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup

FINDINGS = {
    "sampling_with_replacement": "Training images are drawn with replacement, so that an epoch does not cover the data.",
    "partial_epochs": "An epoch shows a part of the training images, and the next another.",
}


def find(setup: Setup) -> Iterator[Finding]:
    """Report samplings that exist to reproduce a failure."""
    sampling = setup.config.data.sampling
    images, remedy = len(setup.data.train), "set data.sampling: every_image"
    if sampling == "with_replacement":
        missed = (1 - 1 / images) ** images if images > 1 else 0.0
        yield Finding(
            "sampling_with_replacement",
            "error",
            f"training images are drawn with replacement: an epoch misses about {missed:.0%} of the {images} images and repeats others",
            {"images": images, "expected_share_missed": missed},
            remedy,
        )
    elif sampling == "alternating_halves":
        yield Finding(
            "partial_epochs",
            "error",
            f"odd epochs train on one half of the {images} images and even ones on the other, so that the model swings between them",
            {"images": images, "share_seen": 0.5},
            remedy,
        )
    elif sampling == "leftover_batch" and images % setup.config.training.batch_size and images > setup.config.training.batch_size:
        leftover = images % setup.config.training.batch_size
        yield Finding(
            "partial_epochs",
            "error",
            f"every second epoch trains on the {leftover} images that the {math.floor(images / setup.config.training.batch_size)} full batches "
            "left over; with BatchNorm its statistics are then those of that batch",
            {"images": images, "leftover": leftover},
            remedy,
        )
