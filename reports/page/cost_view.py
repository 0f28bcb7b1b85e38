"""What configurations hold against what they cost, and the efficient edge: those that nothing cheaper beats."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from reports import wording
from reports.costs import COSTS, cost_of, cost_of_study, frontier, infeasible, measured_on, spread_of
from reports.page.drawing import scale_over
from reports.ranking.recommendation import seconds_per_epoch

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
        ``edge``: places of the finished configurations that no cheaper one equals, the cheapest first; ``intervals``: what another training of each of these is
        expected to hold, or None.
    """
    rows, searched = data.configurations, cost_of_study(data.study)
    kinds: list[tuple[str, str, Callable[[RankedConfiguration], float | None], Callable[[float], str]]] = [
        ("seconds", "seconds an epoch", seconds_per_epoch, seconds_text),
        *(
            (each.key, each.label, partial(cost_of, name=each.key), "{:,.0f}".format if each.key == "parameters" else "{:.3g}".format)
            for each in COSTS.values()
        ),
    ]
    kinds.sort(key=lambda kind: kind[0] != searched)  # what the study was searched by comes first
    plots = []
    for key, label, cost, text in kinds:
        values = np.array([np.nan if (value := cost(row)) is None else value for row in rows], dtype=np.float64)
        held = np.array([np.nan if row.stable is None or row.state != "finished" else row.stable for row in rows], dtype=np.float64)
        known = np.isfinite(values) & np.isfinite(held)
        if np.unique(values[known]).size > 1:
            edge = _edge(values, held, maximize=data.study.maximize)
            plots.append(
                {
                    "key": key,
                    "label": label,
                    **_axis(values[known], text),
                    **_columns(values, text),
                    "edge": edge,
                    "intervals": [rows[place].stable_interval for place in edge],
                }
            )
    return plots


@dataclass(frozen=True)
class FrontierLine:
    """A configuration on the frontier, as texts; `spread` has the quartiles of a latency."""

    row: RankedConfiguration
    cost: str
    spread: str
    holds: str
    interval: str


@dataclass(frozen=True)
class CostView:
    """What the explorer says of costs.

    Attributes:
        title: of the frontier, or empty where none was searched for.
        lines: the frontier, the cheapest first.
        interval_note: what the intervals are, or why there are none.
        measured: on what latencies were measured, or empty.
        refused: reason, how many, and the short IDs of the first configurations that limits refused.
    """

    title: str
    lines: tuple[FrontierLine, ...]
    interval_note: str
    measured: str
    refused: tuple[tuple[str, int, str], ...]


MOST_NAMED = 6


def cost_view(data: ReportData) -> CostView:
    """The frontier that was searched for, how costs were measured, and what limits refused."""
    name, rows, metric = cost_of_study(data.study), data.configurations, data.study.metric
    short = {row.configuration: row.short for row in rows}
    refused = tuple(
        (each.reason, len(each.configurations), wording.listing([short[one] for one in each.configurations], MOST_NAMED))
        for each in infeasible(data.study.trials)
    )
    if not name:
        return CostView("", (), "", measured_on(rows), refused)
    edge = frontier(rows, name, maximize=data.study.maximize)
    lines = tuple(
        FrontierLine(
            row,
            edge.cost.text(cost_of(row, name) or 0.0),
            "" if (ends := spread_of(row, name)) is None else f"{ends[0]:.3g} to {ends[1]:.3g}",
            wording.score(row.stable, metric),
            wording.MISSING if row.stable_interval is None else wording.interval(row.stable_interval, metric),
        )
        for row in edge.rows
    )
    known = any(row.stable_interval is not None for row in edge.rows)
    note = (
        "Interval: what another training of it is expected to hold (95 %). Whether a neighbour belongs on the frontier is open where intervals overlap"
        if known
        else "How far another training may be off is not known before a second seed: confirm gives one"
    )
    kind = edge.cost.label.removesuffix(", ms").removesuffix(", MB")
    return CostView(f"Frontier: the most that is held at each {kind}", lines, note, measured_on(rows), refused)


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
