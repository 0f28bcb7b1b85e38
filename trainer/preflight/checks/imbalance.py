"""Classes of very different sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.preflight.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup

FINDINGS = {"imbalance": "The largest class has many times the images of the smallest, and nothing counters it."}
LARGEST_RATIO = 4.0
"""Beyond it, always guessing the majority already looks like learning; below, plain training copes."""


def find(setup: Setup) -> Iterator[Finding]:
    """Compare the largest class with the smallest that occurs."""
    counts = np.bincount(setup.data.train.labels, minlength=setup.data.num_classes)
    present = counts[counts > 0]
    ratio = float(present.max() / present.min())
    if ratio <= LARGEST_RATIO or setup.config.data.imbalance != "none":
        return
    largest, smallest = int(counts.argmax()), int(np.where(counts > 0, counts, counts.max() + 1).argmin())
    names = setup.data.class_names
    yield Finding(
        "imbalance",
        "warning",
        f"class {names[largest]!r} has {counts[largest]} training images and {names[smallest]!r} {counts[smallest]}; always saying "
        f"{names[largest]!r} is right in {counts[largest] / counts.sum():.0%} of cases",
        {
            "largest": int(counts[largest]),
            "smallest": int(counts[smallest]),
            "ratio": ratio,
            "majority_share": float(counts[largest] / counts.sum()),
        },
        "set data.imbalance: class_weight or resample, and rank by search.metric: balanced_accuracy or macro_f1",
    )
