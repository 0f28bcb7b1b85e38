"""What a clinic leaves behind, and how its outcomes are read off it: shared by ``run.py``, every ``clinic.py`` and the pages' figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Check:
    """What ``steadysweep check`` said: its exit code and its JSON document."""

    code: int
    document: Mapping[str, Any]

    def finding(self, name: str) -> Mapping[str, Any] | None:
        """The finding of that name, or None."""
        return next((each for each in self.document["findings"] if each["name"] == name), None)


@dataclass(frozen=True)
class Documents:
    """Everything that a clinic's commands printed.

    Attributes:
        folder: where its storage, images and report lie.
        report: ``steadysweep report --format json`` of the sweep.
        checks: ``steadysweep check --format json`` of the sweep file as ``sweep``, and with the settings of the clinic's `CHECKS` by their names.
        trainings: the report of each ``steadysweep train`` of the clinic's `TRAININGS`, by name.
    """

    folder: Path
    report: Mapping[str, Any]
    checks: Mapping[str, Check] = field(default_factory=dict)
    trainings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def ranking(self) -> Sequence[Mapping[str, Any]]:
        """The sweep's ranked configurations, the first one first."""
        return [row for row in self.report["ranking"] if row["rank"] is not None]

    @property
    def baseline(self) -> Mapping[str, Any]:
        """The configuration of the sweep's first trial: the failure, as the first starting point of the sweep file gives it."""
        return next(row for row in self.report["ranking"] if any(trial["number"] == 0 for trial in row["trials"]))

    def where(self, **params: object) -> Sequence[Mapping[str, Any]]:
        """The ranked configurations with these values of the searched parameters; a parameter that is not active has the value None."""
        return [row for row in self.ranking if all(row["params"].get(name) == value for name, value in params.items())]


def curve(row: Mapping[str, Any], metric: str = "val_accuracy") -> Sequence[float]:
    """A metric of a configuration's first training, one value an epoch."""
    values: Sequence[float] = row["trials"][0]["curves"][metric]
    return values


def flag(row: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """A configuration's flag of that name, or None."""
    return next((each for each in row["flags"] if each["name"] == name), None)


def percent(value: float) -> str:
    """An accuracy as reports write it: ``79.4 %``."""
    return f"{100 * value:.1f} %"


def settings_text(row: Mapping[str, Any]) -> str:
    """A configuration's searched parameters on one line."""
    return ", ".join(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in row["params"].items())


@dataclass(frozen=True)
class Outcome:
    """One sentence that a clinic promises, whether it holds, and the figures that show it."""

    promise: str
    holds: bool
    seen: str


if TYPE_CHECKING:
    OutcomeCheck = Callable[[Documents], Outcome]
