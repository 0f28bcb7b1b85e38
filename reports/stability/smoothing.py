"""Level: the centre of a curve near its end, by exponential smoothing whose rate fits the curve."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Curve = NDArray[np.float64]

TIME_CONSTANTS = (24.0, 12.0, 6.0, 3.0, 1.5, 0.75)
"""Epochs over which smoothing forgets, slowest first: octaves from "all of a usual run" to "the last epoch"."""
ERROR_TIME_CONSTANT = 10.0
"""Epochs over which forecast errors are forgotten when rates are compared: how the curve moves near its end."""
PARITY_TIME_CONSTANT = 6.0
"""From this time constant on the last two smoothed values are averaged, so that it does not matter on which side an alternating run stops;
half an epoch's lag is nothing to a slow rate."""
LONGEST = 128
"""Latest epochs that enter: older ones weigh less than e^(-128/24) = .5 % even at the slowest rate."""


def smoothed_level(values: Curve, time_constant: float | None = None) -> float:
    """Exponentially smoothed last value of a curve.

    The smoother is a weighted mean with weights e^(-age/time constant). Its rate is the one whose one-epoch forecasts were best on this
    curve: a steady or swinging curve is averaged over many epochs, a rising one is followed.

    Args:
        values: ``(num_epochs,)``, finite, at least one.
        time_constant: epochs; None for the best of `TIME_CONSTANTS`. At a fixed one, raising any epoch never lowers the result.

    Source: adaptive choice of the rate by forecast error: Brown, Statistical Forecasting for Inventory Control (1959), ch. 2; weights
    normalised over the epochs there are.
    """
    late = values[-LONGEST:]
    if time_constant is not None:
        weights = np.exp(-np.arange(late.size - 1, -1, -1) / time_constant)
        return float(late @ weights / weights.sum())
    if late.size == 1:
        return float(late[0])
    paths = _smoothers(late.size) @ late
    errors = (late[1:] - paths[:, :-1]) ** 2 @ np.exp(-np.arange(late.size - 2, -1, -1) / ERROR_TIME_CONSTANT)
    best = int(errors.argmin())
    if TIME_CONSTANTS[best] >= PARITY_TIME_CONSTANT:
        return float(paths[best, -1] + paths[best, -2]) / 2.0
    return float(paths[best, -1])


@lru_cache(maxsize=256)
def _smoothers(num_epochs: int) -> NDArray[np.float64]:
    """Matrices that smooth a curve at every rate and epoch, ``(num_rates, num_epochs, num_epochs)``; each row sums to 1."""
    age = np.arange(num_epochs)[:, None] - np.arange(num_epochs)
    weights = np.where(age >= 0, np.exp(-np.maximum(age, 0) / np.array(TIME_CONSTANTS)[:, None, None]), 0.0)
    normalised: NDArray[np.float64] = weights / weights.sum(axis=2, keepdims=True)
    return normalised
