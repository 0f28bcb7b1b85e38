"""Section 2, how sure: the leaders on one axis, each with what differs from the one to take, and what the highest peak would have picked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import wording
from reports.metrics import is_fraction
from reports.naming import SEPARATOR, differing_words
from reports.page.drawing import Scale, scale_over

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reports.ranking import RankedConfiguration
    from reports.verdict import ReportData


MOST_ROWS = 7


@dataclass(frozen=True)
class GlanceRow:
    """One configuration at a glance; positions are percentages of the width, `range` is (start, width); `differs` says how from the one to take."""

    row: RankedConfiguration
    value: str
    held: float
    best: float | None
    range: tuple[float, float] | None
    differs: str
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
class SureView:
    """What the section shows beside the verdict's sentences; `seal` is the word for how sure it is."""

    seal: str
    sentences: tuple[str, ...]
    notes: tuple[tuple[str, str], ...]
    glance: Glance


SEALS = {"confirmed": "confirmed", "unconfirmed": "not confirmed", "tied": "tie"}


def sure_view(data: ReportData) -> SureView | None:
    """The leaders and how sure their order is; None without a ranking, and for a single run, whose curve is all there is."""
    verdict = data.verdict
    glance = _glance(data)
    if glance is None:
        return None
    take = data.configuration(verdict.leaders[0])
    file = "" if take.test is not None else verdict.checkpoint  # on test images it is one figure, which the answer has
    notes = (("Peak", verdict.best_epoch), ("Swings", verdict.steadiness), ("File", file), ("Open", verdict.open_ends))
    return SureView(
        seal=SEALS[verdict.kind],
        sentences=tuple(sentence for sentence in (verdict.probability, verdict.basis) if sentence),
        notes=tuple((label, text) for label, text in notes if text),
        glance=glance,
    )


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
    take = next((row for row in data.ranked if row.configuration == data.verdict.recommended), rows[0])
    return Glance(
        title=f"What {'they hold' if several else 'it holds'}, and what {'their' if several else 'its'} best epoch promised",
        rows=tuple(glance_row(data, row, scale, apart=apart and row is pick, take=take) for row in rows),
        ticks=glance_ticks(scale, data.study.metric),
        has_intervals=any(row.stable_interval for row in rows),
    )


def glance_scale(rows: Iterable[RankedConfiguration]) -> Scale:
    """A common axis for what configurations hold, their best epochs and their intervals."""
    values = (value for row in rows for value in (row.stable, row.best, *(row.stable_interval or ())) if value is not None)
    return scale_over(values, margin=0.06)


def glance_ticks(scale: Scale, metric: str) -> tuple[tuple[float, str], ...]:
    """Ticks of the common axis: percentage of the width, and text."""
    unit = wording.PERCENT if is_fraction(metric) else ""
    return tuple((round(100 * tick.at, 2), tick.text + unit) for tick in scale.ticks(5, metric))


def glance_row(
    data: ReportData, row: RankedConfiguration, scale: Scale, *, apart: bool = False, take: RankedConfiguration | None = None
) -> GlanceRow:
    """One configuration on the common axis; `apart` sets it off from those above, `take` is the one that its settings are compared with."""
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
        differs=row.name if take is None or row is take else SEPARATOR.join(differing_words(row.params, take.params, data.parameters)),
        in_tie=row.configuration in data.tied,
        apart=apart,
        description=", ".join(says),
    )
