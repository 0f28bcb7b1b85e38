"""What to try against a flag, said once: of swings what a check of the usual causes leaves over, of all else the flag's own advice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.diagnosis import CauseCheck
    from reports.ranking import RankedConfiguration
    from reports.verdict import ReportData

EXCLUDED = ("No:", "Unlikely:", "Not this alone:")
"""How findings begin that leave nothing to try."""
SWING = "oscillating"
"""The flag whose advice is a list of the usual causes: where these were checked, the checks say more."""


def is_suspect(check: CauseCheck) -> bool:
    """Whether a usual cause of swings is still possible, so that its remedy is worth a try."""
    return not check.finding.startswith(EXCLUDED)


def is_swing(name: str) -> bool:
    """Whether the usual causes of swings explain this flag."""
    return name == SWING


@dataclass(frozen=True)
class Remedies:
    """What to try against one flag, over all configurations that carry it.

    Attributes:
        tries: what to try, and for how many configurations it is an answer (0: for all).
        excluded: usual causes that are ruled out in all of them.
    """

    tries: tuple[tuple[str, int], ...]
    excluded: tuple[str, ...] = ()


def remedies(data: ReportData, name: str, rows: Sequence[RankedConfiguration]) -> Remedies:
    """Collect what to try against a flag.

    Args:
        data: of the report.
        name: the flag.
        rows: configurations that carry it, in order of rank.
    """
    checked = {row.configuration: data.cause_checks.get(row.configuration, ()) for row in rows} if is_swing(name) else {}
    advice = Counter(
        flag.example.advice
        for row in rows
        if not checked.get(row.configuration)
        for flag in row.flags
        if flag.name == name and flag.example.advice
    )
    hows = Counter(check.how for checks in checked.values() for check in checks if is_suspect(check))
    suspects = {check.cause for checks in checked.values() for check in checks if is_suspect(check)}
    causes = dict.fromkeys(check.cause for checks in checked.values() for check in checks)
    tries = [(text, 0 if number == len(rows) else number) for text, number in said_once(hows + advice).most_common()]
    return Remedies(tuple(tries), tuple(cause for cause in causes if cause not in suspects))


def said_once(advice: Counter[str]) -> Counter[str]:
    """Advice that begins with all of another is that one, and what it adds to it.

    Args:
        advice: text to the number of configurations that it is for.
    """
    told: Counter[str] = Counter()
    for text, number in advice.items():
        shared = max((other for other in advice if text.startswith(f"{other} ")), key=len, default="")
        told.update({shared: number, text.removeprefix(f"{shared} "): number} if shared else {text: number})
    return told
