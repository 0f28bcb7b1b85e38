"""One study's report as one self-contained HTML text: templates, style sheets and scripts inlined; their hashes are all that its security policy allows."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from graphlib import TopologicalSorter
from importlib import resources
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from reports import wording
from reports.metrics import is_fraction
from reports.page.answer_view import answer_view
from reports.page.appendix_view import appendix_contents, history_view, reproduce_view
from reports.page.compared_view import compared_view
from reports.page.cost_view import cost_view
from reports.page.diagnosis_view import diagnosis_view
from reports.page.drawing import Scale, scale_over
from reports.page.mistakes_view import mistakes_view
from reports.page.parameters_view import MOST_CARDS, MOST_PLOTS, importance_how, importance_view, parameter_cards
from reports.page.payload import default_selection, payload
from reports.page.ranking_view import curve_of, ranking_view
from reports.page.sure_view import sure_view
from reports.page.sweep_view import sweep_view
from reports.page.thumbnails import NOTHING
from reports.verdict import as_report_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.page.drawing import Sparkline
    from reports.page.thumbnails import Thumbnails
    from reports.ranking import RankedConfiguration
    from reports.records import StudyRecord
    from reports.verdict import ReportData


STATIC_CURVE = (320, 120)
CLIPPED_SHARE = 0.5
"""Per cent of all epochs that may lie outside the sparklines' scale at either end: single outliers do not flatten all others."""
STYLES = (
    "variables",
    "page",
    "answer",
    "sure",
    "next",
    "explorer",
    "ranking",
    "curves",
    "parameters",
    "problems",
    "mistakes",
    "appendix",
    "sweep",
    "reproduce",
    "comparison",
    "print",
)
IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.js";$', re.MULTILINE)
EXPORT = re.compile(r"^export (async function|function|const) (\w+)", re.MULTILINE)


@cache
def environment() -> Environment:
    """The templates' environment, one a process: escaping on, unknown names are errors."""
    env = Environment(
        loader=PackageLoader("reports.page", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    env.filters["words"] = wording.words
    env.filters["breakable"] = breakable
    env.filters["metric_words"] = wording.metric_words
    env.filters["evidence"] = wording.evidence
    return env


def breakable(name: str) -> Markup:
    """A name that may be broken after its underscores and dots."""
    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?<=[_.])", name))


def frame(title: str, sections: list[tuple[str, str]], *, payload: str = "", refresh_seconds: int | None = None) -> dict[str, object]:
    """What the frame of every page needs; our own styles, scripts and the escaped payload are the only marked-safe texts."""
    return {
        "title": title,
        "sections": sections,
        "policy": security_policy(),
        "styles": Markup(styles()),  # noqa: S704 - our own files
        "scripts": Markup(scripts()),  # noqa: S704 - our own files
        "payload": Markup(payload),  # noqa: S704 - escaped by `payload.ESCAPES`
        "refresh_seconds": refresh_seconds,
    }


def render_report(
    study: StudyRecord | ReportData,
    *,
    refresh_seconds: int | None = None,
    thumbnails: Thumbnails = NOTHING,
    others: Sequence[StudyRecord | ReportData] = (),
) -> str:
    """Build the report of a study: a whole HTML document that asks nothing of the network.

    Args:
        study: the records, or the report data already made from them.
        refresh_seconds: reload the page so often, while a sweep runs; None: never.
        thumbnails: pictures of the images that most configurations miss.
        others: studies that the appendix compares it with.
    """
    data = as_report_data(study)
    scale = sparkline_scale(data)
    title = f"{data.study.name}: {data.verdict.headline}"
    template = environment().get_template("report.html.jinja")
    return template.render(
        page=frame(title, _sections(data), payload=payload(data, (scale.low, scale.high)), refresh_seconds=refresh_seconds),
        data=data,
        importance=[importance_view(item) for item in data.importance],
        importance_how=importance_how(data.importance),
        parameter_cards=parameter_cards(data) if data.study.kind == "study" else (),
        most_cards=MOST_CARDS,
        most_pairs=MOST_PLOTS,
        anything_stands_out=any(item.standing_out for item in data.importance),
        is_fraction=is_fraction(data.study.metric),
        answer=answer_view(data),
        sure=sure_view(data),
        ranking=ranking_view(data, scale),
        costs=cost_view(data),
        curves={"title": f"{data.study.metric} by epoch", "static": _static_curves(data, scale)},
        diagnosis=diagnosis_view(data, scale),
        mistakes=None if data.mistakes is None else mistakes_view(data, data.mistakes, thumbnails),
        sweep=sweep_view(data),
        history=history_view(data),
        reproduce=reproduce_view(data),
        compared=compared_view([data, *map(as_report_data, others)]) if others else None,
        appendix_contents=appendix_contents(data, len(others)),
    )


def sparkline_scale(data: ReportData) -> Scale:
    """One scale for all rows, from the bulk of all epochs."""
    parts = [
        curve[np.isfinite(curve)]
        for row in data.configurations
        for trial in row.trials
        if (curve := trial.curves.get(data.study.metric)) is not None
    ]
    values = np.concatenate(parts) if parts else np.empty(0)
    if not values.size:
        return Scale(0.0, 1.0)
    low, high = np.percentile(values, [CLIPPED_SHARE, 100 - CLIPPED_SHARE])
    return scale_over((float(low), float(high)), margin=0.02)


def _static_curves(data: ReportData, scale: Scale) -> list[tuple[RankedConfiguration, Sparkline, str]]:
    """Larger curves with descriptions, for readers without scripts."""
    rows = map(data.configuration, default_selection(data))
    flagged = ((row, ", ".join(wording.words(flag.name) for flag in row.flags)) for row in rows)
    return [
        (row, spark, f"{data.study.metric} over {row.epochs} epochs{'; ' if flags else ''}{flags}")
        for row, flags in flagged
        if (spark := curve_of(data, row, scale, STATIC_CURVE)) is not None
    ]


def _sections(data: ReportData) -> list[tuple[str, str]]:
    """Sections of the page, in its order: ID and what the navigation calls it."""
    sweep = data.study.kind == "study"
    sections = [("answer", "Answer")]
    if data.ranked:
        sections.append(("sure", "How sure"))
    if data.next_steps:
        sections.append(("next", "Do next"))
    if data.configurations:
        sections.append(("explorer", "Explorer" if len(data.configurations) > 1 else "Curves"))
        if sweep and data.parameters:
            sections.append(("parameters", "What matters"))
        sections.append(("problems", "Problems"))
    if data.mistakes is not None:
        sections.append(("mistakes", "Where it errs"))
    return [*sections, ("appendix", "Appendix")]


@cache
def styles() -> str:
    """All style sheets as one text."""
    folder = resources.files("reports.page") / "css"
    return "\n".join((folder / f"{name}.css").read_text(encoding="utf-8") for name in STYLES)


@cache
def scripts() -> str:
    """All scripts as one: each module becomes a function that returns what it exports, so that their private names stay apart.

    They stand in an order in which each comes after those that it imports.
    """
    folder = resources.files("reports.page") / "scripts"
    sources = {file.name.removesuffix(".js"): file.read_text(encoding="utf-8") for file in sorted(folder.iterdir(), key=attrgetter("name"))}
    order = TopologicalSorter({name: [uses for _, uses in IMPORT.findall(source)] for name, source in sources.items()}).static_order()
    return "\n".join(_as_function(name, sources[name]) for name in order)


def _as_function(name: str, source: str) -> str:
    """An ECMAScript module, as an expression that names its exports."""
    exported = ", ".join(match.group(2) for match in EXPORT.finditer(source))
    body = EXPORT.sub(r"\1 \2", IMPORT.sub(r"const \1 = module_\2;", source))
    return f"const module_{name} = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();"


@cache
def security_policy() -> str:
    """A Content-Security-Policy that lets our own script and styles run and nothing load from anywhere."""
    return f"default-src 'none'; script-src '{_hash(scripts())}'; style-src '{_hash(styles())}'; img-src data:; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
