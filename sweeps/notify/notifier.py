"""Tells a sweep's events to whoever the sweep file names."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sweeps.launch.background import Background
from sweeps.notify.delivery import COMMAND_SECONDS, post, run_command
from sweeps.notify.event import sweep_event, trial_event
from sweeps.study.observer import Silent

if TYPE_CHECKING:
    from collections.abc import Callable

    from sweeps.notify.event import Event
    from sweeps.study import FinishedTrial, StudyOutcome
    from sweeps.sweep_file.settings import NotifySettings


class Notifier(Silent):
    """An observer that tells failed trials, and is told how the run ended. Nothing it does stalls or breaks the sweep.

    Args:
        study: the study's name.
        settings: of the sweep file.
        say: shows a line to the person watching; a hook that fails is told once.
    """

    def __init__(self, study: str, settings: NotifySettings, say: Callable[[str], object]) -> None:
        self._study = study
        self._settings = settings
        wanted = bool(settings.on) and (settings.command is not None or settings.webhook is not None)
        self._command = Background("notification", say) if wanted and settings.command is not None else None
        self._webhook = Background("notification", say) if wanted and settings.webhook is not None else None

    def on_finished(self, trial: FinishedTrial) -> None:
        """Tell a failure."""
        if trial.state == "FAIL":
            self._tell(trial_event(self._study, trial))

    def on_end(self, outcome: StudyOutcome | BaseException) -> None:
        """Tell how the run ended."""
        self._tell(sweep_event(self._study, outcome))

    def close(self, patience: float = COMMAND_SECONDS) -> None:
        """Wait for what is being told."""
        for background in (self._command, self._webhook):
            if background is not None:
                background.close(patience)

    def _tell(self, event: Event) -> None:
        if event.name not in self._settings.on:
            return
        if self._command is not None and self._settings.command is not None:
            self._command.do(partial(run_command, self._settings.command, event))
        if self._webhook is not None and self._settings.webhook is not None:
            self._webhook.do(partial(post, self._settings.webhook, self._settings.headers, event))
