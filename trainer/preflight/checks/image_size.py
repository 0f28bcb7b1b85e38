"""Images smaller than the backbone can take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.network.backbones import family_of
from trainer.preflight.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup

FINDINGS = {"image_size": "Images are smaller than the backbone's minimum."}


def find(setup: Setup) -> Iterator[Finding]:
    """Compare height and width with the model's minimum, or the family's where the model is not built."""
    family = family_of(setup.config.model.backbone)
    known = setup.facts.min_image_size if setup.facts is not None else None
    smallest = known or (family.smallest_side if family is not None else None)
    height, width, _ = setup.data.image_shape
    if smallest is not None and min(height, width) < smallest:
        yield Finding(
            "image_size",
            "error",
            f"{setup.config.model.backbone} needs at least {smallest}x{smallest} pixels, but the images have {height}x{width}",
            {"height": height, "width": width, "minimum": smallest},
            f"set data.image_size to {smallest} or more, or choose another backbone",
        )
