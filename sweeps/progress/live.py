"""Progress on a terminal: counts, a bar, what runs now, the leaders; in a notebook the same below the cell, redrawn in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from reports.stability import level
from sweeps.progress.plain import Progress, confirmation, counts, params

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sweeps.observer import ConfirmationCost, StudySnapshot


REFRESHES_PER_SECOND = 4


class LiveProgress(Progress):
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
    total, done = snapshot.target + snapshot.confirmations_target, snapshot.done + snapshot.confirmations
    parts: list[RenderableType] = [heading, ProgressBar(total=max(total, 1), completed=done, width=60)]
    if snapshot.running:
        parts.append(_running(snapshot))
    if snapshot.leaders:
        parts.append(_leaders(snapshot))
    return Group(*parts)


def _running(snapshot: StudySnapshot) -> Table:
    drivers = {trial.number: trial.attempts[-1].driver if trial.attempts else "" for trial in snapshot.running}  # of the last attempt
    several = len(set(drivers.values()) - {""}) > 1
    table = _table("running", "trial", *(["driver"] if several else []), "epoch", snapshot.metric, "level", "parameters")
    for trial in snapshot.running:
        epoch = f"{trial.num_epochs}/{trial.planned_epochs}"
        driver = [drivers[trial.number]] if several else []
        curve = np.asarray(trial.curves.get(snapshot.metric, ()), dtype=np.float64)
        latest = curve[~np.isnan(curve)][-1:]
        scores = [_score(float(value)) for value in (*latest, level(curve, maximize=snapshot.maximize))] if latest.size else ["-", "-"]
        table.add_row(str(trial.number), *driver, epoch, *scores, params(trial.params))
    return table


def _leaders(snapshot: StudySnapshot) -> Table:
    table = _table("leaders", "configuration", "seeds", "stable", "level", "best", "flags", "parameters")
    for each in snapshot.leaders:
        names = ", ".join(flag.name for flag in each.flags)
        flags = Text(names or "-", style="yellow" if names else "dim")
        scores = [_score(value) for value in (each.stable, each.level, each.best)]
        table.add_row(each.configuration, str(each.seeds), *scores, flags, params(each.params))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        text = column in ("configuration", "flags", "parameters")
        table.add_column(column, justify="left" if text else "right", overflow="ellipsis", no_wrap=True)
    return table


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


class NotebookProgress(Progress):
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
    return Console().is_jupyter
