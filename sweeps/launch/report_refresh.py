"""The report, written again every few minutes while a sweep runs, by a process of its own at low priority."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from sweeps.study import Silent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sweeps.study import StudySnapshot

NICENESS = 10


class ReportRefresh(Silent):
    """Starts ``steadysweep report`` on the study when it is due and no earlier one is still at work."""

    def __init__(self, study: str, storage: str, path: Path, every: float, say: Callable[[str], object]) -> None:
        """The storage's URL may hold ``${VARIABLES}``, which the process expands itself: no secret stands on its command line."""
        self._say = say
        self._command = [sys.executable, "-m", "sweeps.cli", "report", study, f"--storage={storage}", f"--output={path}"]
        self._every = every
        self._due = every
        self._process: subprocess.Popen[bytes] | None = None

    def on_tick(self, snapshot: StudySnapshot) -> None:
        """Start one when it is time."""
        if snapshot.phase == "over" or snapshot.elapsed < self._due or self._busy() or not snapshot.done:
            return
        self._due = snapshot.elapsed + self._every
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            self._command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C of the sweep does not cut a report
            preexec_fn=lambda: os.nice(NICENESS),  # noqa: PLW1509 - no locks are taken between fork and exec
        )

    def close(self) -> None:
        """Wait for a report that is being written."""
        if self._process is not None:
            self._process.wait()
            self._told()

    def _busy(self) -> bool:
        if self._process is None:
            return False
        if self._process.poll() is None:
            return True
        self._told()
        return False

    def _told(self) -> None:
        """Say what went wrong with the last one; the sweep goes on without it."""
        if self._process is None or self._process.stderr is None:
            return
        words = self._process.stderr.read().decode(errors="replace").strip()
        self._process.stderr.close()
        if self._process.returncode:
            self._say(f"the report could not be refreshed: {words}")
        self._process = None
