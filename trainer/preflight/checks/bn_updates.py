"""BatchNorm statistics that cannot arrive in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.preflight.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup

FINDINGS = {"bn_updates": "Too few optimiser steps for BatchNorm's moving statistics to leave their initial values."}
KERAS_MOMENTUM = 0.99
LEFT_OF_INITIAL = 0.05
"""Share of the initial statistics that may remain at the end."""


def find(setup: Setup) -> Iterator[Finding]:
    """Compare epochs x steps with 1 / (1 - momentum).

    Statistics start at 0 and 1 and keep momentum^updates of that. Trained weights bring trained statistics, so that only new layers count there.
    """
    momentum = _momentum(setup)
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


def _momentum(setup: Setup) -> float | None:
    """Largest momentum of BatchNorm layers that start from initial statistics; None where there are none."""
    model = setup.config.model
    if setup.pretrained:
        return (KERAS_MOMENTUM if model.bn_momentum is None else model.bn_momentum) if model.head_bn else None
    if setup.facts is not None:
        return setup.facts.max_bn_momentum if setup.facts.has_batchnorm else None
    return model.bn_momentum
