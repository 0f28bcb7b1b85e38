"""Frozen BatchNorm layers that train by other statistics than they predict by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.preflight.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup

FINDINGS = {
    "frozen_batch_statistics": "Frozen BatchNorm layers normalise by the batch while training and by stored statistics when predicting, as Keras 2 did."
}


def find(setup: Setup) -> Iterator[Finding]:
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
