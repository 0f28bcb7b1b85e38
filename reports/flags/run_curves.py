"""The curves of one training, cleaned once for every flag."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from reports.flags.validation_size import smallest_fitting_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    Curve = NDArray[np.float64]

SHORTEST_WINDOW_EPOCHS = 8


@dataclass(frozen=True, eq=False)
class RunCurves:
    """What the flags read. Every curve has the same length; NaN is a missing epoch.

    Compared by identity, so that what several flags ask of one run is computed once (`functools.cached_property`, `functools.lru_cache`).

    Attributes:
        curves: metric name to values ``(num_epochs,)``.
        validation: ``val_accuracy`` without its missing epochs, ``(num_present,)``, fraction in [0, 1].
        epochs: epoch numbers of `validation`, counted from 1, ``(num_present,)``.
        num_val: validation images, or None when unknown.
        num_val_assumed: whether `num_val` is only the smallest size that the values allow: assumed, so that few images are not mistaken for
            swings.
        planned_epochs: epochs of a complete training, or None.
        num_classes: classes, or None when unknown.
        frozen_by_batch: frozen BatchNorm layers that normalise by the batch while training, or None when unknown.
    """

    curves: Mapping[str, Curve]
    validation: Curve
    epochs: NDArray[np.int64]
    num_val: int | None = None
    planned_epochs: int | None = None
    num_classes: int | None = None
    num_val_assumed: bool = False
    frozen_by_batch: int | None = None

    def curve(self, name: str) -> Curve | None:
        """The present, finite values of a metric, or None where it has none."""
        values = self.curves.get(name)
        if values is None:
            return None
        finite = values[np.isfinite(values)]
        return finite if finite.size else None

    @cached_property
    def window(self) -> int:
        """Epochs of the second half, at least eight where there are as many: fewer show no repetition."""
        total = len(self.validation)
        return max(math.ceil(total / 2), min(total, SHORTEST_WINDOW_EPOCHS))

    @cached_property
    def late(self) -> Curve:
        """Validation accuracy of the second half, ``(window,)``."""
        return self.validation[len(self.validation) - self.window :]

    @cached_property
    def settled(self) -> Curve:
        """Validation accuracy without the first quarter, at least eight epochs where there are as many, ``(num_settled,)``."""
        total = len(self.validation)
        return self.validation[min(total // 4, max(0, total - SHORTEST_WINDOW_EPOCHS)) :]

    @property
    def late_epochs(self) -> tuple[int, int]:
        """First and last epoch of `late`, counted from 1."""
        return int(self.epochs[-self.window]), int(self.epochs[-1])


def run_curves(
    curves: Mapping[str, ArrayLike],
    *,
    num_val: int | None = None,
    planned_epochs: int | None = None,
    num_classes: int | None = None,
    frozen_by_batch: int | None = None,
) -> RunCurves:
    """Bring the curves of a training to one length and pick out the validation accuracy's present epochs."""
    arrays = {name: np.asarray(values, dtype=np.float64).ravel() for name, values in curves.items()}
    length = max((values.size for values in arrays.values()), default=0)
    padded = {
        name: values if values.size == length else np.concatenate([values, np.full(length - values.size, np.nan)])
        for name, values in arrays.items()
    }
    validation = padded["val_accuracy"] if "val_accuracy" in padded else np.full(length, np.nan)
    present = np.isfinite(validation)
    values = validation[present]
    assumed = False
    if not num_val:
        num_val, believed = smallest_fitting_size(values.tolist())
        assumed = num_val is not None and not believed
    epochs = np.flatnonzero(present).astype(np.int64) + 1
    return RunCurves(padded, values, epochs, num_val, planned_epochs, num_classes, assumed, frozen_by_batch)
