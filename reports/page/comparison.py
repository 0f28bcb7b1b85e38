"""Several studies on one page.

Several studies side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import wording
from reports.page.drawing import Scale, scale_over
from reports.page.ranking_view import curve_of
from reports.page.report import environment, frame, sparkline_scale
from reports.page.verdict_view import GlanceRow, Tick, glance_row, glance_ticks
from reports.verdict.build import build_report_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.page.drawing import Sparkline
    from reports.records import ParameterRecord, StudyRecord
    from reports.verdict.report_data import Configuration, ReportData


OWN_FACTS = ("data_fingerprint", "space_fingerprint")


@dataclass(frozen=True)
class Range:
    """One parameter over the studies.

    Attributes:
        name: the parameter.
        entries: per study its range in words, or None where it is not searched.
        best: per study the value of its first configuration, in words, or None.
    """

    name: str
    entries: tuple[str | None, ...]
    best: tuple[str | None, ...]


@dataclass(frozen=True)
class ComparisonData:
    """What a comparison shows.

    Attributes:
        studies: the reports, the one that holds most first; those without a ranking last.
        headline: one line.
        sure: what the intervals allow to say.
        warnings: why figures may not be comparable.
        ranges: parameters of all studies.
    """

    studies: tuple[ReportData, ...]
    headline: str
    sure: str
    warnings: tuple[str, ...]
    ranges: tuple[Range, ...]


def build_comparison(studies: Sequence[StudyRecord]) -> ComparisonData:
    """Rank each study by itself, then put their first configurations side by side."""
    reports = [build_report_data(study) for study in studies]
    maximize = all(study.maximize for study in studies)
    ordered = tuple(sorted(reports, key=lambda data: _place(data, maximize=maximize)))
    return ComparisonData(ordered, _headline(ordered), _sure(ordered), tuple(_warnings(ordered)), _ranges(ordered))


def first(data: ReportData) -> Configuration | None:
    """A study's first ranked configuration."""
    row = data.configurations[0] if data.configurations else None
    return row if row is not None and row.rank is not None else None


def _place(data: ReportData, *, maximize: bool) -> tuple[bool, float]:
    leader = first(data)
    value = leader.stable if leader is not None and leader.stable is not None else None
    return (value is None, 0.0 if value is None else (-value if maximize else value))


def _headline(reports: Sequence[ReportData]) -> str:
    leader = first(reports[0]) if reports else None
    if leader is None:
        return "Nothing to compare yet"
    study = reports[0].study
    if len(reports) == 1:
        return f"{study.name} holds {wording.score(leader.stable, study.metric)}"
    return f"{study.name} holds most: {wording.score(leader.stable, study.metric)}"


def _sure(reports: Sequence[ReportData]) -> str:
    """Whether the intervals of the two first studies' leaders overlap."""
    leaders = [(data, leader) for data in reports if (leader := first(data)) is not None]
    if len(leaders) < 2:  # noqa: PLR2004 - a comparison needs two
        return ""
    (data, winner), (other, second) = leaders[:2]
    if winner.interval is None or second.interval is None:
        return "At least one of the leaders was trained once: the difference is not confirmed."
    overlap = winner.interval[0] <= second.interval[1] and second.interval[0] <= winner.interval[1]
    spans = (
        f"a new training is expected at {wording.interval(winner.interval, data.study.metric)} "
        f"against {wording.interval(second.interval, other.study.metric)}"
    )
    return f"The intervals {'overlap: the two cannot be separated' if overlap else 'do not overlap'}; {spans}."


def _warnings(reports: Sequence[ReportData]) -> list[str]:
    warnings = []
    metrics = sorted({data.study.metric for data in reports})
    if len(metrics) > 1:
        warnings.append(f"The studies rank by different metrics ({', '.join(metrics)}): their figures cannot be compared.")
    sizes = {data.study.num_val for data in reports}
    if len(sizes) > 1:
        warnings.append("Their validation sets differ in size.")
    different = [fact for fact in OWN_FACTS if len({data.study.facts.get(fact) for data in reports}) > 1]
    return [*warnings, *(f"They differ in {fact.replace('_', ' ')}." for fact in different)]


def _ranges(reports: Sequence[ReportData]) -> tuple[Range, ...]:
    names = dict.fromkeys(parameter.name for data in reports for parameter in data.parameters)
    known = [{parameter.name: parameter for parameter in data.parameters} for data in reports]
    leaders = [first(data) for data in reports]
    return tuple(
        Range(
            name,
            tuple(_range(parameters[name]) if name in parameters else None for parameters in known),
            tuple(wording.parameter(leader.params[name]) if leader is not None and name in leader.params else None for leader in leaders),
        )
        for name in names
    )


def _range(parameter: ParameterRecord) -> str:
    if parameter.labels:
        return ", ".join(parameter.labels)
    return f"{wording.parameter(parameter.low)} to {wording.parameter(parameter.high)}{' (log)' if parameter.log else ''}"


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
