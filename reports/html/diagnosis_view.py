"""Flags by kind, and one card for each flagged configuration."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.data import wording
from reports.flags import flag_meaning
from reports.html.ranking_view import curve_of

if TYPE_CHECKING:
    from reports.data import ReportData
    from reports.data.report_data import Cause, Configuration
    from reports.diagnosis import CauseCheck
    from reports.flags import Flag, FlagName
    from reports.html.drawing import Scale, Sparkline

MOST_CARDS = 60
SEVERITIES = ("high", "medium", "low")


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
            FlagGroup(gravest[name], number, flag_meaning(name), data.flag_counts.get(name, "")) for name, number in counts.most_common()
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
