"""Each image divided by its own maximum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.preflight.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup

FINDINGS = {
    "per_image_max": "Each image is divided by its own maximum, so that brightness is lost and one bright pixel rescales a whole image."
}
LOOKED_AT = 1000


def find(setup: Setup) -> Iterator[Finding]:
    """Report the setting, with how far the images' maxima differ."""
    if setup.config.data.preprocessing != "per_image_max":
        return
    maxima = setup.data.train.images[:LOOKED_AT].reshape(min(LOOKED_AT, len(setup.data.train)), -1).max(axis=1)
    low, high = (float(value) for value in np.quantile(maxima, (0.05, 0.95)))
    yield Finding(
        "per_image_max",
        "error" if setup.pretrained else "warning",
        f"each image is divided by its own maximum; these run from {low:.0f} to {high:.0f} (5th to 95th percentile), so that equal brightness reaches "
        "the model as different values",
        {"maximum_5_percent": low, "maximum_95_percent": high},
        "set data.preprocessing: auto",
    )
