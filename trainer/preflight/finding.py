"""What a pre-flight check finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Severity = Literal["error", "warning", "info"]
Evidence = str | int | float | tuple[str, ...] | tuple[int, ...] | tuple[float, ...]


@dataclass(frozen=True)
class Finding:
    """One thing that will, or may, spoil a training.

    Attributes:
        name: stable, to be allowed by name in the sweep file, e.g. ``input_scaling``.
        severity: ``error``: the result would be worthless; ``warning``: it may be; ``info``: worth knowing.
        message: what was found, in a sentence.
        evidence: the figures behind it.
        remedy: what to change.
    """

    name: str
    severity: Severity
    message: str
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    remedy: str = ""
