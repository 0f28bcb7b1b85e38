"""Checks of what reaches the model: the scaling of pixels and the size of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.backbones import BACKBONES
from trainer.network.preprocessing import expected_kind, preprocessing_kind, recorded_scaling
from trainer.preflight.findings import Finding, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup, Severity

MEANINGS = {
    "caffe": "BGR minus ImageNet's mean, about [-124, 151]",
    "torch": "standardised by ImageNet's statistics, about [-2.1, 2.6]",
    "tf": "[-1, 1]",
    "rescale": "[0, 1]",
    "standardize": "standardised by the training images' statistics",
    "none": "[0, 255]",
    "per_image_max": "[0, 1], each image by its own maximum",
}


@check(
    input_scaling="Pixels reach the backbone in another range than its weights were trained on, or unscaled.",
)
def input_scaling(setup: Setup) -> Iterator[Finding]:
    """Compare the setting with what the backbone was trained on."""
    config = setup.config
    setting = config.data.preprocessing
    if setting == "auto":
        return
    got = "per_image_max" if setting == "per_image_max" else preprocessing_kind(config)
    expected = expected_kind(config)
    backbone = BACKBONES.get(config.model.backbone)
    scales_inside = backbone is not None and backbone.pretrained and expected == "none"
    evidence = {"preprocessing": setting, "backbone": config.model.backbone, "given": MEANINGS[got], "expected": MEANINGS[expected]}
    remedy = "set data.preprocessing: auto"
    if got == expected:
        return
    known = (backbone is not None and backbone.pretrained) or recorded_scaling(config.model.weights) is not None
    if setup.pretrained and known:
        severity: Severity = "warning" if got == "standardize" and expected == "torch" else "error"
        yield Finding(
            "input_scaling",
            severity,
            f"{config.model.backbone}'s weights were trained on inputs {'scaled inside the model from ' if scales_inside else 'in '}"
            f"{MEANINGS[expected]}, but data.preprocessing: {setting} gives {MEANINGS[got]}",
            evidence,
            remedy,
        )
    elif got == "none" or scales_inside:
        yield Finding(
            "input_scaling",
            "warning",
            f"data.preprocessing: {setting} gives {config.model.backbone} inputs in {MEANINGS[got]}"
            + (", which the model then scales again" if scales_inside else "; random initial weights expect values of order 1"),
            evidence,
            remedy,
        )


LOOKED_AT = 1000


@check(
    per_image_max="Each image is divided by its own maximum, so that brightness is lost and one bright pixel rescales a whole image.",
)
def per_image_max(setup: Setup) -> Iterator[Finding]:
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


@check(
    image_size="Images are smaller than the backbone's minimum.",
)
def image_size(setup: Setup) -> Iterator[Finding]:
    """Compare height and width with the model's minimum, or the backbone's where the model is not built."""
    backbone = BACKBONES.get(setup.config.model.backbone)
    known = setup.facts.min_image_size if setup.facts is not None else None
    smallest = known or (backbone.min_side if backbone is not None and backbone.pretrained else None)
    height, width, _ = setup.data.image_shape
    if smallest is not None and min(height, width) < smallest:
        yield Finding(
            "image_size",
            "error",
            f"{setup.config.model.backbone} needs at least {smallest}x{smallest} pixels, but the images have {height}x{width}",
            {"height": height, "width": width, "minimum": smallest},
            f"set data.image_size to {smallest} or more, or choose another backbone",
        )
