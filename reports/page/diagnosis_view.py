"""Flags by kind, and one card for each flagged configuration."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import wording
from reports.flags import flag_meaning
from reports.page.ranking_view import curve_of

if TYPE_CHECKING:
    from reports.flags import FlagSummary
    from reports.page.drawing import Scale, Sparkline
    from reports.ranking import RankedConfiguration
    from reports.verdict import ReportData

MOST_CARDS = 60
SEVERITIES = ("high", "medium", "low")


@dataclass(frozen=True)
class DiagnosisView:
    """What the diagnosis template shows.

    Attributes:
        sentence: how many configurations carry a flag.
        groups: per flag its gravest case, how many configurations are sure to carry it, what it means (and how many more may), and how many trials would by chance.
        cause_sentence: what was tested for causes, or empty.
        cards: the flagged configurations, the severest first, each with its curve.
        left_out: flagged configurations without a card.
    """

    sentence: str
    groups: tuple[tuple[FlagSummary, int, str, str], ...]
    cause_sentence: str
    cards: tuple[tuple[RankedConfiguration, Sparkline | None], ...]
    left_out: int


def diagnosis_view(data: ReportData, scale: Scale) -> DiagnosisView:
    """Group flags; the leaders and the severest first."""
    flags = sorted((flag for row in data.configurations for flag in row.flags), key=lambda flag: SEVERITIES.index(flag.severity))
    gravest = {flag.name: flag for flag in reversed(flags)}
    counts = Counter(flag.name for flag in flags)
    unclear = Counter(flag.name for flag in flags if flag.cannot_tell)
    chances = {count.flag: count.sentence for count in data.causes.counts}
    flagged = sorted(
        (row for row in data.configurations if row.flags), key=lambda row: min(SEVERITIES.index(flag.severity) for flag in row.flags)
    )
    return DiagnosisView(
        sentence=_sentence(data, len(flagged)),
        groups=tuple(
            (gravest[name], number - unclear[name], flag_meaning(name) + _unclear(unclear[name]), chances.get(name, ""))
            for name, number in counts.most_common()
        ),
        cause_sentence=_cause_sentence(data),
        cards=tuple((row, curve_of(data, row, scale)) for row in flagged[:MOST_CARDS]),
        left_out=max(0, len(flagged) - MOST_CARDS),
    )


def _unclear(number: int) -> str:
    """How many more may do what a flag means, for all that their few validation images show."""
    return f"; {number:,} more may, but so few validation images cannot tell" if number else ""


def _cause_sentence(data: ReportData) -> str:
    """What was looked for, and that silence is an answer."""
    if data.study.kind == "logs":
        return ""
    if not data.causes.tests:
        return "Too few configurations, or too few that differ in their flags, to test which parameters go with them."
    looked = f"{wording.count(data.causes.tests, 'pair')} of parameter and flag tested by permutation, adjusted for their number"
    return f"{looked}." if data.causes.associations else f"{looked}: none stands out."


def _sentence(data: ReportData, flagged: int) -> str:
    thing = "run" if data.study.kind == "logs" else "configuration"
    if not flagged:
        return "No curve shows anything out of the ordinary."
    return (
        f"{flagged:,} of {wording.count(len(data.configurations), thing)} {'carries' if flagged == 1 else 'carry'} a flag. Severest first."
    )
