"""The settings that fit a folder of images."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.paths import is_built_in

if TYPE_CHECKING:
    from trainer.data.inspect import FolderInspection

SMALL_PIXELS = 64
"""Images up to this size train a small network from scratch; larger ones fine-tune a pretrained one."""
PRETRAINED_PIXELS = 224
IMBALANCED = 3.0
LARGEST_BATCH = 64
STEPS = 20
"""Optimiser steps an epoch that the batch size leaves, where there are enough images for them."""
LONGEST_NAME = 60


@dataclass(frozen=True)
class Proposal:
    """What fits a folder.

    Attributes:
        study: its name.
        source: the folder as given.
        image_size: pixels, square.
        backbone: a name from ``steadysweep models``.
        weights: ``imagenet``, or None.
        space: a shipped space.
        batch_size: images a step.
        epochs: of a complete training.
        imbalance: how it is countered.
        on_unreadable: what unreadable files do.
        split: images are divided, or the folder gives the parts.
        trials: configurations to search.
    """

    study: str
    source: str
    image_size: int
    backbone: str
    weights: str | None
    space: str
    batch_size: int
    epochs: int
    imbalance: str
    on_unreadable: str
    split: bool
    trials: int


def propose(data_dir: str, seen: FolderInspection) -> Proposal:
    """Settings that fit what was seen in `data_dir`."""
    side = _side(seen)
    small = side <= SMALL_PIXELS
    train_images = sum(seen.part_counts["train"].values()) if seen.parts else round(seen.images * 0.7)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(data_dir).resolve().name)[:LONGEST_NAME].strip("-._")
    return Proposal(
        study=name or "images",
        source=f"./{data_dir}" if is_built_in(data_dir) else data_dir,
        image_size=side,
        backbone="small_resnet" if small else "resnet50",
        weights=None if small else "imagenet",
        space="scratch_cnn" if small else "transfer",
        batch_size=min(LARGEST_BATCH, max(8, 2 ** (max(train_images // STEPS, 1).bit_length() - 1))),
        epochs=30,
        imbalance="class_weight" if seen.balance > IMBALANCED else "none",
        on_unreadable="skip" if seen.unreadable else "fail",
        split=not seen.parts,
        trials=40,
    )


def _side(seen: FolderInspection) -> int:
    """The median shorter side, at most what pretrained networks were made for, and a size they divide well."""
    sides = sorted(min(size) for size, count in seen.sizes.items() for _ in range(count))
    median = sides[len(sides) // 2]
    if median <= SMALL_PIXELS:
        return max(8, median)
    return PRETRAINED_PIXELS if median >= PRETRAINED_PIXELS else max(96, median // 32 * 32)
