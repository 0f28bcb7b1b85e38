"""PED-ANOVA for parameters that are active in every configuration."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reports.records import ParameterRecord
    from reports.records.trial import ParameterValue

    Array = NDArray[np.float64]

TOP_SHARE = 0.1
"""Share of configurations that count as good."""
GRID = 50
"""Points at most on which densities are estimated."""
PRIOR_WEIGHT = 1.0
FLOOR = 1e-12
"""Added to densities so that none is 0."""
SMALLEST_BANDWIDTH = 0.5 / 1.64
"""Grid steps: 90 % of the narrowest kernel lie within its own point."""


def ped_anova(columns: Sequence[tuple[ParameterRecord, Sequence[ParameterValue]]], values: Array, *, maximize: bool) -> dict[str, float]:
    """Importance of each parameter for belonging to the best tenth, summing to 1.

    The Pearson divergence between a parameter's density among the good configurations and among all of them. The figures are those of
    `optuna.importance.PedAnovaImportanceEvaluator` (a test compares them), without building a trial object a configuration and without
    its module's import of scikit-learn, which alone takes longer than a report may.

    Args:
        columns: each parameter with its value in each configuration; not all values alike.
        values: what is explained, ``(num_configurations,)``, finite.
        maximize: whether more is better.

    Source: Watanabe, Bansal & Hutter, IJCAI 2023, eqs. 13-16; bandwidth by Scott, Multivariate Density Estimation (1992), ch. 6.
    """
    loss = -values if maximize else values
    cutoff = np.partition(loss, place := math.ceil(TOP_SHARE * loss.size) - 1)[place]
    good = loss <= cutoff
    found = {parameter.name: _divergence(parameter, of, good) for parameter, of in columns}
    total = sum(found.values())
    return {name: divergence / total if total > 0.0 else 1.0 / len(found) for name, divergence in found.items()}


def _divergence(parameter: ParameterRecord, values: Sequence[ParameterValue], good: NDArray[np.bool_]) -> float:
    """Pearson divergence of the good configurations' density from that of all."""
    if parameter.kind in {"choice", "ordinal"}:
        texts = [str(value) for value in values]
        places = {label: place for place, label in enumerate(dict.fromkeys([*parameter.labels, *texts]))}
        cells, size = np.array([places[text] for text in texts]), len(places)
        density = _label_density
    else:
        cells, size = _on_grid(parameter, np.array([float(str(value)) for value in values]))
        density = _number_density
    best = density(np.bincount(cells[good], minlength=size)) + FLOOR
    every = density(np.bincount(cells, minlength=size)) + FLOOR
    return float(every @ (best / every - 1.0) ** 2)


def _on_grid(parameter: ParameterRecord, numbers: Array) -> tuple[NDArray[np.int64], int]:
    """Grid point of each value, over the parameter's range widened to what there is, and how many points there are."""
    low = min(float(numbers.min()), math.inf if parameter.low is None else parameter.low)
    high = max(float(numbers.max()), -math.inf if parameter.high is None else parameter.high)
    log = parameter.log and low > 0.0
    size = GRID
    if parameter.kind == "int":
        numbers, low, high = np.trunc(numbers), float(int(low)), float(int(high))
        size = min(GRID, math.ceil(math.log2(high - low + 1.0)) + 1 if log else round(high - low) + 1)
    if log:
        numbers, low, high = np.log(numbers), math.log(low), math.log(high)
    cells = np.ceil((numbers - low) / ((high - low) / (size - 1)) - 0.5).astype(np.int64)
    return np.clip(cells, 0, size - 1), size


def _label_density(counts: NDArray[np.int64]) -> Array:
    """Density over labels: each observed label a kernel weighted by its count, and a uniform prior, ``(num_labels,)``."""
    observed = np.flatnonzero(counts)
    kernels = np.full((observed.size + 1, counts.size), PRIOR_WEIGHT / (observed.size + 1))
    kernels[np.arange(observed.size), observed] += 1.0
    kernels /= kernels.sum(axis=1, keepdims=True)
    return _mixture(counts[observed], kernels)


def _number_density(counts: NDArray[np.int64]) -> Array:
    """Density over grid points: truncated normal kernels of one bandwidth, and a wide prior, ``(num_points,)``."""
    observed = np.flatnonzero(counts)
    weights = counts[observed]
    total = int(weights.sum())
    mean = float(observed @ weights) / total
    sd = math.sqrt(float((observed - mean) ** 2 @ weights) / max(1, total - 1))
    below = np.cumsum(weights)
    quarter = np.searchsorted(below, total // 4, side="left")
    three_quarters = min(observed.size - 1, int(np.searchsorted(below, total * 3 // 4, side="right")))
    range_sd = float(observed[three_quarters] - observed[quarter]) / 1.34
    bandwidth = max(1.059 * min(range_sd, sd) * total**-0.2, SMALLEST_BANDWIDTH)
    centres = np.append(observed, (counts.size - 1) / 2.0)
    widths = np.append(np.full(observed.size, bandwidth), float(counts.size))
    edges = np.arange(counts.size + 1) - 0.5
    below_edge = _normal((edges - centres[:, None]) / widths[:, None])
    return _mixture(weights, np.diff(below_edge, axis=1) / (below_edge[:, -1:] - below_edge[:, :1]))


def _normal(z: Array) -> Array:
    """Standard normal distribution function; of a grid's few thousand points."""
    return np.array([0.5 * math.erfc(-value / math.sqrt(2.0)) for value in z.ravel().tolist()]).reshape(z.shape)


def _mixture(weights: NDArray[np.int64], kernels: Array) -> Array:
    """Kernels (the prior last) weighted by their counts, normalised."""
    shares = np.append(weights.astype(np.float64), PRIOR_WEIGHT)
    mixed: Array = shares @ kernels / shares.sum()
    return mixed
