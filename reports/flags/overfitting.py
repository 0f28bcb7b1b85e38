"""`overfitting`: training far above validation, or a validation loss that clearly rises while training goes on improving."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from reports.flags.bn_gap import find_bn_gap
from reports.flags.chance import binomial_noise
from reports.flags.flag import Flag, FlagKind
from reports.flags.rule import Condition, Rule
from reports.flags.run_curves import median, padded, running_median
from reports.wording import points, share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from reports.flags.run_curves import RunCurves

RULE = Rule(
    (
        (Condition("gap", ">=", 0.13),),
        (Condition("gap", ">=", 0.07), Condition("loss ratio", ">=", 1.9)),
        (Condition("loss rise", ">=", 0.2), Condition("loss ratio", ">=", 4.0), Condition("gap over noise", ">=", 2.5)),
    ),
    intercept=-0.65,
    slope=4.93,
)
"""Chosen and calibrated by ``python benchmarks/flags.py --choose``."""
FAR = 0.15
"""Gap from which the finding is grave."""
AFTER_LOWEST = 2
"""Epochs after the lowest loss without which there is no rise."""
SHORTEST = 4
UNKNOWN = float("nan")


def figures(run: RunCurves) -> Mapping[str, float] | None:
    """What speaks for memorising; None for a run that is too short. A figure whose curve is missing is NaN.

    Returns:
        ``gap``: training less validation accuracy at the end. ``gap over noise``: the same in standard deviations of an epoch by the size
        of the validation set. ``loss rise``: of the late validation loss above its lowest, as a share of it. ``loss ratio``: validation
        loss over training loss.
    """
    training = run.curve("accuracy")
    if run.validation.size < SHORTEST:
        return None
    end = _late(_as_trained(run))
    gap = UNKNOWN if training is None else _late(training) - end
    rise, ratio, _ = _loss_rise(run)
    noise = binomial_noise(min(max(end, 0.0), 1.0), run.num_val) if run.num_val else 0.0
    return {
        "gap": gap,
        "gap over noise": gap / noise if noise > 0.0 else math.copysign(math.inf, gap),
        "loss rise": rise if find_bn_gap(run) is None else UNKNOWN,
        "loss ratio": ratio,
    }


def find_overfitting(run: RunCurves) -> Flag | None:
    """Flag a generalisation gap in accuracy, or a rising validation loss."""
    found = figures(run)
    if found is None or RULE.margin(found) < 0.0:
        return None
    gap, rise, ratio = (None if math.isnan(found[name]) else found[name] for name in ("gap", "loss rise", "loss ratio"))
    _, _, lowest = _loss_rise(run)
    by_rise = RULE.ways[-1][0]
    parts = []
    if gap is not None and any(way[0].figure == "gap" and way[0].margin(gap) >= 0.0 for way in RULE.ways):
        parts.append(f"training accuracy is {points(gap)} above validation")
    if rise is not None and by_rise.margin(rise) >= 0.0:
        parts.append(f"validation loss rose by {share(rise)} since epoch {lowest}")
    return Flag(
        "overfitting",
        "high" if (gap or 0.0) >= FAR or (rise or 0.0) >= 1.0 else "medium",
        {"gap": gap, "val_loss_rise": rise, "loss_ratio": ratio, "epochs": (lowest or int(run.epochs[0]), int(run.epochs[-1]))},
        "Raise dropout or weight_decay, augment more, freeze more layers, or stop earlier (early_stopping).",
        "; ".join(parts),
        RULE.probability(found),
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


def _loss_rise(run: RunCurves) -> tuple[float, float, int | None]:
    """Rise of the validation loss since its lowest point, its ratio to the training loss (NaN where unknown), and the epoch of that point."""
    loss = run.curve("val_loss")
    if loss is None or loss.size < SHORTEST:
        return UNKNOWN, UNKNOWN, None
    smooth = running_median(padded(loss, 1), 3)
    lowest = int(smooth.argmin())
    floor = max(float(smooth[lowest]), 1e-6)
    late = _late(loss)
    training = run.curve("loss")
    ratio = UNKNOWN if training is None else late / max(_late(training), 1e-9)
    epoch = run.number(int(np.flatnonzero(np.isfinite(run.curves["val_loss"]))[lowest]))
    return (late / floor - 1.0 if lowest < loss.size - AFTER_LOWEST else UNKNOWN), ratio, epoch


OVERFITTING = FlagKind("overfitting", find_overfitting, "fit the training images far better than the validation images")
