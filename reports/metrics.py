"""What a metric's name says of its values: whether they are a share in [0, 1], and whether it counts all validation images alike. Nothing is imported."""

from __future__ import annotations

import math
import re
from functools import cache

FRACTION_METRICS = ("accuracy", "_f1", "top5", "share", "recall", "precision", "_acc", "auc")
MEASURED = re.compile(
    r"val_(?:(?P<kind>auc|precision|recall|f(?P<beta>[1-9]\d*(?:\.\d+)?|0\.\d*[1-9]\d*))(?:_(?P<of>.+))?|top(?P<top>[1-9]\d*)|(?P<ece>ece))"
)
"""Metrics that are measured where somebody asks for them: ``val_auc``, ``val_recall_daisy``, ``val_f2_daisy``, ``val_top3``, ``val_ece``."""
_RATE = re.compile(r"val_.*_rate")


@cache
def is_fraction(metric: str) -> bool:
    """Whether a metric lies in [0, 1] and reads better as a percentage."""
    return (
        metric in {"acc", "val_acc"}
        or any(part in metric for part in FRACTION_METRICS)
        or MEASURED.fullmatch(metric) is not None
        or _RATE.fullmatch(metric) is not None
    )


def limits(metric: str) -> tuple[float, float]:
    """The least and the largest value that a metric can have."""
    return (0.0, 1.0) if is_fraction(metric) else (0.0 if "loss" in metric else -math.inf, math.inf)


@cache
def counts_images(metric: str) -> bool:
    """Whether a metric is a share of all validation images, or a mean of such over the classes, so that their number says how exact it is.

    The recall of one class rests on the images of that class alone, an area under a curve and a calibration error on no count at all.
    """
    measured = MEASURED.fullmatch(metric)
    if measured is not None:
        return measured["of"] is None and measured["kind"] != "auc" and measured["ece"] is None
    return is_fraction(metric) and metric.endswith(("accuracy", "acc", "_f1"))
