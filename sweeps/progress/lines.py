"""Progress as plain lines, for files and pipes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.progress.quiet import QuietProgress
from sweeps.progress.wording import confirmation, counts, ending, params

if TYPE_CHECKING:
    from sweeps.study.confirmation import ConfirmationCost
    from sweeps.study.observer import FinishedTrial, StudySnapshot

SUMMARY_SECONDS = 30.0


class ProgressLines(QuietProgress):
    """One line when a trial ends, and a summary with the leader every half minute."""

    def __init__(self) -> None:
        self._next_summary = SUMMARY_SECONDS

    def on_finished(self, trial: FinishedTrial) -> None:
        """How it ended."""
        self.message(ending(trial))

    def on_confirmation(self, cost: ConfirmationCost) -> None:
        """What it costs."""
        self.message(confirmation(cost))

    def on_tick(self, snapshot: StudySnapshot) -> None:
        """A summary now and then, and at the end."""
        if snapshot.elapsed < self._next_summary and snapshot.phase != "over":
            return
        self._next_summary = snapshot.elapsed + SUMMARY_SECONDS
        self.message(counts(snapshot))
        if snapshot.leaders:
            leader = snapshot.leaders[0]
            flags = f" [{', '.join(leader.flags)}]" if leader.flags else ""
            self.message(f"  leader: trial {leader.number}, stable {leader.stable:.4f}{flags}  {params(leader.params)}".rstrip())
