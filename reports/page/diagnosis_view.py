"""Flags by kind, and one card for each flagged configuration.

Importance as bars.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reports import wording
from reports.page.ranking_view import curve_of

if TYPE_CHECKING:
    from reports.diagnosis import CauseCheck
    from reports.flags import Flag, FlagName
    from reports.page.drawing import Scale, Sparkline
    from reports.verdict import ReportData
    from reports.verdict.importance import ParameterImportance, StudyImportance
    from reports.verdict.report_data import Cause, Configuration


MOST_CARDS = 60
SEVERITIES = ("high", "medium", "low")
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
    chance: str


@dataclass(frozen=True)
class Card:
    """A flagged configuration with its evidence."""

    row: Configuration
    flags: tuple[Flag, ...]
    checks: tuple[CauseCheck, ...]
    spark: Sparkline | None


@dataclass(frozen=True)
class DiagnosisView:
    """What the diagnosis template shows."""

    sentence: str
    groups: tuple[FlagGroup, ...]
    causes: tuple[Cause, ...]
    cause_sentence: str
    cards: tuple[Card, ...]
    left_out: int


def diagnosis_view(data: ReportData, scale: Scale) -> DiagnosisView:
    """Group flags; the leaders and the severest first."""
    gravest: dict[FlagName, Flag] = {}
    counts: Counter[FlagName] = Counter()
    for row in data.configurations:
        for flag in row.flags:
            counts[flag.name] += 1
            if flag.name not in gravest or SEVERITIES.index(flag.severity) < SEVERITIES.index(gravest[flag.name].severity):
                gravest[flag.name] = flag
    flagged = sorted((row for row in data.configurations if row.flags), key=lambda row: _urgency(row.flags))
    return DiagnosisView(
        sentence=_sentence(data),
        groups=tuple(
            FlagGroup(gravest[name], number, MEANINGS[name], data.flag_counts.get(name, "")) for name, number in counts.most_common()
        ),
        causes=data.causes,
        cause_sentence=_cause_sentence(data),
        cards=tuple(Card(row, row.flags, data.cause_checks.get(row.id, ()), curve_of(data, row, scale)) for row in flagged[:MOST_CARDS]),
        left_out=max(0, len(flagged) - MOST_CARDS),
    )


def _urgency(flags: tuple[Flag, ...]) -> int:
    return min((SEVERITIES.index(flag.severity) for flag in flags), default=len(SEVERITIES))


def _cause_sentence(data: ReportData) -> str:
    """What was looked for, and that silence is an answer."""
    if data.study.kind == "logs":
        return ""
    if not data.cause_tests:
        return "Too few configurations, or too few that differ in their flags, to test which parameters go with them."
    looked = f"{wording.count(data.cause_tests, 'pair')} of parameter and flag tested by permutation, adjusted for their number"
    return f"{looked}." if data.causes else f"{looked}: none stands out."


def _sentence(data: ReportData) -> str:
    flagged = sum(bool(row.flags) for row in data.configurations)
    thing = "run" if data.study.kind == "logs" else "configuration"
    if not flagged:
        return "No curve shows anything out of the ordinary."
    return (
        f"{flagged:,} of {wording.count(len(data.configurations), thing)} {'carries' if flagged == 1 else 'carry'} a flag. Severest first."
    )


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
    return tuple(_importance_view(item) for item in data.importance)


def _importance_view(item: StudyImportance) -> ImportanceView:
    what = "what is held" if item.target == "stable" else "oscillation"
    known = [(found, found.importance) for found in item.parameters if found.importance is not None]
    if not known:
        return ImportanceView(item.target, f"What goes with {what}", "", (), _capitalised(item.note or "no parameter varies"))
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


def _capitalised(note: str) -> str:
    return f"{note[:1].upper()}{note[1:]}."
