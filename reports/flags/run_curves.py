"""The curves of one training, cleaned once for every flag.

Medians and means of short curves; NumPy's own take up to 25 µs each for their checks, which a study of 10,000 trials feels.
Reading the size of the validation set off the accuracies: every value is k/n.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import ArrayLike, NDArray

    Curve = NDArray[np.float64]


def median(values: Curve) -> float:
    """Median of finite values ``(num_values,)``, at least one."""
    ordered = values.copy()
    ordered.sort()
    return float(ordered[ordered.size // 2] + ordered[(ordered.size - 1) // 2]) / 2.0


def running_median(values: Curve, width: int) -> Curve:
    """Medians of every `width` neighbours, ``(num_values - width + 1,)``."""
    ordered = values[_windows(values.size, width)]
    ordered.sort(axis=1)
    if width % 2:
        odd: Curve = ordered[:, width // 2]
        return odd
    even: Curve = (ordered[:, width // 2] + ordered[:, width // 2 - 1]) / 2.0
    return even


@lru_cache(maxsize=16)
def _windows(size: int, width: int) -> NDArray[np.int64]:
    """Indices of every `width` neighbours, ``(size - width + 1, width)``."""
    return np.arange(size - width + 1)[:, None] + np.arange(width)


def padded(values: Curve, width: int) -> Curve:
    """Values with `width` (at least 1) copies of either end, ``(num_values + 2 width,)``."""
    longer = np.empty(values.size + 2 * width)
    longer[:width], longer[width:-width], longer[-width:] = values[0], values, values[-1]
    return longer


def mean(values: Curve) -> float:
    """Mean of finite values ``(num_values,)``, at least one."""
    return float(values.sum()) / values.size


LARGEST_SIZE = 100_000
SMALLEST_SIZE = 8
FLOAT32_ERROR = 2e-7
CHANCE = 0.01
FEWEST_VALUES = 3
"""Different accuracies that tell a size, unless each of fewer comes back: a round one that is met once (.56) is a multiple of many shares."""
SIZES = np.arange(SMALLEST_SIZE, LARGEST_SIZE + 1, dtype=np.float64)


def infer_num_val(values: Iterable[str | float]) -> int | None:
    """The smallest n for which every value is k/n within its rounding, or None where many n would fit by chance.

    A value printed with d decimals pins k/n to half a unit of the last; single precision allows 2e-7 at best. For an n that is wrong, a
    value fits by chance with probability about 2·tolerance·n (a quarter more where roundings tie), and m different values with its m-th
    power. The smallest fitting n is believed when fewer than .01 wrong ones were to be expected up to it. Multiples of n fit as well and
    cannot be told apart.

    Args:
        values: validation accuracies as printed (text keeps trailing zeros) or as floats, fractions in [0, 1].
    """
    found, believed = smallest_fitting_size(values)
    return found if believed else None


def smallest_fitting_size(values: Iterable[str | float]) -> tuple[int | None, bool]:
    """The smallest n for which every value is k/n within its rounding, and whether chance is ruled out (see `infer_num_val`)."""
    decimals = 0
    counts: Counter[float] = Counter()
    for value in values:
        text = value.strip() if isinstance(value, str) else _shortest(float(value))
        number = float(text)
        if np.isfinite(number):
            counts[number] += 1
            decimals = max(decimals, _decimals(text))
    informative = np.array(sorted(v for v in counts if 0.0 < v < 1.0))
    if informative.size == 0:
        return None, False
    tolerance = max(0.5 * 10.0**-decimals, FLOAT32_ERROR) * (1.0 + 1e-6)
    fitting = SIZES[0.5 / tolerance + 1.0 >= SIZES]  # every larger size fits whatever the values
    for value in informative:
        fitting = fitting[np.abs(np.round(value * fitting) / fitting - value) <= tolerance]
        if fitting.size == 0:
            return None, False
    found = int(fitting[0])
    if informative.size < FEWEST_VALUES and any(counts[value] == 1 for value in informative.tolist()):
        return found, False
    by_chance = float((np.minimum(1.0, 2.5 * tolerance * SIZES[: found - SMALLEST_SIZE + 1]) ** informative.size).sum())
    return found, by_chance < CHANCE


def _shortest(value: float) -> str:
    """Fewest digits that give the value back, in single precision where that is what it was stored in."""
    single = np.float32(value)
    return str(single) if float(single) == value else repr(value)


def _decimals(text: str) -> int:
    mantissa, _, exponent = text.lower().partition("e")
    return max(0, len(mantissa.partition(".")[2]) - (int(exponent) if exponent else 0))


SHORTEST_WINDOW_EPOCHS = 8


@dataclass(frozen=True, eq=False)
class RunCurves:
    """What the flags read. Every curve has the same length; NaN is a missing epoch.

    Compared by identity, so that what several flags ask of one run is computed once (`functools.cached_property`, `functools.lru_cache`).

    Attributes:
        curves: metric name to values ``(num_epochs,)``.
        validation: ``val_accuracy`` without its missing epochs, ``(num_present,)``, fraction in [0, 1].
        epochs: epoch numbers of `validation`, ``(num_present,)``.
        num_val: validation images, or None when unknown.
        num_val_assumed: whether `num_val` is only the smallest size that the values allow: assumed, so that few images are not mistaken for
            swings.
        planned_epochs: epochs of a complete training, or None.
        num_classes: classes, or None when unknown.
        frozen_by_batch: frozen BatchNorm layers that normalise by the batch while training, or None when unknown.
        numbering: number of the first epoch, and epochs from one value to the next.
    """

    curves: Mapping[str, Curve]
    validation: Curve
    epochs: NDArray[np.int64]
    num_val: int | None = None
    planned_epochs: int | None = None
    num_classes: int | None = None
    num_val_assumed: bool = False
    frozen_by_batch: int | None = None
    numbering: tuple[int, int] = (1, 1)

    def number(self, index: int) -> int:
        """Number of an epoch by its index in a curve."""
        return self.numbering[0] + index * self.numbering[1]

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
        """First and last epoch of `late`."""
        return int(self.epochs[-self.window]), int(self.epochs[-1])


def run_curves(
    curves: Mapping[str, ArrayLike],
    *,
    num_val: int | None = None,
    planned_epochs: int | None = None,
    num_classes: int | None = None,
    frozen_by_batch: int | None = None,
    numbering: tuple[int, int] = (1, 1),
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
    epochs = np.flatnonzero(present).astype(np.int64) * numbering[1] + numbering[0]
    return RunCurves(padded, values, epochs, num_val, planned_epochs, num_classes, assumed, frozen_by_batch, numbering)


def first_epochs(run: RunCurves, count: int) -> RunCurves:
    """The run as it was after `count` (at least 1) of the epochs that have a validation accuracy."""
    stop = (int(run.epochs[count - 1]) - run.numbering[0]) // run.numbering[1] + 1
    curves = {name: values[:stop] for name, values in run.curves.items()}
    return replace(run, curves=curves, validation=run.validation[:count], epochs=run.epochs[:count])
