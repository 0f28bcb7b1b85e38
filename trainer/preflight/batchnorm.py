"""Checks of BatchNorm: statistics that cannot arrive in time, that are of one image, or that differ between training and prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.backbones import KERAS_MOMENTUM
from trainer.preflight.findings import Finding, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup

LEFT_OF_INITIAL = 0.05
"""Share of the initial statistics that may remain at the end."""


@check(bn_updates="Too few optimiser steps for BatchNorm's moving statistics to leave their initial values.")
def bn_updates(setup: Setup) -> Iterator[Finding]:
    """Compare epochs x steps with 1 / (1 - momentum).

    Statistics start at 0 and 1 and keep momentum^updates of that. Trained weights bring trained statistics, so that only new layers count there.
    """
    momentum = _largest_momentum(setup)
    if momentum is None or setup.config.training.precise_bn != "off":
        return
    updates = setup.config.training.epochs * setup.steps_per_epoch
    remaining = momentum**updates
    if remaining <= LEFT_OF_INITIAL:
        return
    needed = 1 / (1 - momentum)
    yield Finding(
        "bn_updates",
        "error" if updates < needed else "warning",
        f"{setup.config.training.epochs} epochs of {setup.steps_per_epoch} steps update BatchNorm {updates} times; with momentum {momentum:g} "
        f"{remaining:.0%} of its moving statistics are then still the initial ones, so that prediction differs from training",
        {"updates": updates, "momentum": momentum, "time_constant": needed, "initial_share_left": remaining},
        f"set model.bn_momentum to at most {max(0.0, 1 - 3 / updates):.2g}, train for longer, or set training.precise_bn: end",
    )


def _largest_momentum(setup: Setup) -> float | None:
    """Largest momentum of BatchNorm layers that start from initial statistics; None where there are none."""
    model = setup.config.model
    if setup.pretrained:
        return (KERAS_MOMENTUM if model.bn_momentum is None else model.bn_momentum) if model.head_bn else None
    if setup.facts is not None:
        return setup.facts.max_bn_momentum if setup.facts.has_batchnorm else None
    return model.bn_momentum


@check(single_image_batches="BatchNorm normalises batches of one image, whose statistics are that image's alone.")
def single_image_batches(setup: Setup) -> Iterator[Finding]:
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


@check(
    frozen_batch_statistics="Frozen BatchNorm layers normalise by the batch while training and by stored statistics when predicting, as Keras 2 did.",
)
def frozen_batch_statistics(setup: Setup) -> Iterator[Finding]:
    """Report the setting where there is BatchNorm to freeze."""
    model, facts = setup.config.model, setup.facts
    if model.frozen_bn != "batch" or model.frozen_layers.strip() == "none" or (facts is not None and not facts.has_batchnorm):
        return
    yield Finding(
        "frozen_batch_statistics",
        "warning",
        "frozen BatchNorm layers normalise by the batch while training but by the statistics they were pretrained with when predicting; on other "
        "images the head then learns features that it never sees again",
        {"frozen_layers": model.frozen_layers, "frozen_bn": model.frozen_bn},
        "set model.frozen_bn: inference (Keras 3) or reestimate",
    )
