"""Flags by kind, and one card for each flagged configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.data import wording
from reports.html.ranking_view import curve_of

if TYPE_CHECKING:
    from reports.data import ReportData
    from reports.data.report_data import CauseFinding, Configuration
    from reports.flags import Flag, FlagName
    from reports.html.scale import Scale
    from reports.html.sparkline import Sparkline

MOST_CARDS = 60
MEANINGS: dict[FlagName, str] = {
    "oscillating": "swing again and again by more than the validation set's size explains",
    "spiking": "hold steady but for rare deep drops that recover",
    "collapsed": "stuck at the share of one class",
    "diverging": "end lastingly below what they held",
    "overfitting": "fit the training images far better than the validation images",
    "unfinished": "still improving when they stopped",
    "bn_gap": "predict far worse with stored BatchNorm statistics than with the batch's own",
    "noisy_validation": "look unsteady, but a validation set of this size explains it",
    "broken_metric": "validation accuracy does not move while the loss learns",
}


@dataclass(frozen=True)
class FlagGroup:
    """How many configurations carry a flag."""

    flag: Flag
    count: int
    meaning: str


@dataclass(frozen=True)
class Card:
    """A flagged configuration with evidence and causes."""

    row: Configuration
    flags: tuple[Flag, ...]
    causes: tuple[CauseFinding, ...]
    spark: Sparkline | None


@dataclass(frozen=True)
class DiagnosisView:
    """What the diagnosis template shows."""

    sentence: str
    groups: tuple[FlagGroup, ...]
    cards: tuple[Card, ...]
    left_out: int


def diagnosis_view(data: ReportData, scale: Scale) -> DiagnosisView:
    """Group flags; the leaders and the severest first."""
    rows = {row.id: row for row in data.configurations}
    first: dict[FlagName, Flag] = {}
    counts: dict[FlagName, int] = {}
    for row in data.configurations:
        for flag in row.flags:
            first.setdefault(flag.name, flag)
            counts[flag.name] = counts.get(flag.name, 0) + 1
    cards = sorted(data.diagnoses, key=lambda item: _urgency(item.flags))
    return DiagnosisView(
        sentence=_sentence(data),
        groups=tuple(FlagGroup(first[name], number, MEANINGS[name]) for name, number in sorted(counts.items(), key=lambda pair: -pair[1])),
        cards=tuple(
            Card(rows[item.configuration], item.flags, item.causes, curve_of(data, rows[item.configuration], scale))
            for item in cards[:MOST_CARDS]
        ),
        left_out=max(0, len(cards) - MOST_CARDS),
    )


def _urgency(flags: tuple[Flag, ...]) -> int:
    rank = {"high": 0, "medium": 1, "low": 2}
    return min((rank[flag.severity] for flag in flags), default=3)


def _sentence(data: ReportData) -> str:
    flagged = sum(bool(row.flags) for row in data.configurations)
    thing = "run" if data.study.kind == "logs" else "configuration"
    if not flagged:
        return "No curve shows anything out of the ordinary."
    return f"{flagged:,} of {wording.count(len(data.configurations), thing)} carry a flag. Severest first."
