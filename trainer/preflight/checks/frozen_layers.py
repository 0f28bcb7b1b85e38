"""A frozen part that the backbone does not have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainer.preflight.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup

FINDINGS = {
    "frozen_layers": "More is to be frozen than the backbone has, or a layer it does not have.",
    "frozen_random_weights": "Layers with random initial weights are frozen.",
}


def find(setup: Setup) -> Iterator[Finding]:
    """Compare `model.frozen_layers` with the built backbone."""
    wanted = setup.config.model.frozen_layers
    facts = setup.facts
    if facts is not None:
        problem = facts.frozen_problem
        blocks = re.fullmatch(r"\s*(\d+)\s+blocks?\s*", wanted)
        if problem is None and blocks and facts.backbone_blocks is not None and int(blocks[1]) > facts.backbone_blocks:
            problem = f"{int(blocks[1])} blocks are to be frozen, but {setup.config.model.backbone} has {facts.backbone_blocks}"
        if problem is not None:
            yield Finding(
                "frozen_layers",
                "error",
                problem,
                {"frozen_layers": wanted, "blocks": facts.backbone_blocks if facts.backbone_blocks is not None else "unknown"},
                f"`steadysweep models --layers {setup.config.model.backbone}` lists its blocks and layers; `all` freezes the backbone",
            )
    if wanted.strip() != "none" and not setup.pretrained:
        yield Finding(
            "frozen_random_weights",
            "warning",
            f"model.frozen_layers is {wanted!r}, but the backbone starts from random weights, which then stay random",
            {"frozen_layers": wanted},
            "set model.weights, or model.frozen_layers: none",
        )
