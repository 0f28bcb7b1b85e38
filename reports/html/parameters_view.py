"""Importance as bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from reports.data import ReportData
    from reports.data.report_data import Importance

MOST_BARS = 12


@dataclass(frozen=True)
class ImportanceBar:
    """One parameter; `width` in percent."""

    name: str
    width: float
    text: str


@dataclass(frozen=True)
class ImportanceView:
    """Bars for one target."""

    target: Literal["stable", "oscillating"]
    title: str
    how: str
    bars: tuple[ImportanceBar, ...]
    note: str


def importance_views(data: ReportData) -> tuple[ImportanceView, ...]:
    """One figure a target."""
    return tuple(_view(item) for item in data.importance)


def _view(item: Importance) -> ImportanceView:
    leading = next(iter(item.shares), "")
    what = "what is held" if item.target == "stable" else "oscillation"
    longest = max(item.shares.values(), default=0.0) or 1.0
    bars = tuple(
        ImportanceBar(name, round(100 * share / longest, 1), f"{100 * share:.0f} %")
        for name, share in list(item.shares.items())[:MOST_BARS]
    )
    explained = "" if item.explained is None else f" All together explain {100 * item.explained:.0f} % of the variation."
    how = f"Share of the variation of {what} that goes with each parameter.{explained}"
    return ImportanceView(item.target, f"{leading} goes most with {what}" if leading else f"Nothing goes with {what}", how, bars, item.note)
