"""Whose a trial's checkpoint folder is: the attempt's that began last.

A driver that is cut off, or stopped, for longer than its lease cannot tell its worker that another driver has taken the trial over. The worker finds it out by
itself, from a small file in the folder that both would write to, and ends before it harms the other's checkpoints.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.errors import SweepError

if TYPE_CHECKING:
    from sweeps.executor.protocol import TrialTask

NAME = "attempt.json"
PAUSE_SECONDS = 2.0


class SupersededError(SweepError):
    """Another attempt has begun in the same folder."""


class FolderMark:
    """The mark of one attempt.

    Where the folder cannot be written or read, nothing is known and nothing is stopped. Folders on an object store are not marked.

    Args:
        task: the attempt.
    """

    def __init__(self, task: TrialTask) -> None:
        self._path = None if "://" in task.checkpoint_dir else Path(task.checkpoint_dir) / NAME
        self._own = {"study": task.study, "attempt": task.attempt}
        self._next_look = 0.0

    def put(self) -> None:
        """Take the folder over.

        Raises:
            SupersededError: a later attempt at the same trial has begun before: this one comes from a driver that lost it.
        """
        there = self._read()
        if there is not None and there["study"] == self._own["study"] and there["attempt"] > self._own["attempt"]:
            raise SupersededError(self._words(there))
        if self._path is None:
            return
        partial = self._path.with_name(f".partial-{os.getpid()}-{NAME}")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(self._own))
            partial.replace(self._path)

    def check(self, *, now: bool = False) -> None:
        """Look whether the folder is still this attempt's; `now`: even if that was looked at a moment ago.

        Raises:
            SupersededError: it is not.
        """
        moment = time.monotonic()
        if not now and moment < self._next_look:
            return
        self._next_look = moment + PAUSE_SECONDS
        there = self._read()
        if there is not None and there != self._own:
            raise SupersededError(self._words(there))

    def _read(self) -> dict[str, Any] | None:
        if self._path is None:
            return None
        try:
            content = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return None
        whole = isinstance(content, dict) and isinstance(content.get("study"), str) and isinstance(content.get("attempt"), int)
        return content if whole else None

    def _words(self, there: dict[str, Any]) -> str:
        folder = "" if self._path is None else self._path.parent
        if there["study"] != self._own["study"]:
            return f"{folder} is being written by another study ({there['study']}); expected a storage_path that only this one uses. Give each study its own."
        return f"attempt {self._own['attempt']} of this trial was superseded by attempt {there['attempt']} in {folder}: another driver has taken the trial over"
