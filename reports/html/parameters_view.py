"""Importance as bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reports.data import wording

if TYPE_CHECKING:
    from reports.data import ReportData
    from reports.importance import ParameterImportance, StudyImportance

MOST_BARS = 12


@dataclass(frozen=True)
class ImportanceBar:
    """One parameter; `width` in percent."""

    name: str
    width: float
    text: str
    note: str


@dataclass(frozen=True)
class ImportanceView:
    """Bars for one target, or a note why there are none."""

    target: Literal["stable", "oscillation"]
    title: str
    how: str
    bars: tuple[ImportanceBar, ...]
    note: str


def importance_views(data: ReportData) -> tuple[ImportanceView, ...]:
    """One figure a target."""
    return tuple(_view(item) for item in data.importance)


def _view(item: StudyImportance) -> ImportanceView:
    what = "what is held" if item.target == "stable" else "oscillation"
    known = [(found, found.importance) for found in item.parameters if found.importance is not None]
    if not known:
        return ImportanceView(item.target, f"What goes with {what}", "", (), _sentence(item.note or "no parameter varies"))
    longest = max((share for _, share in known), default=0.0) or 1.0
    bars = tuple(
        ImportanceBar(found.parameter, round(100 * share / longest, 1), f"{100 * share:.0f}{wording.PERCENT}", _active(found))
        for found, share in known[:MOST_BARS]
    )
    how = f"Share of the variation of {what} that goes with each parameter, over {wording.count(item.configurations, 'configuration')} ({item.evaluator})."
    left_out = f"{len(known) - MOST_BARS} more parameters matter less. " if len(known) > MOST_BARS else ""
    return ImportanceView(item.target, f"{known[0][0].parameter} goes most with {what}", how, bars, left_out)


def _active(found: ParameterImportance) -> str:
    return "" if found.active_share >= 1 else f"within the {100 * found.active_share:.0f}{wording.PERCENT} that have it"


def _sentence(note: str) -> str:
    return f"{note[:1].upper()}{note[1:]}."
