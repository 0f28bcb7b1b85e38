"""`overfitting`: training far above validation, or a validation loss that clearly rises while training goes on improving."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from reports.flags.bn_gap import find_bn_gap
from reports.flags.flag import Flag
from reports.flags.run_curves import median, padded, running_median

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reports.flags.run_curves import RunCurves

GAP = 0.075
"""Training accuracy above validation accuracy at the end that is far."""
LOSS_RISE = 0.2
"""Rise of the late validation loss above its lowest (smoothed) value, as a share of it, that is clear."""
LOSS_RATIO = 3.0
"""Validation loss over training loss that shows the rise is memorising and not noise of both."""
AFTER_LOWEST = 2
"""Epochs after the lowest loss without which there is no rise."""
SHORTEST = 4


def find_overfitting(run: RunCurves) -> Flag | None:
    """Flag a generalisation gap in accuracy, or a rising validation loss."""
    curve = run.validation
    training = run.curve("accuracy")
    if curve.size < SHORTEST:
        return None
    gap = None if training is None else _late(training) - _late(_as_trained(run))
    rise, ratio, lowest = _loss_rise(run)
    wide = gap is not None and gap >= GAP
    rising = rise is not None and rise >= LOSS_RISE and (ratio is None or ratio >= LOSS_RATIO) and find_bn_gap(run) is None
    if not (wide or rising):
        return None
    parts = []
    if wide:
        parts.append(f"training accuracy is {gap:.3f} above validation")
    if rising:
        parts.append(f"validation loss rose by {rise:.0%} since epoch {lowest}")
    return Flag(
        "overfitting",
        "high" if (gap or 0.0) >= 2 * GAP or (rise or 0.0) >= 1.0 else "medium",
        {"gap": gap, "val_loss_rise": rise, "loss_ratio": ratio, "epochs": (lowest or int(run.epochs[0]), int(run.epochs[-1]))},
        "Raise dropout or weight_decay, augment more, freeze more layers, or stop earlier (early_stopping).",
        "; ".join(parts),
    )


def _as_trained(run: RunCurves) -> NDArray[np.float64]:
    """Validation accuracy to hold against training accuracy, which is measured with batch statistics: the same where it is on record and higher.

    What moving statistics lose is `bn_gap`'s; that the validation loss rises with it is no sign of memorising either.
    """
    batch = run.curve("val_batch_accuracy")
    return batch if batch is not None and _late(batch) > _late(run.validation) else run.validation


def _late(curve: NDArray[np.float64]) -> float:
    """Median of the last quarter, at least three epochs."""
    return median(curve[-max(3, math.ceil(curve.size / 4)) :])


def _loss_rise(run: RunCurves) -> tuple[float | None, float | None, int | None]:
    """Rise of the validation loss since its lowest point, its ratio to the training loss, and the epoch of that point."""
    loss = run.curve("val_loss")
    if loss is None or loss.size < SHORTEST:
        return None, None, None
    smooth = running_median(padded(loss, 1), 3)
    lowest = int(smooth.argmin())
    floor = max(float(smooth[lowest]), 1e-6)
    late = _late(loss)
    training = run.curve("loss")
    ratio = None if training is None else late / max(_late(training), 1e-9)
    epoch = run.number(int(np.flatnonzero(np.isfinite(run.curves["val_loss"]))[lowest]))
    return (late / floor - 1.0 if lowest < loss.size - AFTER_LOWEST else None), ratio, epoch
