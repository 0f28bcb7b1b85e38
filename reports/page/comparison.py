"""Several studies on one page: what each holds, how sure that is, how many of its configurations oscillate, and what it searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports import wording
from reports.page.compared_view import compared_view
from reports.page.report import environment, frame
from reports.page.sure_view import glance_row, glance_scale, glance_ticks
from reports.verdict import build_report_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.records import StudyRecord
    from reports.verdict import ReportData

LEADERS_SHOWN = 3


def render_comparison(studies: Sequence[StudyRecord]) -> str:
    """Build a page that puts studies side by side, each ranked by itself; the one that holds most comes first, those without a ranking last.

    A whole HTML document that asks nothing of the network; one study or none render as well.
    """
    maximize = all(study.maximize for study in studies)

    def place(data: ReportData) -> tuple[bool, float]:
        held = data.ranked[0].stable if data.ranked else None
        return held is None, (held or 0.0) * (-1 if maximize else 1)

    reports = sorted(map(build_report_data, studies), key=place)
    headline, compared = _headline(reports), compared_view(reports)
    scale = glance_scale(row for data in reports for row in data.ranked[:LEADERS_SHOWN])
    sections = [("answer", "Answer"), ("studies", "Studies"), *([("settings", "Settings that differ")] if compared.settings else [])]
    template = environment().get_template("comparison.html.jinja")
    return template.render(
        page=frame(f"Comparison: {headline}", sections),
        headline=headline,
        sure=_sure(reports),
        compared=compared,
        glances=[
            (data.study.name, data.verdict.headline, tuple(glance_row(data, row, scale) for row in data.ranked[:LEADERS_SHOWN]))
            for data in reports
        ],
        ticks=glance_ticks(scale, reports[0].study.metric) if reports else (),
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
