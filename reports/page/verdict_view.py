"""The first screen: verdict, ties, oscillating configurations, the leaders at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import wording
from reports.page.drawing import Scale, scale_over
from reports.page.ranking_view import curve_of

if TYPE_CHECKING:
    from reports.page.drawing import Sparkline
    from reports.verdict import ReportData
    from reports.verdict.report_data import Configuration


CURVE_SIZE = (560, 200)
MOST_ROWS, MOST_PILLS, MOST_SETTINGS = 9, 8, 8
DIGITS_APART = 0.05


@dataclass(frozen=True)
class Tick:
    """A tick at a percentage of the width."""

    at: float
    label: str


@dataclass(frozen=True)
class GlanceRow:
    """One configuration at a glance; positions are percentages of the width, `range` is (start, width)."""

    id: str
    short: str
    rank: int
    value: str
    held: float
    best: float | None
    range: tuple[float, float] | None
    unsteady: bool
    in_tie: bool
    apart: bool
    description: str


@dataclass(frozen=True)
class Glance:
    """What the leaders hold beside what their best epoch promised."""

    title: str
    rows: tuple[GlanceRow, ...]
    ticks: tuple[Tick, ...]
    has_intervals: bool


@dataclass(frozen=True)
class VerdictView:
    """What the verdict's template shows."""

    headline: str
    ties: tuple[Configuration, ...]
    more_ties: int
    oscillating: tuple[Configuration, ...]
    more_oscillating: int
    winner_short: str
    winner_params: tuple[tuple[str, str], ...]
    glance: Glance | None
    curve: Sparkline | None


def verdict_view(data: ReportData) -> VerdictView:
    """Pick what fits the first screen."""
    rows = {row.id: row for row in data.configurations}
    verdict = data.verdict
    tied = verdict.leaders if verdict.kind == "tied" else ()
    few = len(verdict.leaders) == 1
    winner = rows[verdict.leaders[0]] if few else None
    return VerdictView(
        headline=verdict.headline,
        ties=tuple(rows[identifier] for identifier in tied[:MOST_PILLS]),
        more_ties=max(0, len(tied) - MOST_PILLS),
        oscillating=tuple(rows[identifier] for identifier in verdict.oscillating[:MOST_PILLS]),
        more_oscillating=max(0, len(verdict.oscillating) - MOST_PILLS),
        winner_short=winner.short if winner else "",
        winner_params=tuple((name, wording.parameter(value)) for name, value in list(winner.params.items())[:MOST_SETTINGS])
        if winner
        else (),
        glance=_glance(data),
        curve=_only_curve(data),
    )


def _only_curve(data: ReportData) -> Sparkline | None:
    """The curve itself where it is all there is to see."""
    ranked = [row for row in data.configurations if row.rank is not None]
    if len(ranked) != 1:
        return None
    curves = [trial.curves[data.study.metric] for trial in ranked[0].trials if data.study.metric in trial.curves]
    return curve_of(data, ranked[0], scale_over((float(value) for curve in curves for value in curve), margin=0.03), CURVE_SIZE)


def _glance(data: ReportData) -> Glance | None:
    ranked = [row for row in data.configurations if row.rank is not None and row.stable is not None]
    if not ranked:
        return None
    finished = [row for row in ranked if row.state == "COMPLETE"]
    shown = (finished or ranked)[:MOST_ROWS]  # a pruned one among finished ones would look misplaced
    pick = next((row for row in ranked if row.id == data.verdict.best_epoch_pick), None)
    apart = pick is not None and pick not in shown
    if pick is not None and apart:
        shown = [*shown[: MOST_ROWS - 1], pick]
    values = [value for row in shown for value in (row.stable, row.best, *(row.interval or ())) if value is not None]
    scale = scale_over(values, margin=0.06)
    tied = frozenset(data.verdict.leaders) if data.verdict.kind == "tied" else frozenset()
    metric = data.study.metric
    return Glance(
        title=f"What {'they hold' if len(shown) > 1 else 'it holds'}, and what {'their' if len(shown) > 1 else 'its'} best epoch promised",
        rows=tuple(glance_row(data, row, scale, in_tie=row.id in tied, apart=apart and row is pick) for row in shown),
        ticks=glance_ticks(scale, metric),
        has_intervals=any(row.interval for row in shown),
    )


def glance_ticks(scale: Scale, metric: str) -> tuple[Tick, ...]:
    """Ticks of the common axis."""
    return tuple(Tick(round(100 * scale.at(tick), 2), _tick_label(tick, metric, scale)) for tick in scale.ticks(5))


def glance_row(data: ReportData, row: Configuration, scale: Scale, *, in_tie: bool, apart: bool) -> GlanceRow:
    """One configuration on the common axis; `apart` sets it off from those above."""
    metric = data.study.metric
    stable = row.stable if row.stable is not None else scale.low
    held = round(100 * scale.at(stable), 2)
    span = None
    if row.interval:
        start, end = (100 * scale.at(bound) for bound in row.interval)
        span = (round(start, 2), round(max(0.4, end - start), 2))
    says = [f"holds {wording.score(row.stable, metric)}"]
    if row.interval:
        says.append(f"interval {wording.interval(row.interval, metric)}")
    if row.best is not None:
        says.append(f"best epoch {wording.score(row.best, metric)}")
    if row.oscillates:
        says.append("oscillates")
    best = None if row.best is None else round(100 * scale.at(row.best), 2)
    value = wording.score(row.stable, metric, unit=True)
    return GlanceRow(row.id, row.short, row.rank or 0, value, held, best, span, row.oscillates, in_tie, apart, ", ".join(says))


def _tick_label(value: float, metric: str, scale: Scale) -> str:
    if wording.is_fraction(metric):
        digits = 1 if scale.high - scale.low < DIGITS_APART else 0
        return f"{100 * value:.{digits}f}\u202f%"
    return f"{value:g}"
