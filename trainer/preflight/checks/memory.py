"""A training step that does not fit the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.preflight.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup

FINDINGS = {"memory": "A training step is estimated to need more memory than the device has."}
GIGABYTE = 1e9


def find(setup: Setup) -> Iterator[Finding]:
    """Compare the model's estimate with the device."""
    facts = setup.facts
    if facts is None or facts.estimated_memory_bytes is None or facts.device_memory_bytes is None:
        return
    if facts.estimated_memory_bytes > facts.device_memory_bytes:
        needed, there = facts.estimated_memory_bytes / GIGABYTE, facts.device_memory_bytes / GIGABYTE
        yield Finding(
            "memory",
            "error",
            f"a step of {setup.config.training.batch_size} images needs about {needed:.1f} GB, but the device has {there:.1f} GB",
            {"estimated_gb": needed, "device_gb": there, "batch_size": setup.config.training.batch_size},
            "use a smaller training.batch_size or data.image_size, or training.mixed_precision",
        )
