"""The seam of progress displays: an observer of a study that also takes messages."""

from __future__ import annotations

from typing import Protocol

from sweeps.study.observer import StudyObserver


class ShownProgress(StudyObserver, Protocol):
    """A `StudyObserver` that can say something between its lines."""

    def message(self, text: str) -> None:
        """Say one line to the person watching."""
        ...
