"""The first screen: verdict, ties, oscillating configurations, the leaders at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import wording
from reports.page.drawing import Scale, scale_over
from reports.page.ranking_view import curve_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reports.page.drawing import Sparkline
    from reports.ranking import RankedConfiguration
    from reports.verdict import ReportData


CURVE_SIZE = (560, 200)
MOST_ROWS, MOST_SETTINGS = 9, 8


@dataclass(frozen=True)
class GlanceRow:
    """One configuration at a glance; positions are percentages of the width, `range` is (start, width)."""

    row: RankedConfiguration
    value: str
    held: float
    best: float | None
    range: tuple[float, float] | None
    in_tie: bool
    apart: bool
    description: str


@dataclass(frozen=True)
class Glance:
    """What the leaders hold beside what their best epoch promised."""

    title: str
    rows: tuple[GlanceRow, ...]
    ticks: tuple[tuple[float, str], ...]
    has_intervals: bool


@dataclass(frozen=True)
class VerdictView:
    """What the verdict's template shows beside the verdict itself; `settings` are those of the configuration to take."""

    tied: tuple[RankedConfiguration, ...]
    oscillating: tuple[RankedConfiguration, ...]
    winner: str
    settings: tuple[tuple[str, str], ...]
    glance: Glance | None
    curve: Sparkline | None


def verdict_view(data: ReportData) -> VerdictView:
    """Pick what fits the first screen."""
    verdict = data.verdict
    winner = data.configuration(verdict.leaders[0]) if verdict.leaders else None
    settings = list(winner.params.items())[:MOST_SETTINGS] if winner else []
    return VerdictView(
        tied=tuple(row for row in data.ranked if row.configuration in data.tied),
        oscillating=tuple(row for row in data.ranked if row.oscillates),
        winner=winner.short if winner else "",
        settings=tuple((name, wording.parameter(value)) for name, value in settings),
        glance=_glance(data),
        curve=_only_curve(data),
    )


def _only_curve(data: ReportData) -> Sparkline | None:
    """The curve itself where it is all there is to see."""
    if len(data.ranked) != 1:
        return None
    (only,) = data.ranked
    values = (float(value) for trial in only.trials for value in trial.curves.get(data.study.metric, ()))
    return curve_of(data, only, scale_over(values, margin=0.03), CURVE_SIZE)


def _glance(data: ReportData) -> Glance | None:
    if not data.ranked:
        return None
    rows = list(data.ranked[:MOST_ROWS])
    pick = next((row for row in data.ranked if row.configuration == data.verdict.best_epoch_pick), None)
    apart = pick is not None and pick not in rows
    if pick is not None and apart:
        rows = [*rows[: MOST_ROWS - 1], pick]
    scale = glance_scale(rows)
    several = len(rows) > 1
    return Glance(
        title=f"What {'they hold' if several else 'it holds'}, and what {'their' if several else 'its'} best epoch promised",
        rows=tuple(glance_row(data, row, scale, apart=apart and row is pick) for row in rows),
        ticks=glance_ticks(scale, data.study.metric),
        has_intervals=any(row.stable_interval for row in rows),
    )


def glance_scale(rows: Iterable[RankedConfiguration]) -> Scale:
    """A common axis for what configurations hold, their best epochs and their intervals."""
    values = (value for row in rows for value in (row.stable, row.best, *(row.stable_interval or ())) if value is not None)
    return scale_over(values, margin=0.06)


def glance_ticks(scale: Scale, metric: str) -> tuple[tuple[float, str], ...]:
    """Ticks of the common axis: percentage of the width, and text."""
    unit = wording.PERCENT if wording.is_fraction(metric) else ""
    return tuple((round(100 * tick.at, 2), tick.text + unit) for tick in scale.ticks(5, metric))


def glance_row(data: ReportData, row: RankedConfiguration, scale: Scale, *, apart: bool = False) -> GlanceRow:
    """One configuration on the common axis; `apart` sets it off from those above."""
    metric = data.study.metric
    value = wording.score(row.stable, metric)
    span = None
    says = [f"holds {value}"]
    if row.stable_interval:
        start, end = (100 * scale.at(bound) for bound in row.stable_interval)
        span = (round(start, 2), round(max(0.4, end - start), 2))
        says.append(f"interval {wording.interval(row.stable_interval, metric)}")
    if row.best is not None:
        says.append(f"best epoch {wording.score(row.best, metric)}")
    if row.oscillates:
        says.append("oscillates")
    elif row.may_oscillate:
        says.append("swings, but its few validation images cannot tell whether the model does")
    return GlanceRow(
        row=row,
        value=value,
        held=round(100 * scale.at(scale.low if row.stable is None else row.stable), 2),
        best=None if row.best is None else round(100 * scale.at(row.best), 2),
        range=span,
        in_tie=row.configuration in data.tied,
        apart=apart,
        description=", ".join(says),
    )
