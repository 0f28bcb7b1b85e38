"""`bn_gap`: accuracy with BatchNorm's moving statistics far below that with batch statistics."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from reports.flags.flag import Flag
from reports.flags.medians import median
from reports.flags.severity import grade

if TYPE_CHECKING:
    from reports.flags.run_curves import RunCurves

GAP = 0.05
"""Accuracy lost by the moving statistics that matters; batch statistics alone differ from exact ones by a point or two."""
DISAGREE = 0.1
"""Share of the validation images, at most, on which the two modes of a healthy model disagree."""
OVER_NOISE = 3.0
"""Standard deviations of a healthy model's gap that the gap exceeds."""


def find_bn_gap(run: RunCurves) -> Flag | None:
    """Flag a model that is good by batch statistics and bad as it would be deployed."""
    batch, stored = run.curves.get("val_batch_accuracy"), run.curves.get("val_accuracy")
    if batch is None or stored is None:
        return None
    both = np.isfinite(batch) & np.isfinite(stored)
    if not both.any():
        return None
    late = np.flatnonzero(both)[-max(1, math.ceil(int(both.sum()) / 4)) :]
    inference, batchwise = median(stored[late]), median(batch[late])
    gap = batchwise - inference
    if gap < max(GAP, OVER_NOISE * _noise(run.num_val)):
        return None
    apart = np.flatnonzero(both)[batch[both] - stored[both] >= gap / 2.0]
    first = int(apart[0]) + 1
    return Flag(
        "bn_gap",
        grade(gap, medium=0.0, high=3 * GAP),
        {"gap": gap, "val_accuracy": inference, "val_batch_accuracy": batchwise, "epochs": (first, int(late[-1]) + 1)},
        "Lower bn_momentum or train for more steps; precise_bn: end recomputes the statistics exactly and repairs the model without training.",
        f"accuracy is {inference:.3f} as deployed and {batchwise:.3f} by batch statistics: the moving statistics lag by {gap:.3f}",
    )


def _noise(num_val: int | None) -> float:
    """Standard deviation of a healthy model's gap; 0 when the set's size is unknown.

    Both modes judge the same images with the same weights, so that only the images on which they disagree move the gap, each of them either
    way (McNemar 1947): variance `DISAGREE` / n, whatever the accuracy.

    Source: McNemar, Psychometrika 12 (1947) 153; in healthy trainings of digits 1 to 12 % of the images were judged differently.
    """
    return math.sqrt(DISAGREE / num_val) if num_val else 0.0
