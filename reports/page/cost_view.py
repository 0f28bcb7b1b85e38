"""What configurations hold against what they cost, and the efficient edge: those that nothing cheaper beats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports import wording
from reports.page.drawing import scale_over
from reports.ranking.recommendation import num_parameters, seconds_per_epoch

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from reports.ranking import RankedConfiguration
    from reports.verdict import ReportData

    Array = NDArray[np.float64]

WIDE = 5.0
"""Ratio of the largest to the smallest cost from which the axis is logarithmic."""
DIGITS = 4


def cost_plots(data: ReportData) -> list[dict[str, object]]:
    """One plot for each kind of cost in which configurations differ.

    Returns:
        Each with ``key``, ``label``, ``log``, ``low``, ``high``, ``ticks`` (position from 0 to 1, text), ``values`` and ``texts`` of each configuration, and
        ``edge``: places of the finished configurations that no cheaper one equals, the cheapest first.
    """
    rows = data.configurations
    kinds: tuple[tuple[str, str, Callable[[RankedConfiguration], float | None], Callable[[float], str]], ...] = (
        ("seconds", "seconds an epoch", seconds_per_epoch, seconds_text),
        ("parameters", "parameters", num_parameters, "{:,.0f}".format),
    )
    plots = []
    for key, label, cost, text in kinds:
        values = np.array([np.nan if (value := cost(row)) is None else value for row in rows], dtype=np.float64)
        held = np.array([np.nan if row.stable is None or row.state != "finished" else row.stable for row in rows], dtype=np.float64)
        known = np.isfinite(values) & np.isfinite(held)
        if np.unique(values[known]).size > 1:
            plots.append(
                {
                    "key": key,
                    "label": label,
                    **_axis(values[known], text),
                    **_columns(values, text),
                    "edge": _edge(values, held, maximize=data.study.maximize),
                }
            )
    return plots


def _columns(values: Array, text: Callable[[float], str]) -> dict[str, object]:
    return {
        "values": [float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None for value in values.tolist()],
        "texts": [text(value) if np.isfinite(value) else wording.MISSING for value in values.tolist()],
    }


def _axis(values: Array, text: Callable[[float], str]) -> dict[str, object]:
    """Ends of an axis, with three labels."""
    log = bool(values.min() > 0.0 and values.max() / values.min() >= WIDE)
    scale = scale_over(np.log(values) if log else values, margin=0.06)
    places = (0.0, 0.5, 1.0)
    at = [scale.low + place * (scale.high - scale.low) for place in places]
    shown = np.exp(at) if log else np.maximum(at, 0.0)
    return {
        "log": log,
        "low": scale.low,
        "high": scale.high,
        "ticks": [(place, text(float(value))) for place, value in zip(places, shown, strict=True)],
    }


def _edge(values: Array, held: Array, *, maximize: bool) -> list[int]:
    """Places on the efficient edge: each holds more than everything that costs no more, ``(num_edge,)``."""
    sign = 1.0 if maximize else -1.0
    known = np.flatnonzero(np.isfinite(values) & np.isfinite(held))
    order = known[np.lexsort((-sign * held[known], values[known]))]
    best = np.maximum.accumulate(sign * held[order])
    rises = np.flatnonzero(np.diff(best, prepend=-np.inf) > 0.0)
    return [int(place) for place in order[rises]]


def seconds_text(seconds: float) -> str:
    """Seconds of an epoch: those of small networks are fractions."""
    return f"{seconds:.2g} s" if seconds < 10 else wording.duration(seconds)  # noqa: PLR2004 - where fractions stop to matter
