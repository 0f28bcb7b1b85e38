"""What can be told of a sweep, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sweeps.environment import host_and_owner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweeps.study import FinishedTrial, StudyOutcome

EventName = Literal["trial_failed", "sweep_done", "sweep_stopped"]
SCHEMA = "steadysweep.notification/1"
AT_ITS_END = ("done", "space exhausted", "settled")
"""Reasons with which a sweep has ended by itself; all others leave something to do."""


@dataclass(frozen=True)
class Event:
    """Something that a person may want to be told.

    Attributes:
        name: which kind.
        study: the study's name.
        message: it in one line.
        details: plain data beside it.
    """

    name: EventName
    study: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The event as JSON values; ``text`` is what chat services show."""
        return {"schema": SCHEMA, "event": self.name, "study": self.study, "text": self.message, **host_and_owner(), **self.details}


def trial_event(study: str, trial: FinishedTrial) -> Event:
    """A trial failed."""
    lines = (trial.error or "").strip().splitlines()
    reason = lines[-1] if lines else trial.cause or "no cause on record"
    details = {"trial": trial.number, "cause": trial.cause, "error": reason, "params": dict(trial.params), "epochs": trial.epochs}
    return Event("trial_failed", study, f"{study}: trial {trial.number} failed after {trial.epochs} epochs: {reason}", details)


def sweep_event(study: str, outcome: StudyOutcome | BaseException) -> Event:
    """A run of a sweep ended: by itself, by a budget or a signal, or by an error."""
    if isinstance(outcome, BaseException):
        lines = str(outcome).strip().splitlines()
        reason = f"{type(outcome).__name__}: {lines[0] if lines else ''}".rstrip(": ")
        return Event("sweep_stopped", study, f"{study}: stopped: {reason}", {"reason": "error", "error": str(outcome)})
    now = outcome.snapshot
    best = now.leaders[0] if now.leaders else None
    details = {
        "reason": outcome.reason,
        "trials": {"complete": now.complete, "pruned": now.pruned, "failed": now.failed, "target": now.target},
        "unfinished": list(outcome.unfinished),
        "best": None
        if best is None
        else {"configuration": best.configuration, "stable": best.stable, "params": dict(best.params), "flags": list(best.flags)},
    }
    held = "" if best is None or best.stable is None else f"; best stable {now.metric} {best.stable:.4f} (trial {best.number})"
    name: EventName = "sweep_done" if outcome.reason in AT_ITS_END else "sweep_stopped"
    return Event(name, study, f"{study}: {outcome.reason}: {now.done}/{now.target} trials{held}", details)
