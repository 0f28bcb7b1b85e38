"""Precomputed features where they would not be those of every epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.network.compile_key import precompute_problem
from trainer.preflight.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup

FINDINGS = {"precomputed_features": "The frozen part is to run once, but its activations differ between epochs."}


def find(setup: Setup) -> Iterator[Finding]:
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
