"""One finding about a curve.

How much a finding matters, by one figure and two bounds.
A configuration's flags over its trials: each named once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reports.flags.run_curves import RunCurves
    from reports.wording import EvidenceValue


FlagName = str
"""Names of findings; `reports.flags.find.KINDS` lists them."""
Severity = Literal["high", "medium", "low"]


@dataclass(frozen=True)
class Forecast:
    """What curves like this one did next.

    Attributes:
        probability: share of such curves, cut at 60 % of their epochs, whose other epochs did it, in [0, 1].
        event: what they did, e.g. ``went on to swing``.
    """

    probability: float
    event: str


@dataclass(frozen=True)
class Flag:
    """A finding with what supports it.

    Attributes:
        name: which finding.
        severity: how much it matters.
        evidence: figure name to value (``period``, ``amplitude``, ``epochs`` as first and last, counted from 1).
        advice: what to try, in words tied to what a space can change.
        summary: one sentence with the figures, for tables and terminals.
        probability: share of curves like this one that readers of labelled curves gave the same name, in [0, 1], measured on sources that
            the rule had not seen; None for findings that no reader was asked about.
        forecast: what such curves did next, where the flag warns of something and that has been measured.
    """

    name: FlagName
    severity: Severity
    evidence: Mapping[str, EvidenceValue] = field(default_factory=dict)
    advice: str = ""
    summary: str = ""
    probability: float | None = None
    forecast: Forecast | None = None

    @property
    def cannot_tell(self) -> bool:
        """Whether so few validation images may explain what is seen that it is no statement about the model."""
        return bool(self.evidence.get("explained_by_images"))

    @property
    def meaning(self) -> str | None:
        """What the probabilities say, in one sentence; None where nothing was measured."""
        if self.probability is None:
            return None
        seen = f"of curves that look like this, {_tenths(self.probability)} in 10 were called {self.name} by readers"
        ahead = self.forecast
        return seen if ahead is None else f"{seen}, and {_tenths(ahead.probability)} in 10 {ahead.event} in the epochs that followed"


def _tenths(share: float) -> int:
    """A share in tenths; never none and never all."""
    return min(max(round(10.0 * share), 1), 9)


def grade(value: float, *, medium: float, high: float) -> Severity:
    """``high`` from `high` upwards, ``medium`` from `medium` upwards, else ``low``."""
    return "high" if value >= high else "medium" if value >= medium else "low"


@dataclass(frozen=True)
class FlagKind:
    """What a flag's own file registers in `reports.flags.find`.

    Attributes:
        name: of the finding.
        find: the finding about a run, or None.
        meaning: what runs that carry it do, for "3 configurations ...".
        of_cut_runs: whether it says something about a run that the sweep stopped or that is still running.
    """

    name: FlagName
    find: Callable[[RunCurves], Flag | None]
    meaning: str
    of_cut_runs: bool = True


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
    def cannot_tell(self) -> bool:
        """Whether no trial shows it beyond what so few validation images may explain."""
        return self.example.cannot_tell

    @property
    def summary(self) -> str:
        """One sentence: the gravest trial's, with how many trials show it."""
        return self.example.summary if self.trials == 1 else f"{len(self.flagged)} of {self.trials} trials: {self.example.summary}"


def by_name(flags: Mapping[int, Sequence[Flag]]) -> dict[FlagName, list[tuple[int, Flag]]]:
    """Flags of a configuration's trials, or of a training's folds, by their names: each with the number of who shows it."""
    found: dict[FlagName, list[tuple[int, Flag]]] = {}
    for number, shown in flags.items():
        for flag in shown:
            found.setdefault(flag.name, []).append((number, flag))
    return found


def gravest_of(cases: Sequence[tuple[int, Flag]]) -> tuple[int, Flag]:
    """The gravest of these, and who shows it; of equals one that chance does not explain."""
    return min(cases, key=lambda case: (SEVERITIES.index(case[1].severity), case[1].cannot_tell))


def summarise_flags(flags: Mapping[int, Sequence[Flag]]) -> tuple[FlagSummary, ...]:
    """Summarise the flags of a configuration's trials (trial number to flags), the gravest and most frequent first."""
    summaries = []
    for name, cases in by_name(flags).items():
        _, gravest = gravest_of(cases)
        summaries.append(FlagSummary(name, gravest.severity, tuple(number for number, _ in cases), len(flags), gravest))
    return tuple(sorted(summaries, key=lambda s: (SEVERITIES.index(s.severity), -len(s.flagged))))
