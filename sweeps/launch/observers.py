"""Several observers as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweeps.study import ConfirmationCost, FinishedTrial, StudyObserver, StudySnapshot, TrialProgress


class Observers:
    """Tells each observer in turn."""

    def __init__(self, *observers: StudyObserver) -> None:
        self._observers = observers

    def on_started(self, trial: TrialProgress) -> None:
        """An attempt was taken by a worker."""
        for observer in self._observers:
            observer.on_started(trial)

    def on_epoch(self, trial: TrialProgress, figures: Mapping[str, float]) -> None:
        """An epoch is on record."""
        for observer in self._observers:
            observer.on_epoch(trial, figures)

    def on_notice(self, trial: TrialProgress, text: str) -> None:
        """A worker told something that a person should know."""
        for observer in self._observers:
            observer.on_notice(trial, text)

    def on_finished(self, trial: FinishedTrial) -> None:
        """A trial is over."""
        for observer in self._observers:
            observer.on_finished(trial)

    def on_confirmation(self, cost: ConfirmationCost) -> None:
        """The leaders' confirmation begins, or goes on in this run."""
        for observer in self._observers:
            observer.on_confirmation(cost)

    def on_tick(self, snapshot: StudySnapshot) -> None:
        """About once a second, and at the end."""
        for observer in self._observers:
            observer.on_tick(snapshot)
