"""Images that show next to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.preflight.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from trainer.data.images import ImageSet
    from trainer.preflight.findings import Setup

FINDINGS = {"near_constant_images": "Images whose pixels hardly vary: empty, over-exposed, or stored in another range than [0, 255]."}
SMALLEST_SPREAD = 2.0
"""Standard deviation of an image's pixels, of 255, below which it shows nothing to see."""
MANY = 0.2
SHOWN = 5
_AT_ONCE = 256


def find(setup: Setup) -> Iterator[Finding]:
    """Measure the spread of every training and validation image."""
    flat: list[str] = []
    total = 0
    parts = dict(setup.data.parts())
    parts.pop("test", None)
    if setup.data.validation is setup.data.train:
        parts.pop("validation")
    for part, images in parts.items():
        total += len(images)
        flat += [images.names[row] if images.names else f"{part} image {row}" for row in np.flatnonzero(_spread(images) < SMALLEST_SPREAD)]
    if flat:
        yield Finding(
            "near_constant_images",
            "error" if len(flat) / total >= MANY else "warning",
            f"{len(flat)} of {total} images are nearly one colour",
            {"images": len(flat), "share": len(flat) / total, "smallest_deviation": SMALLEST_SPREAD, "examples": tuple(flat[:SHOWN])},
            "look at them, and remove them or store them in the full range 0..255",
        )


def _spread(images: ImageSet) -> npt.NDArray[np.float64]:
    """Standard deviation of each image's pixels, within channels, ``(n,)``."""
    out = np.empty(len(images))
    for start in range(0, len(images), _AT_ONCE):
        pixels = images.images[start : start + _AT_ONCE]
        out[start : start + len(pixels)] = pixels.std(axis=(1, 2), dtype=np.float32).max(axis=1)
    return out
