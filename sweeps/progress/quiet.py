"""Progress that says only what went wrong."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from sweeps.progress.wording import ending, notice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweeps.study.confirmation import ConfirmationCost
    from sweeps.study.observer import FinishedTrial, StudySnapshot, TrialProgress


class QuietProgress:
    """Tells failed trials and notices, and nothing else."""

    def __enter__(self) -> Self:
        """Nothing to set up."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to take down."""

    def on_started(self, trial: TrialProgress) -> None:
        """Nothing."""

    def on_epoch(self, trial: TrialProgress, figures: Mapping[str, float]) -> None:
        """Nothing."""

    def on_notice(self, trial: TrialProgress, text: str) -> None:
        """Say it."""
        self.message(notice(trial, text))

    def on_finished(self, trial: FinishedTrial) -> None:
        """Name a failure."""
        if trial.state == "FAIL":
            self.message(ending(trial))

    def on_confirmation(self, cost: ConfirmationCost) -> None:
        """Nothing."""

    def on_tick(self, snapshot: StudySnapshot) -> None:
        """Nothing."""

    def message(self, text: str) -> None:
        """To stderr."""
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - the display's one way out
