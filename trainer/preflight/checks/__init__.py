"""The checks, one a file, in the order in which findings are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from trainer.preflight.checks import (
    bn_updates,
    contradicting_names,
    frozen_batchnorm,
    frozen_layers,
    image_size,
    imbalance,
    input_scaling,
    loss_output,
    memory,
    missing_class,
    near_constant,
    per_image_max,
    precomputed_features,
    shared_images,
    single_image_batches,
    skipped_files,
    training_coverage,
    validation_coverage,
)

if TYPE_CHECKING:
    from trainer.preflight.findings import Check

CHECKS = cast(
    "tuple[Check, ...]",
    (
        input_scaling,
        per_image_max,
        loss_output,
        validation_coverage,
        training_coverage,
        shared_images,
        missing_class,
        imbalance,
        near_constant,
        contradicting_names,
        skipped_files,
        bn_updates,
        single_image_batches,
        image_size,
        frozen_layers,
        frozen_batchnorm,
        precomputed_features,
        memory,
    ),
)
