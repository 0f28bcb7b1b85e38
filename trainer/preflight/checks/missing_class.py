"""Classes that a part lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.preflight.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.setup import Setup

FINDINGS = {"missing_class": "A class has no image in the training, validation or test part."}


def find(setup: Setup) -> Iterator[Finding]:
    """Count every class in every part."""
    for part, images in setup.data.parts():
        counts = np.bincount(images.labels, minlength=setup.data.num_classes)
        missing = tuple(setup.data.class_names[label] for label in np.flatnonzero(counts == 0))
        if missing:
            cannot = "it cannot be learnt" if part == "train" else "no figure says how well it is recognised"
            yield Finding(
                "missing_class",
                "error" if part == "train" else "warning",
                f"{len(missing)} of {setup.data.num_classes} classes have no {part} image ({', '.join(missing[:5])}); {cannot}",
                {"part": part, "classes": missing},
                "use a stratified split (data.split.stratify), give more images, or leave the class out with data.classes",
            )
