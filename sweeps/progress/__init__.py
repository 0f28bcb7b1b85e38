"""What a running sweep shows: a live display on a terminal and in a notebook, plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sweeps.progress.plain import Progress

__all__ = ["progress_display"]


def progress_display(*, quiet: bool) -> AbstractContextManager[Progress]:
    """The observer that fits where stderr goes; use it as a context manager."""
    from sweeps.progress.live import LiveProgress, NotebookProgress, in_notebook
    from sweeps.progress.plain import Progress, ProgressLines

    if quiet:
        return Progress()
    if in_notebook():
        return NotebookProgress()
    return LiveProgress() if sys.stderr.isatty() else ProgressLines()
