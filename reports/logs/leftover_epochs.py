"""Epochs that ran on the batch that was left over: ``steps_per_epoch = n // batch`` (or ``validation_steps``) with a data set that ends.

Keras keeps the iterator of such a data set between epochs. The first epoch takes n // batch batches, the second finds the one that is left,
runs out of data, and the third begins anew: every second epoch is judged on a handful of images, or trains on none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from reports.flags.run_curves import smallest_fitting_size
from reports.logs.metric_names import decimals_of, is_learning_rate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Curve = NDArray[np.float64]

_SHORTEST: Final = 6
_FEWEST: Final = 3
_LARGEST_BATCH: Final = 512
_CHANCE: Final = 1e-4
"""Chance at which figures of a whole set would be multiples of 1/k by accident."""
_SMALLER: Final = 4
"""The set has at least so many times the images of the left-over batch."""
_FASTER: Final = 5.0
"""A left-over epoch takes less than a fifth of a whole one."""
_FLOAT32_ROUNDING: Final = 2e-7


@dataclass(frozen=True)
class LeftoverEpochs:
    """Every second epoch of a run, which ran on the left-over batch.

    Attributes:
        at: indices of these epochs.
        num_val: images that they were validated on; 0 when on none, None when validation was whole.
        num_train: images that they trained on; 0 when on none, None when the figures do not tell.
        whole_num_val: images that the other epochs were validated on, or None when the figures do not tell.
        seconds: median duration of these epochs and of the others, or None when the log has no durations.
    """

    at: tuple[int, ...]
    num_val: int | None
    num_train: int | None
    whole_num_val: int | None
    seconds: tuple[float, float] | None


def find_leftover_epochs(
    curves: Mapping[str, Curve], texts: Mapping[str, tuple[str, ...]], seconds: Sequence[float | None], *, percent: bool
) -> LeftoverEpochs | None:
    """Find epochs on the left-over batch, or None.

    Args:
        curves: our metric name to values ``(num_epochs,)``, accuracies as fractions.
        texts: the same keys to the figures as printed.
        seconds: duration of each epoch, ``(num_epochs,)``, None where unknown.
        percent: whether accuracies are printed in percent.
    """
    length = max((curve.size for curve in curves.values()), default=0)
    if length < _SHORTEST:
        return None
    for first in (1, 0):
        short, whole = np.arange(first, length, 2), np.arange(1 - first, length, 2)
        num_val = _images(curves, texts, "val_", short, whole, percent=percent)
        num_train = _images(curves, texts, "", short, whole, percent=percent)
        durations = _durations(seconds, short, whole)
        if num_val is None and num_train is None and durations is None:
            continue
        printed = texts.get("val_accuracy", ())
        size, believed = smallest_fitting_size(_fractions([printed[index] for index in whole if index < len(printed)], percent=percent))
        return LeftoverEpochs(tuple(short.tolist()), num_val, num_train, size if believed and num_val is not None else None, durations)
    return None


def without_leftover_epochs(curves: Mapping[str, Curve], leftover: LeftoverEpochs) -> dict[str, Curve]:
    """Curves with the figures of left-over batches missing; validation that was whole is kept."""
    at = list(leftover.at)
    kept: dict[str, Curve] = {}
    for name, curve in curves.items():
        cut = (leftover.num_val is not None) if name.startswith("val_") else not is_learning_rate(name)
        kept[name] = curve.copy()
        if cut:
            kept[name][[index for index in at if index < curve.size]] = np.nan
    return kept


def _images(
    curves: Mapping[str, Curve],
    texts: Mapping[str, tuple[str, ...]],
    split: str,
    short: NDArray[np.int64],
    whole: NDArray[np.int64],
    *,
    percent: bool,
) -> int | None:
    """Images behind the figures of the short epochs, 0 for none; None where they are not fewer than behind the others."""
    accuracy, loss = curves.get(f"{split}accuracy"), curves.get(f"{split}loss")
    if accuracy is None:
        return None
    if loss is not None and not accuracy[short].any() and not loss[short].any() and loss[whole].all():
        return 0  # Keras prints 0.0000e+00 for an epoch without a batch
    printed = texts[f"{split}accuracy"]
    decimals = max((decimals_of(text.rstrip("% ")) for text in printed), default=0) + (2 if percent else 0)
    tolerance = max(0.5 * 10.0**-decimals, _FLOAT32_ROUNDING) * (1 + 1e-6)
    few, many = (values[np.isfinite(values)] for values in (accuracy[short], accuracy[whole]))
    if few.size < _FEWEST or many.size < _FEWEST:
        return None
    inner = {round(value, 7) for value in few.tolist() if 0.0 < value < 1.0}
    sizes = np.arange(1.0, _LARGEST_BATCH + 1.0)
    fitting = _fits(few[:, None], sizes, tolerance).all(axis=0)
    if not fitting.any():
        return None
    size = int(fitting.argmax()) + 1
    together, _ = smallest_fitting_size(np.concatenate([few, many]).tolist())
    if together is not None and together < _SMALLER * size:
        return None
    by_chance = float((np.minimum(1.0, 2.5 * tolerance * sizes[:size]) ** len(inner)).sum())
    by_chance = max(by_chance, (size / together) ** len(inner) if together else 0.0)
    both_ends = size == 1 and {0.0, 1.0} <= set(few.tolist())
    unlike = float(_fits(many, size, tolerance).mean()) < 0.5  # noqa: PLR2004  # most figures of whole epochs are no multiples
    return size if unlike and (both_ends or (len(inner) > 1 and by_chance < _CHANCE)) else None


def _fits(values: Curve, size: int | Curve, tolerance: float) -> NDArray[np.bool_]:
    """Which values are k/size for a whole k, within their rounding."""
    fits: NDArray[np.bool_] = np.abs(np.round(values * size) / size - values) <= tolerance
    return fits


def _durations(seconds: Sequence[float | None], short: NDArray[np.int64], whole: NDArray[np.int64]) -> tuple[float, float] | None:
    """Median durations of short and whole epochs where every short one is far faster than every whole one, else None."""
    few, many = ([value for index in at if index < len(seconds) and (value := seconds[index]) is not None] for at in (short, whole))
    if len(few) < _FEWEST or len(many) < _FEWEST or max(few) * _FASTER >= min(many):
        return None
    return float(np.median(few)), float(np.median(many))


def _fractions(texts: Sequence[str], *, percent: bool) -> list[str]:
    """Printed accuracies that are finite, percentages as fractions with two decimals more."""
    found: list[str] = []
    for text in texts:
        plain = text.rstrip("% ")
        try:
            value = float(plain)
        except ValueError:
            continue
        if math.isfinite(value):
            found.append(f"{value / 100:.{decimals_of(plain) + 2}f}" if percent else plain)
    return found
