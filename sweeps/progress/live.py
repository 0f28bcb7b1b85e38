"""Progress on a terminal: counts, a bar, what runs now, the leaders.

Progress in a notebook: the terminal's display below the cell, redrawn in place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sweeps.progress.plain import QuietProgress, confirmation, counts, ending, notice, params

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from sweeps.study.confirmation import ConfirmationCost
    from sweeps.study.observer import FinishedTrial, StudySnapshot, TrialProgress


LEADERS = 5
REFRESHES_PER_SECOND = 4


class LiveProgress:
    """A display that is drawn in place on stderr."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, refresh_per_second=REFRESHES_PER_SECOND, transient=True)

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        """Stop drawing; what was drawn is taken away."""
        self._live.stop()

    def on_started(self, trial: TrialProgress) -> None:
        """The next tick shows it."""

    def on_epoch(self, trial: TrialProgress, figures: Mapping[str, float]) -> None:
        """The next tick shows it."""

    def on_notice(self, trial: TrialProgress, text: str) -> None:
        """It stays on the screen."""
        self.message(notice(trial, text))

    def on_finished(self, trial: FinishedTrial) -> None:
        """Failures stay on the screen; the rest is in the counts and leaders."""
        if trial.state == "FAIL":
            self.message(ending(trial))

    def on_confirmation(self, cost: ConfirmationCost) -> None:
        """What it costs stays on the screen."""
        self.message(confirmation(cost))

    def on_tick(self, snapshot: StudySnapshot) -> None:
        """Draw the snapshot."""
        self._live.update(draw(snapshot))

    def message(self, text: str) -> None:
        """Above the display, where it stays."""
        self._console.print(Text(text))


def draw(snapshot: StudySnapshot) -> RenderableType:
    """The display of one moment."""
    heading = Text.assemble((snapshot.study, "bold"), "  ", counts(snapshot))
    parts: list[RenderableType] = [heading, ProgressBar(total=max(snapshot.target, 1), completed=snapshot.done, width=60)]
    if snapshot.running:
        parts.append(_running(snapshot))
    if snapshot.leaders:
        parts.append(_leaders(snapshot))
    return Group(*parts)


def _running(snapshot: StudySnapshot) -> Table:
    several = len({trial.driver for trial in snapshot.running}) > 1
    table = _table("running", "trial", *(["driver"] if several else []), "epoch", snapshot.metric, "level", "parameters")
    for trial in snapshot.running:
        epoch = f"{trial.epoch}/{trial.planned_epochs}"
        driver = [trial.driver] if several else []
        table.add_row(str(trial.number), *driver, epoch, _score(trial.metric), _score(trial.level), params(trial.params))
    return table


def _leaders(snapshot: StudySnapshot) -> Table:
    table = _table("leaders", "trial", "stable", "level", "best", "flags", "parameters")
    for trial in snapshot.leaders[:LEADERS]:
        flags = Text(", ".join(trial.flags) or "-", style="yellow" if trial.flags else "dim")
        table.add_row(str(trial.number), _score(trial.stable), _score(trial.level), _score(trial.best), flags, params(trial.params))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        text = column in ("flags", "parameters")
        table.add_column(column, justify="left" if text else "right", overflow="ellipsis", no_wrap=True)
    return table


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


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
