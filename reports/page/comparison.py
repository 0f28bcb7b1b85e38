"""Several studies on one page: what each holds, how sure that is, how many of its configurations oscillate, and what it searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import wording
from reports.page.ranking_view import curve_of
from reports.page.report import environment, frame, sparkline_scale
from reports.page.verdict_view import GlanceRow, glance_row, glance_scale, glance_ticks
from reports.verdict import build_report_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.page.drawing import Scale, Sparkline
    from reports.ranking import RankedConfiguration
    from reports.records import ParameterRecord, StudyRecord
    from reports.verdict import ReportData

LEADERS_SHOWN = 3


@dataclass(frozen=True)
class StudyLine:
    """One study in the table, and its leaders at a glance."""

    data: ReportData
    leader: RankedConfiguration | None
    spark: Sparkline | None
    holds: str
    interval: str
    best: str
    ranked: str
    oscillating: str
    cost: str
    glance: tuple[GlanceRow, ...]


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


def render_comparison(studies: Sequence[StudyRecord]) -> str:
    """Build a page that puts studies side by side, each ranked by itself; the one that holds most comes first, those without a ranking last.

    Args:
        studies: two or more; one or none render as well.

    Returns:
        A whole HTML document that asks nothing of the network.
    """
    maximize = all(study.maximize for study in studies)
    reports = sorted((build_report_data(study) for study in studies), key=lambda data: _place(data, maximize=maximize))
    headline, ranges = _headline(reports), _ranges(reports)
    scale = glance_scale(row for data in reports for row in data.ranked[:LEADERS_SHOWN])
    sections = [("verdict", "Verdict"), ("studies", "Studies"), *([("spaces", "Spaces")] if ranges else [])]
    return (
        environment()
        .get_template("comparison.html.jinja")
        .render(
            page=frame(f"Comparison: {headline}", sections),
            headline=headline,
            sure=_sure(reports),
            warnings=_warnings(reports),
            lines=[_line(data, scale) for data in reports],
            ranges=ranges,
            ticks=glance_ticks(scale, reports[0].study.metric) if reports else (),
        )
    )


def _leader(data: ReportData) -> RankedConfiguration | None:
    """A study's first configuration, or None where none has a figure."""
    return data.ranked[0] if data.ranked else None


def _place(data: ReportData, *, maximize: bool) -> tuple[bool, float]:
    leader = _leader(data)
    if leader is None or leader.stable is None:
        return True, 0.0
    return False, -leader.stable if maximize else leader.stable


def _line(data: ReportData, scale: Scale) -> StudyLine:
    leader, metric = _leader(data), data.study.metric
    bests = [row.best for row in data.ranked if row.best is not None]
    interval = wording.MISSING if leader is None else "not confirmed"
    if leader is not None and leader.stable_interval is not None:
        interval = wording.interval(leader.stable_interval, metric)
    return StudyLine(
        data=data,
        leader=leader,
        spark=curve_of(data, leader, sparkline_scale(data)) if leader else None,
        holds=wording.score(leader.stable if leader else None, metric),
        interval=interval,
        best=wording.score(max(bests, default=None) if data.study.maximize else min(bests, default=None), metric),
        ranked=wording.count(len(data.configurations), "configuration"),
        oscillating=f"{len(data.verdict.oscillating):,} of {len(data.ranked):,}",
        cost=f"{data.progress.epochs_trained:,} epochs, {wording.duration(data.progress.seconds)}",
        glance=tuple(glance_row(data, row, scale) for row in data.ranked[:LEADERS_SHOWN]),
    )


def _headline(reports: Sequence[ReportData]) -> str:
    leader = _leader(reports[0]) if reports else None
    if leader is None:
        return "Nothing to compare yet"
    study = reports[0].study
    value = wording.score(leader.stable, study.metric)
    return f"{study.name} holds {value}" if len(reports) == 1 else f"{study.name} holds most: {value}"


def _sure(reports: Sequence[ReportData]) -> str:
    """Whether the intervals of the two first studies' leaders overlap."""
    leaders = [(data.study.metric, leader.stable_interval) for data in reports if (leader := _leader(data)) is not None]
    if len(leaders) < 2:  # noqa: PLR2004 - a comparison needs two
        return ""
    (metric, first), (other_metric, second) = leaders[:2]
    if first is None or second is None:
        return "At least one of the leaders was trained only once: the difference is not confirmed."
    overlap = first[0] <= second[1] and second[0] <= first[1]
    spans = f"a new training is expected at {wording.interval(first, metric)} against {wording.interval(second, other_metric)}"
    return f"The intervals {'overlap: the two cannot be separated' if overlap else 'do not overlap'}; {spans}."


def _warnings(reports: Sequence[ReportData]) -> list[str]:
    """Why figures may not be comparable."""
    warnings = []
    metrics = sorted({data.study.metric for data in reports})
    if len(metrics) > 1:
        warnings.append(f"The studies rank by different metrics ({', '.join(metrics)}): their figures cannot be compared.")
    if len({data.study.num_val for data in reports}) > 1:
        warnings.append("Their validation sets differ in size.")
    if len({data.study.facts.get("data_fingerprint") for data in reports}) > 1:
        warnings.append("They were trained on different data (their data fingerprints differ).")
    return warnings


def _ranges(reports: Sequence[ReportData]) -> list[Range]:
    names = dict.fromkeys(parameter.name for data in reports for parameter in data.parameters)
    known = [{parameter.name: parameter for parameter in data.parameters} for data in reports]
    leaders = [_leader(data) for data in reports]
    return [
        Range(
            name,
            tuple(_range(parameters[name]) if name in parameters else None for parameters in known),
            tuple(wording.parameter(leader.params[name]) if leader is not None and name in leader.params else None for leader in leaders),
        )
        for name in names
    ]


def _range(parameter: ParameterRecord) -> str:
    if parameter.labels:
        return ", ".join(parameter.labels)
    return f"{wording.parameter(parameter.low)} to {wording.parameter(parameter.high)}{' (log)' if parameter.log else ''}"
