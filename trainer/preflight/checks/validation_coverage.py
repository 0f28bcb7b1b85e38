"""Validation that does not see every image every epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.data.order import window_rows
from trainer.preflight.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup

FINDINGS = {"validation_coverage": "Validation steps do not cover the validation images, so that every epoch is scored on other images."}


def find(setup: Setup) -> Iterator[Finding]:
    """Count the images an epoch leaves out."""
    if setup.config.data.validation_windows == "all":
        return
    total, batch_size = len(setup.data.validation), setup.config.training.batch_size
    seen = len(window_rows(setup.data.validation.labels, batch_size, 1))
    if seen == total:
        return
    yield Finding(
        "validation_coverage",
        "error",
        f"{max(1, total // batch_size)} validation steps of {batch_size} show {seen} of {total} images, others each epoch; the curve then swings "
        "with the images, not with the model",
        {"steps": max(1, total // batch_size), "batch_size": batch_size, "seen": seen, "images": total},
        "set data.validation_windows: all",
    )
