"""Several studies on one page: what each holds, how sure that is, how many of its configurations oscillate, and what it searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import wording
from reports.page.drawing import nice_scale
from reports.page.ranking_view import curve_of
from reports.page.report import environment, frame, sparkline_scale
from reports.page.sure_view import GlanceRow, glance_row, glance_scale, glance_ticks
from reports.verdict import build_report_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.page.drawing import Scale, Sparkline
    from reports.ranking import RankedConfiguration
    from reports.records import ParameterRecord, StudyRecord
    from reports.verdict import ReportData

LEADERS_SHOWN = 3
MOST_LINES = 6
COURSE = (1000, 220)


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
class Course:
    """What the best so far held, over the time of training that it took: a stepped line for each study.

    Attributes:
        lines: path, style (``series-1`` to ``series-6``) and name of each study.
        y_ticks: height and text of each.
        end: the longest time, in words.
    """

    lines: tuple[tuple[str, str, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    end: str


def render_comparison(studies: Sequence[StudyRecord]) -> str:
    """Build a page that puts studies side by side, each ranked by itself; the one that holds most comes first, those without a ranking last.

    A whole HTML document that asks nothing of the network; one study or none render as well.
    """
    maximize = all(study.maximize for study in studies)

    def place(data: ReportData) -> tuple[bool, float]:
        held = data.ranked[0].stable if data.ranked else None
        return held is None, (held or 0.0) * (-1 if maximize else 1)

    reports = sorted(map(build_report_data, studies), key=place)
    headline, ranges = _headline(reports), _ranges(reports)
    scale = glance_scale(row for data in reports for row in data.ranked[:LEADERS_SHOWN])
    sections = [("verdict", "Verdict"), ("studies", "Studies"), *([("spaces", "Spaces")] if ranges else [])]
    template = environment().get_template("comparison.html.jinja")
    return template.render(
        page=frame(f"Comparison: {headline}", sections),
        headline=headline,
        sure=_sure(reports),
        warnings=_warnings(reports),
        lines=[_line(data, scale) for data in reports],
        ranges=ranges,
        course=_course(reports),
        ticks=glance_ticks(scale, reports[0].study.metric) if reports else (),
    )


def _course(reports: Sequence[ReportData]) -> Course | None:
    """The best so far of each study against worker time; None where fewer than two studies have one, or their metrics differ."""
    known = [data for data in reports[:MOST_LINES] if data.progress.leaders and data.progress.worker_seconds]
    if len(known) < 2 or len({data.study.metric for data in known}) > 1:  # noqa: PLR2004 - a comparison needs two
        return None
    totals = [data.progress.worker_seconds for data in known]
    longest, metric = max(totals), known[0].study.metric
    scale = nice_scale((value for data in known for _, value in data.progress.leaders), 5)
    lines = []
    for place, (data, total) in enumerate(zip(known, totals, strict=True)):
        steps = [
            (COURSE[0] * _trained_until(data, seconds) / longest, COURSE[1] * (1 - scale.at(value)))
            for seconds, value in data.progress.leaders
        ]
        (x, y), *later = steps
        path = f"M{x:.1f} {y:.1f}" + "".join(f"H{x:.1f}V{y:.1f}" for x, y in later) + f"H{COURSE[0] * total / longest:.1f}"
        lines.append((path, f"series-{place + 1}", data.study.name))
    ticks = tuple((round(COURSE[1] * (1 - tick.at), 1), tick.text) for tick in scale.ticks(5, metric))
    return Course(tuple(lines), ticks, wording.duration(longest))


def _trained_until(data: ReportData, seconds: float) -> float:
    """Seconds that all workers together had trained, so many seconds after the study's start."""
    return sum(max(0.0, min(run.end, seconds) - run.start) for run in data.progress.runs)


def _line(data: ReportData, scale: Scale) -> StudyLine:
    leader, metric = data.ranked[0] if data.ranked else None, data.study.metric
    bests = [row.best for row in data.ranked if row.best is not None]
    unconfirmed = leader is not None and leader.stable_interval is None
    return StudyLine(
        data=data,
        leader=leader,
        spark=curve_of(data, leader, sparkline_scale(data)) if leader else None,
        holds=wording.score(leader.stable if leader else None, metric),
        interval="not confirmed" if unconfirmed else wording.interval(leader.stable_interval if leader else None, metric),
        best=wording.score((max if data.study.maximize else min)(bests, default=None), metric),
        ranked=wording.count(len(data.configurations), "configuration"),
        oscillating=f"{len(data.verdict.oscillating):,} of {len(data.ranked):,}",
        cost=f"{data.progress.epochs_trained:,} epochs, {wording.duration(data.progress.seconds)}",
        glance=tuple(glance_row(data, row, scale) for row in data.ranked[:LEADERS_SHOWN]),
    )


def _headline(reports: Sequence[ReportData]) -> str:
    if not reports or not reports[0].ranked:
        return "Nothing to compare yet"
    study = reports[0].study
    value = wording.score(reports[0].ranked[0].stable, study.metric)
    return f"{study.name} holds {value}" if len(reports) == 1 else f"{study.name} holds most: {value}"


def _sure(reports: Sequence[ReportData]) -> str:
    """Whether the intervals of the two first studies' leaders overlap."""
    leaders = [(data.study.metric, data.ranked[0].stable_interval) for data in reports if data.ranked]
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


def _ranges(reports: Sequence[ReportData]) -> dict[str, list[tuple[str, str]]]:
    """By parameter and study its range and the value of the first configuration, in words; empty where there is none."""
    ranges = [{parameter.name: _range(parameter) for parameter in data.parameters} for data in reports]
    bests = [{name: wording.parameter(value) for row in data.ranked[:1] for name, value in row.params.items()} for data in reports]
    names = dict.fromkeys(name for known in ranges for name in known)
    return {name: [(known.get(name, ""), best.get(name, "")) for known, best in zip(ranges, bests, strict=True)] for name in names}


def _range(parameter: ParameterRecord) -> str:
    if parameter.labels:
        return ", ".join(parameter.labels)
    return f"{wording.parameter(parameter.low)} to {wording.parameter(parameter.high)}{' (log)' if parameter.log else ''}"
