"""Studies beside one another: the curves of their first configurations, the best so far against its cost, and the settings in which they differ.

Both a comparison (`reports.page.comparison`) and the appendix of a report show it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from reports import wording
from reports.metrics import is_fraction
from reports.page.drawing import Scale, kept_epochs, nice_scale
from reports.page.ranking_view import curve_of
from reports.records import StudySettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reports.page.drawing import Sparkline
    from reports.ranking import RankedConfiguration
    from reports.records import ParameterRecord
    from reports.verdict import ReportData

MOST_LINES = 6
"""As many colours and dashes as there are."""
CHART = (1000, 220)
MOST_POINTS = 200
HOUR = 3600.0
LONGEST_VALUE = 120
"""Characters of a fixed setting, e.g. of a long list of classes."""
UNCOMPARED = frozenset(
    {"study", "storage", "storage_path", "space", "report", "notify", "tracking", "runtime", "allow", "starting_points", "import"}
)
"""Entries of a sweep file that name things and places, or are compared otherwise."""
SETTINGS_HOW = (
    "What any study searched, with the value of its first configuration below; then what they fixed differently, by their sweep files."
)


@dataclass(frozen=True)
class StudyRow:
    """One study in the table, its first configuration and what it cost."""

    data: ReportData
    leader: RankedConfiguration | None
    spark: Sparkline | None
    holds: str
    interval: str
    best: str
    ranked: str
    oscillating: str
    cost: str


@dataclass(frozen=True)
class LineChart:
    """A line for each study in one frame.

    Attributes:
        key: for IDs on the page.
        title: of the figure.
        how: what it shows, and what the axes are.
        lines: path, style (``series-1`` to ``series-6``) and name of each study.
        y_ticks: height in the frame and text of each.
        x_ticks: percentage of the width and text of each.
        x_title: of the axis.
    """

    key: str
    title: str
    how: str
    lines: tuple[tuple[str, str, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    x_ticks: tuple[tuple[float, str], ...]
    x_title: str


@dataclass(frozen=True)
class SettingCell:
    """What a study does with a setting: the range that it searches, or the value that it fixes; `chosen` by its first configuration."""

    text: str
    chosen: str = ""
    searched: bool = False


@dataclass(frozen=True)
class ComparedView:
    """What the template shows.

    Attributes:
        rows: one for each study.
        charts: those that can be drawn of these studies.
        settings: name and what each study does with it: all that any of them searches, then what they fix differently.
        settings_how: what stands there, and how many settings all of them fix alike.
        warnings: why figures may not be comparable.
    """

    rows: tuple[StudyRow, ...]
    charts: tuple[LineChart, ...]
    settings: tuple[tuple[str, tuple[SettingCell, ...]], ...]
    settings_how: str
    warnings: tuple[str, ...]


def compared_view(reports: Sequence[ReportData]) -> ComparedView:
    """Put studies beside one another, in the order in which they are given."""
    charts = (_curves(reports[:MOST_LINES]), _course(reports[:MOST_LINES]))
    settings, alike = _settings(reports)
    return ComparedView(
        rows=tuple(map(_row, reports)),
        charts=tuple(chart for chart in charts if chart is not None),
        settings=settings,
        settings_how=SETTINGS_HOW
        + (f" {wording.count(alike, 'setting is', 'settings are')} fixed alike." if alike and len(reports) > 1 else ""),
        warnings=_warnings(reports),
    )


def _warnings(reports: Sequence[ReportData]) -> tuple[str, ...]:
    """Why figures may not be comparable."""
    warnings = []
    metrics = sorted({data.study.metric for data in reports})
    if len(metrics) > 1:
        warnings.append(f"The studies rank by different metrics ({', '.join(metrics)}): their figures cannot be compared.")
    if len({data.study.num_val for data in reports}) > 1:
        warnings.append("Their validation sets differ in size.")
    if len({data.study.facts.get("data_fingerprint") for data in reports}) > 1:
        warnings.append("They were trained on different data (their data fingerprints differ).")
    return tuple(warnings)


def _row(data: ReportData) -> StudyRow:
    leader, metric = data.ranked[0] if data.ranked else None, data.study.metric
    bests = [row.best for row in data.ranked if row.best is not None]
    unconfirmed = leader is not None and leader.stable_interval is None
    return StudyRow(
        data=data,
        leader=leader,
        spark=curve_of(data, leader, _scale_of([data])) if leader else None,
        holds=wording.score(leader.stable if leader else None, metric),
        interval="not confirmed" if unconfirmed else wording.interval(leader.stable_interval if leader else None, metric),
        best=wording.score((max if data.study.maximize else min)(bests, default=None), metric),
        ranked=wording.count(len(data.configurations), "configuration"),
        oscillating=f"{len(data.verdict.oscillating):,} of {len(data.ranked):,}",
        cost=f"{data.progress.epochs_trained:,} epochs, {wording.duration(data.progress.seconds)}",
    )


def _first_curve(data: ReportData) -> np.ndarray | None:
    """Values of the first configuration's first training that has any, ``(num_epochs,)``."""
    curves = (trial.curves.get(data.study.metric) for row in data.ranked[:1] for trial in row.trials)
    return next((curve for curve in curves if curve is not None and np.isfinite(curve).any()), None)


def _scale_of(reports: Sequence[ReportData]) -> Scale:
    """A scale with round ends over the first configurations' curves, without the first tenth of the epochs: they start anywhere."""
    late = [curve[len(curve) // 10 :] for data in reports if (curve := _first_curve(data)) is not None]
    values = np.concatenate(late) if late else np.empty(0)
    return nice_scale((float(value) for value in values), 5)


def _curves(reports: Sequence[ReportData]) -> LineChart | None:
    """The curves of the first configurations on one epoch axis; None where fewer than two studies have one, or their metrics differ."""
    known = [(data, curve) for data in reports if (curve := _first_curve(data)) is not None]
    if len(known) < 2 or len({data.study.metric for data, _ in known}) > 1:  # noqa: PLR2004 - a comparison needs two
        return None
    longest, metric = max(len(curve) for _, curve in known), known[0][0].study.metric
    scale = _scale_of([data for data, _ in known])
    lines = []
    for place, (data, curve) in enumerate(known):
        kept = kept_epochs(np.where(np.isfinite(curve), curve, np.nan).astype(np.float32), MOST_POINTS)
        points = [
            f"{CHART[0] * epoch / max(1, longest - 1):.1f} {CHART[1] * (1 - scale.at(float(curve[epoch]))):.1f}"
            for epoch in kept
            if np.isfinite(curve[epoch])
        ]
        lines.append(("M" + "L".join(points), f"series-{place + 1}", f"{data.study.name}, {data.ranked[0].short}"))
    return LineChart(
        key="first-curves",
        title="Curves of the first configurations",
        how=f"{_capital(wording.metric_words(metric))} by epoch, of the first training of each. Values below the axis lie at its lower end.",
        lines=tuple(lines),
        y_ticks=_heights(scale, metric),
        x_ticks=_epoch_ticks(longest),
        x_title="epoch",
    )


def _epoch_ticks(epochs: int) -> tuple[tuple[float, str], ...]:
    """The first epoch, the last one, and round ones between."""
    step = max(1, round(nice_scale((0.0, float(epochs)), 5).high / 4))
    between = range(step, epochs - step // 2, step)
    return tuple((round(100 * (epoch - 1) / max(1, epochs - 1), 2), f"{epoch:,}") for epoch in dict.fromkeys((1, *between, epochs)))


def _course(reports: Sequence[ReportData]) -> LineChart | None:
    """The best so far of each study against its cost; None where fewer than two studies have one, or their metrics differ."""
    known = [data for data in reports if data.progress.leaders and data.progress.worker_seconds]
    if len(known) < 2 or len({data.study.metric for data in known}) > 1:  # noqa: PLR2004 - a comparison needs two
        return None
    unit, spans = _cost_spans(known)
    totals = [_until(each, np.inf) for each in spans]
    longest, metric = max(totals), known[0].study.metric
    scale = nice_scale((value for data in known for _, value in data.progress.leaders), 5)
    lines = []
    for place, (data, total) in enumerate(zip(known, totals, strict=True)):
        steps = [
            (CHART[0] * _until(spans[place], seconds) / longest, CHART[1] * (1 - scale.at(value)))
            for seconds, value in data.progress.leaders
        ]
        (x, y), *later = steps
        path = f"M{x:.1f} {y:.1f}" + "".join(f"H{x:.1f}V{y:.1f}" for x, y in later) + f"H{CHART[0] * total / longest:.1f}"
        lines.append((path, f"series-{place + 1}", data.study.name))
    hours = nice_scale((0.0, longest / HOUR), 5)
    return LineChart(
        key="best-so-far",
        title="Best so far against what it cost",
        how=f"What the best finished training held ({wording.metric_words(metric)}), over {unit} of all workers together.",
        lines=tuple(lines),
        y_ticks=_heights(scale, metric),
        x_ticks=tuple(
            (round(100 * tick.value * HOUR / longest, 2), f"{tick.value:g}") for tick in hours.ticks(5, "") if tick.value * HOUR <= longest
        ),
        x_title=unit,
    )


Span = tuple[float, float, float]
"""When it began and ended, in seconds since its study's start, and how many devices it had."""


def _cost_spans(reports: Sequence[ReportData]) -> tuple[str, list[list[Span]]]:
    """The unit of cost, and each study's spans: GPU-hours where all trained on GPUs, else CPU-hours where all say how many cores a trial has, else hours.

    Trainings that share a worker at the same time share its cores.
    """
    if all(data.progress.gpu_seconds > 0.0 for data in reports):
        return "GPU-hours", [[(run.start, run.end, run.gpu) for run in data.progress.runs] for data in reports]
    cores = [StudySettings(data.study).section("resources").get("cpu") for data in reports]
    known = [float(each) for each in cores if isinstance(each, int | float) and each > 0]
    if len(known) == len(reports) and not any(data.progress.gpu_seconds for data in reports):
        return "CPU-hours", [list(_busy(data, each)) for data, each in zip(reports, known, strict=True)]
    return "hours of training", [list(_busy(data, 1.0)) for data in reports]


def _busy(data: ReportData, devices: float) -> Iterator[Span]:
    """Spans in which each worker trained anything."""
    by_worker = sorted(data.progress.runs, key=attrgetter("worker", "start"))
    for _, runs in itertools.groupby(by_worker, key=attrgetter("worker")):
        until = 0.0
        for run in runs:
            if run.end > until:
                yield max(run.start, until), run.end, devices
                until = run.end


def _until(spans: Sequence[Span], seconds: float) -> float:
    """Device seconds of all spans, so many seconds after the study's start."""
    return sum(devices * max(0.0, min(end, seconds) - start) for start, end, devices in spans)


def _heights(scale: Scale, metric: str) -> tuple[tuple[float, str], ...]:
    unit = wording.PERCENT if is_fraction(metric) else ""
    return tuple((round(CHART[1] * (1 - tick.at), 1), tick.text + unit) for tick in scale.ticks(5, metric))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _settings(reports: Sequence[ReportData]) -> tuple[tuple[tuple[str, tuple[SettingCell, ...]], ...], int]:
    """What any study searches, then what they fix differently; and how many settings all fix alike."""
    known = [StudySettings(data.study) for data in reports]
    fixed = [{name: value for name, value in _leaves(settings.whole()) if not _below(name, UNCOMPARED)} for settings in known]
    searched = [{parameter.name: parameter for parameter in data.parameters} for data in reports]
    rows, told = [], set()
    for name in dict.fromkeys(name for parameters in searched for name in parameters):
        cells = []
        for data, parameters, settings, values in zip(reports, searched, known, fixed, strict=True):
            long = next((each for each in values if settings.is_short_for(name, each) or each == name), name)
            told.add(long)
            if name in parameters:
                cells.append(SettingCell(_range(parameters[name]), _chosen(data, name), searched=True))
            else:
                cells.append(SettingCell(_in_words(values[long]) if long in values else ""))
        rows.append((name, tuple(cells)))
    alike = 0
    for name in dict.fromkeys(name for values in fixed for name in values if name not in told):
        cells = [SettingCell(_in_words(values[name]) if name in values else "") for values in fixed]
        if len({cell.text for cell in cells}) > 1:
            rows.append((name, tuple(cells)))
        else:
            alike += 1
    return tuple(rows), alike


def _leaves(content: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every value of nested mappings by its path; an empty mapping is a value."""
    for key, value in content.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _below(name: str, entries: frozenset[str]) -> bool:
    return name.partition(".")[0] in entries


def _chosen(data: ReportData, name: str) -> str:
    return next((wording.parameter(row.params[name]) for row in data.ranked[:1] if name in row.params), "")


def _in_words(value: object) -> str:
    """A fixed setting as the sweep file has it, on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    parts = value if isinstance(value, list) else [value]
    text = ", ".join(wording.parameter(part) if isinstance(part, float) else str(part) for part in parts) or "none"
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _range(parameter: ParameterRecord) -> str:
    if parameter.labels:
        return ", ".join(parameter.labels)
    return f"{wording.parameter(parameter.low)} to {wording.parameter(parameter.high)}{' (log)' if parameter.log else ''}"
