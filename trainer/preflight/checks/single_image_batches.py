"""BatchNorm on batches of one image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.preflight.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup

FINDINGS = {"single_image_batches": "BatchNorm normalises batches of one image, whose statistics are that image's alone."}


def find(setup: Setup) -> Iterator[Finding]:
    """Look at the batch size, and at the last batch of an epoch."""
    has_batchnorm = setup.facts.has_batchnorm if setup.facts is not None else setup.config.model.head_bn
    if not has_batchnorm:
        return
    batch_size, images = setup.config.training.batch_size, len(setup.data.train)
    if min(batch_size, images) == 1:
        yield Finding(
            "single_image_batches",
            "error",
            "BatchNorm normalises each image by itself: every batch has one image",
            {"batch_size": batch_size, "images": images},
            "use a larger training.batch_size, or a model without BatchNorm",
        )
    elif setup.config.model.head_bn and images % batch_size == 1:
        yield Finding(
            "single_image_batches",
            "warning",
            f"the last batch of each epoch has one image ({images} images in batches of {batch_size}); BatchNorm in the head turns its features to zero",
            {"batch_size": batch_size, "images": images, "last_batch": 1},
            "change training.batch_size by a little",
        )
