"""Problems: one block a flag with what it means, what to try and whom it concerns; flags that concern leaders come first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import wording
from reports.flags import flag_meaning
from reports.page.drawer_view import sentence
from reports.page.ranking_view import curve_of
from reports.page.remedies import remedies

if TYPE_CHECKING:
    from reports.flags import FlagSummary
    from reports.page.drawing import Scale, Sparkline
    from reports.page.remedies import Remedies
    from reports.ranking import RankedConfiguration
    from reports.verdict import ReportData

MOST_CASES = 40
"""Configurations that a block lists; the others are found with the filter."""
IN_SIGHT = 4
SEVERITIES = ("high", "medium", "low")


@dataclass(frozen=True)
class Case:
    """One configuration that carries a flag: its sentence without figures that the drawer has."""

    row: RankedConfiguration
    flag: FlagSummary
    sentence: str
    spark: Sparkline | None


@dataclass(frozen=True)
class Problem:
    """One flag.

    Attributes:
        flag: its gravest case.
        count: how many configurations carry it, as text.
        meaning: what they do, and how many more may.
        chance: how many trials would by chance, or empty.
        leaders: which of the leaders carry it, in words, or empty.
        remedies: what to try.
        cases: by rank; the first few are in sight.
        left_out: how many more there are.
    """

    flag: FlagSummary
    count: str
    meaning: str
    chance: str
    leaders: str
    remedies: Remedies
    cases: tuple[Case, ...]
    left_out: int


@dataclass(frozen=True)
class DiagnosisView:
    """What the template shows.

    Attributes:
        sentence: how many configurations carry a flag.
        problems: flags that concern leaders first, then the most frequent.
        cause_sentence: what was tested for causes, or empty.
        in_sight: cases of a problem that are not folded away.
    """

    sentence: str
    problems: tuple[Problem, ...]
    cause_sentence: str
    in_sight: int = IN_SIGHT


def diagnosis_view(data: ReportData, scale: Scale) -> DiagnosisView:
    """Group flags by kind."""
    carriers: dict[str, list[RankedConfiguration]] = {}
    for row in data.configurations:
        for flag in row.flags:
            carriers.setdefault(flag.name, []).append(row)
    leaders = frozenset(data.verdict.leaders)
    order = sorted(carriers, key=lambda name: (-sum(row.configuration in leaders for row in carriers[name]), -len(carriers[name])))
    chances = {
        count.flag: f"At most {count.expected_by_chance:.1f} of {wording.count(count.of_trials, 'trial')} expected by chance"
        for count in data.causes.counts
        if count.expected_by_chance is not None
    }
    return DiagnosisView(
        sentence=_sentence(data, sum(bool(row.flags) for row in data.configurations)),
        problems=tuple(_problem(data, name, carriers[name], chances.get(name, ""), scale) for name in order),
        cause_sentence=_cause_sentence(data),
    )


def _problem(data: ReportData, name: str, rows: list[RankedConfiguration], chance: str, scale: Scale) -> Problem:
    flags = [next(flag for flag in row.flags if flag.name == name) for row in rows]
    unclear = sum(flag.cannot_tell for flag in flags)
    concerned = [row.short for row in rows if row.configuration in data.verdict.leaders]
    return Problem(
        flag=min(flags, key=lambda flag: SEVERITIES.index(flag.severity)),
        count=f"{len(rows) - unclear:,}",
        meaning=flag_meaning(name, len(rows) - unclear) + _unclear(unclear),
        chance=chance,
        leaders=_leaders(concerned, len(data.verdict.leaders)),
        remedies=remedies(data, name, rows),
        cases=tuple(
            Case(row, flag, sentence(flag.summary), curve_of(data, row, scale))
            for row, flag in list(zip(rows, flags, strict=True))[:MOST_CASES]
        ),
        left_out=max(0, len(rows) - MOST_CASES),
    )


def _leaders(concerned: list[str], leaders: int) -> str:
    """Which of those to choose from carry a flag."""
    if not concerned:
        return ""
    if leaders == 1:
        return "the one to take does"
    return f"{wording.listing(concerned)} of the {leaders} leaders {'does' if len(concerned) == 1 else 'do'}"


def _unclear(number: int) -> str:
    """How many more may do what a flag means, for all that their few validation images show."""
    return f"; {number:,} more may, but so few validation images cannot tell" if number else ""


def _cause_sentence(data: ReportData) -> str:
    """What was looked for, and that silence is an answer."""
    if data.study.kind == "logs":
        return ""
    if not data.causes.tests:
        return "Too few configurations, or too few that differ in their flags, to test which parameters go with them."
    looked = f"{wording.count(data.causes.tests, 'pair')} of parameter and flag tested by permutation over all trainings, pruned ones included, adjusted for their number"
    return f"{looked}." if data.causes.associations else f"{looked}: none stands out."


def _sentence(data: ReportData, flagged: int) -> str:
    thing = "run" if data.study.kind == "logs" else "configuration"
    if not flagged:
        return "No curve shows anything out of the ordinary."
    kinds = wording.count(len({flag.name for row in data.configurations for flag in row.flags}), "kind")
    return f"{flagged:,} of {wording.count(len(data.configurations), thing)} {'carries' if flagged == 1 else 'carry'} a flag, of {kinds}. Those of leaders come first."
