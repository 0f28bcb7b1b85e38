"""Classes that a part lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.preflight.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trainer.preflight.findings import Setup

FINDINGS = {"missing_class": "A class has no image in the training, validation or test part."}


def find(setup: Setup) -> Iterator[Finding]:
    """Count every class in every part."""
    counted = {part: np.bincount(images.labels, minlength=setup.data.num_classes) for part, images in setup.data.parts()}
    totals = np.sum(list(counted.values()), axis=0)
    for part, counts in counted.items():
        missing = tuple(setup.data.class_names[label] for label in np.flatnonzero(counts == 0))
        if missing:
            cannot = "it cannot be learnt" if part == "train" else "no figure says how well it is recognised"
            yield Finding(
                "missing_class",
                "error" if part == "train" else "warning",
                f"{len(missing)} of {setup.data.num_classes} classes have no {part} image ({', '.join(missing[:5])}); {cannot}",
                {"part": part, "classes": missing},
                _remedy(setup, {name: int(totals[setup.data.class_names.index(name)]) for name in missing}, len(counted)),
            )


def _remedy(setup: Setup, totals: Mapping[str, int], parts: int) -> str:
    """What to change, by how many images the missing classes have in all."""
    few = [f"{name} has {total}" for name, total in totals.items() if total < parts]
    if few:
        return f"{', '.join(few[:5])} in all, where each part needs one: give more images, or leave the class out with data.classes"
    split = "" if setup.config.data.split.stratify else "use a stratified split (data.split.stratify), "
    return f"{split}give that part images of it, or leave the class out with data.classes"
