"""Checks of what an epoch trains on, is validated on, and computes once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trainer.data.order import window_rows
from trainer.network.compile_key import precompute_problem
from trainer.preflight.findings import Finding, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup


@check(validation_coverage="Validation steps do not cover the validation images, so that every epoch is scored on other images.")
def validation_coverage(setup: Setup) -> Iterator[Finding]:
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


@check(
    sampling_with_replacement="Training images are drawn with replacement, so that an epoch does not cover the data.",
    partial_epochs="An epoch shows a part of the training images, and the next another.",
)
def training_coverage(setup: Setup) -> Iterator[Finding]:
    """Report samplings that exist to reproduce a failure."""
    sampling = setup.config.data.sampling
    images, remedy = len(setup.data.train), "set data.sampling: every_image"
    if sampling == "with_replacement":
        missed = (1 - 1 / images) ** images if images > 1 else 0.0
        yield Finding(
            "sampling_with_replacement",
            "error",
            f"training images are drawn with replacement: an epoch misses about {missed:.0%} of the {images} images and repeats others",
            {"images": images, "expected_share_missed": missed},
            remedy,
        )
    elif sampling == "alternating_halves":
        yield Finding(
            "partial_epochs",
            "error",
            f"odd epochs train on one half of the {images} images and even ones on the other, so that the model swings between them",
            {"images": images, "share_seen": 0.5},
            remedy,
        )
    elif sampling == "leftover_batch" and images % setup.config.training.batch_size and images > setup.config.training.batch_size:
        leftover = images % setup.config.training.batch_size
        yield Finding(
            "partial_epochs",
            "error",
            f"every second epoch trains on the {'one image' if leftover == 1 else f'{leftover} images'} that the "
            f"{math.floor(images / setup.config.training.batch_size)} full batches left over; with BatchNorm its statistics are then those of that batch",
            {"images": images, "leftover": leftover},
            remedy,
        )


@check(precomputed_features="The frozen part is to run once, but its activations differ between epochs.")
def precomputed_features(setup: Setup) -> Iterator[Finding]:
    """Report the first rule that is broken."""
    config = setup.config
    if config.training.frozen_features != "precomputed":
        return
    problem = precompute_problem(config)
    if problem is not None:
        yield Finding(
            "precomputed_features",
            "error",
            f"training.frozen_features: precomputed is not possible: {problem[0]}",
            {"frozen_layers": config.model.frozen_layers, "frozen_bn": config.model.frozen_bn},
            f"{problem[1]}, or use each_step",
        )
