"""`bn_gap`: accuracy with BatchNorm's moving statistics far below that with batch statistics."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from reports.flags.flag import Flag, FlagKind, grade
from reports.flags.run_curves import median
from reports.wording import plain_score, points

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
    first = run.number(int(apart[0]))
    figures = f"accuracy is {plain_score(inference)} as deployed and {plain_score(batchwise)} by batch statistics"
    cause, advice = _cause(run.frozen_by_batch, gap)
    return Flag(
        "bn_gap",
        grade(gap, medium=0.0, high=3 * GAP),
        {
            "gap": gap,
            "val_accuracy": inference,
            "val_batch_accuracy": batchwise,
            "frozen_by_batch": run.frozen_by_batch,
            "epochs": (first, run.number(int(late[-1]))),
        },
        advice,
        f"{figures}: {cause}",
    )


def _noise(num_val: int | None) -> float:
    """Standard deviation of a healthy model's gap; 0 when the set's size is unknown.

    Both modes judge the same images with the same weights, so that only the images on which they disagree move the gap, each of them either
    way (McNemar 1947): variance `DISAGREE` / n, whatever the accuracy.

    Source: McNemar, Psychometrika 12 (1947) 153; in healthy trainings of digits 1 to 12 % of the images were judged differently.
    """
    return math.sqrt(DISAGREE / num_val) if num_val else 0.0


def _cause(frozen_by_batch: int | None, gap: float) -> tuple[str, str]:
    """What the gap comes from and what to try: frozen layers never learn the statistics they will be deployed with, others learn them slowly."""
    if frozen_by_batch:
        layers = "1 frozen BatchNorm layer" if frozen_by_batch == 1 else f"{frozen_by_batch} frozen BatchNorm layers"
        cause = f"in training {layers} used the batch's statistics, in prediction stored ones of other images; they differ by {points(gap)}"
        advice = (
            "Set frozen_bn: inference (Keras 3; in Keras 2 call the backbone with training=False) or frozen_bn: reestimate, "
            "train the head on precomputed features (frozen_features: precomputed), or unfreeze layers (frozen_layers). "
            "bn_momentum does nothing to frozen layers."
        )
        return cause, advice
    lower = "Lower bn_momentum or train for more steps; precise_bn: end recomputes the statistics exactly and repairs the model without training."
    if frozen_by_batch is None:
        lower += " Where BatchNorm layers are frozen, run them in inference mode (frozen_bn: inference)."
    return f"the moving statistics lag by {points(gap)}", lower


BN_GAP = FlagKind("bn_gap", find_bn_gap, "predict far worse with stored BatchNorm statistics than with the batch's own")
