"""A configuration's flags over its trials: each named once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.flags.flag import Flag, FlagName, Severity

SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low")


@dataclass(frozen=True)
class FlagSummary:
    """One flag over the trials of a configuration.

    Attributes:
        name: which finding.
        severity: the gravest among its trials.
        flagged: numbers of the trials that show it.
        trials: how many trials were looked at.
        example: the gravest flag itself, with its evidence, advice and sentence.
    """

    name: FlagName
    severity: Severity
    flagged: tuple[int, ...]
    trials: int
    example: Flag

    @property
    def summary(self) -> str:
        """One sentence: the gravest trial's, with how many trials show it."""
        return self.example.summary if self.trials == 1 else f"{len(self.flagged)} of {self.trials} trials: {self.example.summary}"


def summarise_flags(flags: Mapping[int, Sequence[Flag]]) -> tuple[FlagSummary, ...]:
    """Summarise the flags of a configuration's trials (trial number to flags), the gravest and most frequent first."""
    found: dict[FlagName, list[tuple[int, Flag]]] = {}
    for number, of_trial in flags.items():
        for flag in of_trial:
            found.setdefault(flag.name, []).append((number, flag))
    summaries = []
    for name, cases in found.items():
        gravest = min((flag for _, flag in cases), key=lambda flag: SEVERITIES.index(flag.severity))
        summaries.append(FlagSummary(name, gravest.severity, tuple(number for number, _ in cases), len(flags), gravest))
    return tuple(sorted(summaries, key=lambda s: (SEVERITIES.index(s.severity), -len(s.flagged))))
