"""An observer that remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sweeps.study import StudyObserver

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.records import TrialRecord
    from sweeps.study import ConfirmationCost, StudySnapshot


class Recorder(StudyObserver):
    """Remembers what it was shown."""

    def __init__(self) -> None:
        self.epochs: list[tuple[int, int]] = []
        self.finished: list[TrialRecord] = []
        self.started: list[TrialRecord] = []
        self.ticks: list[StudySnapshot] = []
        self.costs: list[tuple[ConfirmationCost, int]] = []
        self.notices: list[tuple[int, str]] = []

    def on_started(self, trial: TrialRecord) -> None:
        self.started.append(trial)

    def on_epoch(self, trial: TrialRecord, figures: Mapping[str, float]) -> None:
        assert figures["val_accuracy"] == pytest.approx(trial.curves["val_accuracy"][-1])
        self.epochs.append((trial.number, trial.num_epochs))

    def on_notice(self, trial: TrialRecord, text: str) -> None:
        self.notices.append((trial.number, text))

    def on_finished(self, trial: TrialRecord) -> None:
        self.finished.append(trial)

    def on_confirmation(self, cost: ConfirmationCost) -> None:
        self.costs.append((cost, len(self.started)))

    def on_tick(self, snapshot: StudySnapshot) -> None:
        self.ticks.append(snapshot)
