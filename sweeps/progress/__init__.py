"""What a running sweep shows: a live display on a terminal and in a notebook, plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sweeps.progress.plain import Progress


def progress_display(metric: str, *, quiet: bool, each_epoch: bool = False) -> AbstractContextManager[Progress]:
    """The observer that fits where stderr goes; use it as a context manager.

    Args:
        metric: that is ranked.
        quiet: show no progress.
        each_epoch: of a single training: a line an epoch where no terminal is.
    """
    from sweeps.progress.live import LiveProgress, NotebookProgress, in_notebook
    from sweeps.progress.plain import Progress, ProgressLines

    if quiet:
        return Progress(metric)
    if in_notebook():
        return NotebookProgress(metric)
    return LiveProgress(metric) if sys.stderr.isatty() else ProgressLines(metric, each_epoch=each_epoch)
