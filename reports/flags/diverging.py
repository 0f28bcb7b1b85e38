"""`diverging`: ends lastingly below what it held, or not a number."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from reports.flags.chance import sampling_noise
from reports.flags.flag import Flag, grade
from reports.flags.run_curves import median, running_median

if TYPE_CHECKING:
    from reports.flags.run_curves import RunCurves

DECLINE = 0.03
"""Smallest lasting loss of accuracy that counts: three points, more than a sweep usually gains."""
OVER_NOISE = 3.0
"""A decline exceeds so many standard deviations of one epoch's sampling noise."""
SHORTEST = 6


@lru_cache(maxsize=2)
def find_diverging(run: RunCurves) -> Flag | None:
    """Flag a loss that stopped being a number, or a last sixth that lies wholly below what the run held before."""
    broken = _first_non_finite(run)
    if broken is not None:
        name, epoch = broken
        return Flag(
            "diverging",
            "high",
            {"non_finite": name, "epochs": (epoch, epoch)},
            "Lower the learning rate, clip gradients (gradient_clip), add warmup_epochs; with mixed precision, train in float32.",
            f"{name} is not a finite number from epoch {epoch}",
        )
    curve = run.validation
    if curve.size < SHORTEST:
        return None
    width = min(curve.size // 2, max(5, curve.size // 4))
    medians = running_median(curve, width)
    peak = int(medians.argmax())
    held = float(medians[peak])
    tail = curve[-max(3, curve.size // 6) :]
    decline = held - median(tail)
    needed = max(DECLINE, OVER_NOISE * (sampling_noise(run) or 0.0))
    if decline < needed or float(tail.max()) > held - decline / 2.0 or peak + width > curve.size - tail.size + 1:
        return None
    above = np.flatnonzero(curve >= held - decline / 2.0)
    first = int(run.epochs[min(int(above[-1]) + 1, curve.size - 1)])
    return Flag(
        "diverging",
        grade(decline, medium=0.0, high=0.1),
        {"held": held, "decline": decline, "epochs": (first, int(run.epochs[-1]))},
        "Stop earlier (early_stopping), lower the learning rate or decay it (schedule), clip gradients.",
        f"held {held:.3f}, then fell by {decline:.3f} for good from epoch {first}",
    )


def _first_non_finite(run: RunCurves) -> tuple[str, int] | None:
    """First metric and epoch that is infinite, or missing at an epoch of which other metrics are recorded after it was finite."""
    for name in ("loss", "val_loss", "val_accuracy", "accuracy"):
        values = run.curves.get(name)
        if values is None:
            continue
        infinite = np.isinf(values)
        if name == "loss" and "accuracy" in run.curves:
            before = np.maximum.accumulate(np.isfinite(values)) if values.size else infinite
            infinite = infinite | (np.isnan(values) & before & np.isfinite(run.curves["accuracy"]))
        if infinite.any():
            return name, run.number(int(infinite.argmax()))
    return None
