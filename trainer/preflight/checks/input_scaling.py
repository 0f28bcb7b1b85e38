"""Inputs scaled otherwise than the backbone expects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.network.backbones import family_of
from trainer.network.preprocessing import expected_kind, preprocessing_kind, recorded_scaling
from trainer.preflight.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup, Severity

FINDINGS = {"input_scaling": "Pixels reach the backbone in another range than its weights were trained on, or unscaled."}

MEANINGS = {
    "caffe": "BGR minus ImageNet's mean, about [-124, 151]",
    "torch": "standardised by ImageNet's statistics, about [-2.1, 2.6]",
    "tf": "[-1, 1]",
    "rescale": "[0, 1]",
    "standardize": "standardised by the training images' statistics",
    "none": "[0, 255]",
    "per_image_max": "[0, 1], each image by its own maximum",
}


def find(setup: Setup) -> Iterator[Finding]:
    """Compare the setting with what the family was trained on."""
    config = setup.config
    setting = config.data.preprocessing
    if setting == "auto":
        return
    got = "per_image_max" if setting == "per_image_max" else preprocessing_kind(config)
    expected = expected_kind(config)
    family = family_of(config.model.backbone)
    scales_inside = family is not None and expected == "none"
    evidence = {"preprocessing": setting, "backbone": config.model.backbone, "given": MEANINGS[got], "expected": MEANINGS[expected]}
    remedy = "set data.preprocessing: auto"
    if got == expected:
        return
    known = family is not None or recorded_scaling(config.model.weights) is not None
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
