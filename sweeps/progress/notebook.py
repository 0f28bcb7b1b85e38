"""Progress in a notebook: the terminal's display below the cell, redrawn in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from sweeps.progress.live import draw
from sweeps.progress.quiet import QuietProgress
from sweeps.progress.wording import confirmation

if TYPE_CHECKING:
    from sweeps.study.confirmation import ConfirmationCost
    from sweeps.study.observer import StudySnapshot


class NotebookProgress(QuietProgress):
    """One display for a run, updated about once a second; the last state stays below the cell."""

    def __init__(self) -> None:
        self._shown: Any = None

    def on_confirmation(self, cost: ConfirmationCost) -> None:
        """Say what it costs."""
        self.message(confirmation(cost))

    def on_tick(self, snapshot: StudySnapshot) -> None:
        """Draw the snapshot."""
        from IPython.display import display

        page = Table.grid()  # rich draws a table as HTML where a notebook asks for it
        page.add_row(draw(snapshot))
        if self._shown is None:
            self._shown = display(page, display_id=True)
        else:
            self._shown.update(page)

    def message(self, text: str) -> None:
        """Among the cell's output, not as an error."""
        print(text, flush=True)  # noqa: T201 - a cell's output


def in_notebook() -> bool:
    """Whether this process is a notebook's kernel."""
    from rich.console import Console

    return Console().is_jupyter
