"""What the networks of a study cost, by architecture: measured once, then known to every later trial, so that a network above a limit reaches no worker again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.costs import ARCHITECTURE, DEVICE, INFEASIBLE, broken_limits, costs_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.records import TrialRecord
    from search_spaces.conditions import PointValue
    from sweeps.study.plan import StudyPlan


class KnownCosts:
    """State: the costs of each architecture, as the first trial that is over measured them.

    They are part of the record (figures of trials), so that a resumed study and other drivers know the same.
    """

    def __init__(self, plan: StudyPlan) -> None:
        self._plan = plan
        self._figures: dict[str, Mapping[str, float]] = {}
        self._devices: dict[str, str] = {}

    def note(self, trial: TrialRecord) -> None:
        """Learn from a trial that is over."""
        architecture, figures = trial.facts.get(ARCHITECTURE), costs_in(trial.figures)
        if architecture and figures and len(figures) > len(self._figures.get(architecture, ())):
            self._figures[architecture] = figures
            self._devices[architecture] = trial.facts.get(DEVICE, "")

    def of(self, architecture: str) -> Mapping[str, float]:
        """Costs of an architecture; empty where they are not known yet."""
        return self._figures.get(architecture, {})

    def facts(self, architecture: str) -> dict[str, str]:
        """What to note of a trial whose costs were known before."""
        device = self._devices.get(architecture, "")
        return {ARCHITECTURE: architecture, **({DEVICE: device} if device else {})}

    def refuses(self, point: Mapping[str, PointValue]) -> bool:
        """Whether a point's network is known to break a limit."""
        if not self._plan.limits or not self._figures:
            return False
        return bool(self.reason(self._plan.architecture(self._plan.configure(point, 0, None, None))))

    def reason(self, architecture: str) -> str:
        """Which limits an architecture is known to break, in words; empty where none."""
        return broken_limits(self.of(architecture), self._plan.limits)


def infeasible_cause(facts: Mapping[str, str]) -> str:
    """The recorded cause of a trial that was refused; empty where it was not."""
    reason = facts.get(INFEASIBLE, "")
    return f"{INFEASIBLE}: {reason}" if reason else ""
