"""One finding about a curve."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

FlagName = Literal[
    "oscillating", "spiking", "collapsed", "diverging", "overfitting", "unfinished", "bn_gap", "noisy_validation", "broken_metric"
]
Severity = Literal["high", "medium", "low"]
EvidenceValue = float | int | str | bool | None | tuple[int, ...]


@dataclass(frozen=True)
class Flag:
    """A finding with what supports it.

    Attributes:
        name: which finding.
        severity: how much it matters.
        evidence: figure name to value (``period``, ``amplitude``, ``epochs`` as first and last, counted from 1).
        advice: what to try, in words tied to what a space can change.
        summary: one sentence with the figures, for tables and terminals.
    """

    name: FlagName
    severity: Severity
    evidence: Mapping[str, EvidenceValue] = field(default_factory=dict)
    advice: str = ""
    summary: str = ""
