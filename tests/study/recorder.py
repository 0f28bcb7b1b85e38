"""An observer that remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sweeps.study import Silent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweeps.study import ConfirmationCost, FinishedTrial, StudySnapshot, TrialProgress


class Recorder(Silent):
    """Remembers what it was shown."""

    def __init__(self) -> None:
        self.epochs: list[tuple[int, int]] = []
        self.finished: list[FinishedTrial] = []
        self.started: list[TrialProgress] = []
        self.ticks: list[StudySnapshot] = []
        self.costs: list[tuple[ConfirmationCost, int]] = []
        self.notices: list[tuple[int, str]] = []

    def on_started(self, trial: TrialProgress) -> None:
        self.started.append(trial)

    def on_epoch(self, trial: TrialProgress, figures: Mapping[str, float]) -> None:
        assert figures["val_accuracy"] == pytest.approx(trial.metric)
        self.epochs.append((trial.number, trial.epoch))

    def on_notice(self, trial: TrialProgress, text: str) -> None:
        self.notices.append((trial.number, text))

    def on_finished(self, trial: FinishedTrial) -> None:
        self.finished.append(trial)

    def on_confirmation(self, cost: ConfirmationCost) -> None:
        self.costs.append((cost, len(self.started)))

    def on_tick(self, snapshot: StudySnapshot) -> None:
        self.ticks.append(snapshot)
