"""Several studies on one page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.data import wording
from reports.data.comparison_data import build_comparison, first
from reports.html.drawing import Scale, scale_over
from reports.html.ranking_view import curve_of
from reports.html.report import environment, frame, sparkline_scale
from reports.html.verdict_view import GlanceRow, Tick, glance_row, glance_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.data import ReportData
    from reports.data.comparison_data import ComparisonData
    from reports.data.report_data import Configuration
    from reports.html.drawing import Sparkline
    from reports.records import StudyRecord

LEADERS_SHOWN = 3


@dataclass(frozen=True)
class StudyLine:
    """One study in the table."""

    data: ReportData
    leader: Configuration | None
    spark: Sparkline | None
    holds: str
    interval: str
    best: str
    ranked: str
    oscillating: str
    cost: str
    glance: tuple[GlanceRow, ...]


def render_comparison(studies: Sequence[StudyRecord]) -> str:
    """Build a page that puts studies side by side: what each holds, how sure that is, how many oscillate, what was searched.

    Args:
        studies: two or more; one or none render as well.

    Returns:
        A whole HTML document that asks nothing of the network.
    """
    comparison = build_comparison(studies)
    scale = _scale(comparison)
    metric = comparison.studies[0].study.metric if comparison.studies else ""
    sections = [("verdict", "Verdict"), ("studies", "Studies"), *([("spaces", "Spaces")] if comparison.ranges else [])]
    return (
        environment()
        .get_template("comparison.html.jinja")
        .render(
            page=frame(f"Comparison: {comparison.headline}", sections),
            comparison=comparison,
            lines=tuple(_line(data, scale) for data in comparison.studies),
            ticks=_ticks(scale, metric),
        )
    )


def _scale(comparison: ComparisonData) -> Scale:
    shown = [row for data in comparison.studies for row in data.configurations[:LEADERS_SHOWN] if row.stable is not None]
    values = [value for row in shown for value in (row.stable, row.best, *(row.interval or ())) if value is not None]
    return scale_over(values, margin=0.06)


def _ticks(scale: Scale, metric: str) -> tuple[Tick, ...]:
    return glance_ticks(scale, metric) if metric else ()


def _line(data: ReportData, scale: Scale) -> StudyLine:
    leader, metric = first(data), data.study.metric
    ranked = [row for row in data.configurations if row.rank is not None]
    share = f"{len(data.verdict.oscillating):,} of {len(ranked):,}"
    leaders = frozenset(data.verdict.leaders) if data.verdict.kind == "tied" else frozenset()
    return StudyLine(
        data=data,
        leader=leader,
        spark=curve_of(data, leader, sparkline_scale(data)) if leader else None,
        holds=wording.score(leader.stable, metric) if leader else wording.MISSING,
        interval=wording.interval(leader.interval, metric)
        if leader and leader.interval
        else "not confirmed"
        if leader
        else wording.MISSING,
        best=wording.score(max((row.best for row in ranked if row.best is not None), default=None), metric)
        if data.study.maximize
        else wording.score(min((row.best for row in ranked if row.best is not None), default=None), metric),
        ranked=wording.count(len(data.configurations), "configuration"),
        oscillating=share,
        cost=f"{data.progress.epochs_trained:,} epochs, {wording.duration(data.progress.seconds)}",
        glance=tuple(
            glance_row(data, row, scale, in_tie=row.id in leaders, apart=False) for row in ranked[:LEADERS_SHOWN] if row.stable is not None
        ),
    )
