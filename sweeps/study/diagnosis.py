"""The diagnosis of a finished trial, as it is written beside it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from reports.flags import find_flags

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


def diagnose(
    curves: Mapping[str, NDArray[np.float32]], num_val: int | None, planned_epochs: int, *, figures: Mapping[str, float], cut: bool
) -> dict[str, Any]:
    """Names of the curve's flags, the gravest first, and each with its evidence; plain data.

    Args:
        curves: metric to values, shape ``(num_epochs,)``.
        num_val: validation images, or None when unknown.
        planned_epochs: epochs of a complete training.
        figures: of the trial; ``num_classes`` and ``frozen_by_batch`` sharpen what is said.
        cut: the trial was pruned.
    """
    classes, frozen = figures.get("num_classes"), figures.get("frozen_by_batch")
    flags = find_flags(
        curves,
        num_val=num_val,
        planned_epochs=planned_epochs,
        num_classes=int(classes) if classes else None,
        frozen_by_batch=None if frozen is None else int(frozen),
        cut=cut,
    )
    return {"flags": [flag.name for flag in flags], "evidence": {flag.name: asdict(flag)["evidence"] for flag in flags}} if flags else {}
