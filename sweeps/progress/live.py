"""Progress on a terminal: counts, a bar, what runs now, the leaders; in a notebook the same below the cell, redrawn in place.

Complete at 80 columns: figures come first and are never cut, settings wrap between one and the next, and what all shown trials have in common is told once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from rich.cells import cell_len, chop_cells, set_cell_size
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from reports.logs.sweep_lines import settings_text
from reports.stability import level
from reports.wording import harmless, plain_score, visible
from sweeps.progress.plain import Progress, confirmation, counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import ConsoleOptions, RenderableType, RenderResult

    from reports.records import ParameterValue
    from sweeps.observer import ConfirmationCost, StudySnapshot


REFRESHES_PER_SECOND = 4
_FEWEST_SHOWN: Final = 2
_BAR_WIDTH: Final = 60
_SETTING_WIDTH: Final = 28
"""Columns that settings need beside the figures; with less they stand below."""
_GAP: Final = "  "
_INDENT: Final = "    "


class LiveProgress(Progress):
    """A display that is drawn in place on stderr."""

    def __init__(self, metric: str, console: Console | None = None) -> None:
        super().__init__(metric)
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
        self._live.update(Display(snapshot))

    def message(self, text: str) -> None:
        """Above the display, where it stays."""
        self._console.print(Text(harmless(text)))


class Display:
    """The display of one moment, as wide as it is given and, on a terminal, no higher than the screen.

    Args:
        snapshot: where the study stands.
    """

    def __init__(self, snapshot: StudySnapshot) -> None:
        self._snapshot = snapshot

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The fullest form that fits: every trial with its settings, then one line a trial, then as many trials as there is room for."""
        width = options.max_width
        height = console.size.height - 1 if console.is_terminal and not console.is_jupyter else None
        running, leaders = len(self._snapshot.running), len(self._snapshot.leaders)
        forms = [(running, leaders, True), (running, leaders, False)]
        forms += [(shown, leaders, False) for shown in range(running - 1, _FEWEST_SHOWN - 1, -1)]
        forms += [(min(running, _FEWEST_SHOWN), shown, False) for shown in range(leaders - 1, 0, -1)]
        for shown, led, wrapped in forms:
            form = self._form(width, shown, led, wrapped=wrapped)
            if height is None or len(console.render_lines(form, options, pad=False)) <= height:
                break
        yield form

    def _form(self, width: int, running: int, leaders: int, *, wrapped: bool) -> RenderableType:
        snapshot = self._snapshot
        total, done = snapshot.target + snapshot.confirmations_target, snapshot.done + snapshot.confirmations
        first, *rest = counts(snapshot).split(" · ")
        heading = [Text(line) for line in _packed([first, *(f"· {each}" for each in rest)], width, gap=" ")]
        parts: list[RenderableType] = [Text(visible(snapshot.study), style="bold"), *heading]
        parts.append(_bar(done, total, min(width, _BAR_WIDTH)))
        common = _common([trial.params for trial in snapshot.running] + [each.params for each in snapshot.leaders])
        parts += [Text(line, style="dim") for line in _packed(["in all of these:", *_settings(common)], width) if common]
        if running:
            parts += _lines(_running(snapshot, running, common), width, wrapped=wrapped)
            if running < len(snapshot.running):
                parts.append(Text(f"and {len(snapshot.running) - running} more running", style="dim"))
        if leaders:
            parts += _lines(_leaders(snapshot, leaders, common), width, wrapped=wrapped)
        return Group(*parts)


def draw(snapshot: StudySnapshot) -> RenderableType:
    """The display of one moment."""
    return Display(snapshot)


@dataclass(frozen=True)
class _Table:
    """Rows of figures with what is said of each.

    Attributes:
        title: above it.
        columns: names of the figures.
        figures: a row's figures, as texts.
        said: a row's flags, and its settings one by one.
    """

    title: str
    columns: Sequence[str]
    figures: Sequence[Sequence[str]]
    said: Sequence[tuple[str, list[str]]]


def _running(snapshot: StudySnapshot, most: int, common: Mapping[str, ParameterValue]) -> _Table:
    drivers = {trial.number: trial.attempts[-1].driver if trial.attempts else "" for trial in snapshot.running}  # of the last attempt
    several = len(set(drivers.values()) - {""}) > 1
    figures: list[list[str]] = []
    for trial in snapshot.running[:most]:
        curve = np.asarray(trial.curves.get(snapshot.metric, ()), dtype=np.float64)
        latest = curve[~np.isnan(curve)][-1:]
        values = [float(latest[0]), level(curve, maximize=snapshot.maximize)] if latest.size else [None, None]
        scores = [plain_score(value, snapshot.metric) for value in values]
        epoch = f"{trial.num_epochs}/{trial.planned_epochs}"
        figures.append([str(trial.number), epoch, *scores, *([visible(drivers[trial.number])] if several else [])])
    columns = ("trial", "epoch", "last", "level", *(["driver"] if several else []))
    said = [("", _settings(_without(trial.params, common))) for trial in snapshot.running[:most]]
    return _Table(f"running, {visible(snapshot.metric)}", columns, figures, said)


def _leaders(snapshot: StudySnapshot, most: int, common: Mapping[str, ParameterValue]) -> _Table:
    figures: list[list[str]] = []
    for each in snapshot.leaders[:most]:
        scores = [plain_score(value, snapshot.metric) for value in (each.stable, each.level, each.best)]
        figures.append([each.short, str(each.seeds), *scores])
    said = [(", ".join(flag.name for flag in each.flags), _settings(_without(each.params, common))) for each in snapshot.leaders[:most]]
    return _Table(f"leaders, {visible(snapshot.metric)}", ("id", "seeds", "stable", "level", "best"), figures, said)


def _lines(table: _Table, width: int, *, wrapped: bool) -> list[Text]:
    """A table as lines: figures, whole, then flags and settings beside them, or below them where too little is left."""
    widths = [max(cell_len(row[index]) for row in (table.columns, *table.figures)) for index in range(len(table.columns))]
    figures = ["  ".join(_right(text, size) for text, size in zip(row, widths, strict=True)) for row in (table.columns, *table.figures)]
    used = cell_len(figures[0]) + len(_GAP)
    beside = width - used >= _SETTING_WIDTH
    room, indent = (width - used, used) if beside else (width - len(_INDENT), len(_INDENT))
    lines = [Text(), Text(table.title, style="bold"), Text(figures[0] + (f"{_GAP}settings" if beside else ""), style="dim")]
    for row, (flags, settings) in zip(figures[1:], table.said, strict=True):
        texts = _packed([*([flags] if flags else []), *settings], room)
        if not wrapped and len(texts) > 1:
            texts = [set_cell_size(texts[0], room - 1).rstrip() + "…"]
        blocks = [Text(text) for text in texts]
        if flags and blocks:
            blocks[0].stylize("yellow", 0, len(flags))
        if beside:
            lines.append(Text.assemble(row, _GAP, blocks.pop(0) if blocks else ""))
        else:
            lines.append(Text(row))
        lines += [Text.assemble(" " * indent, block) for block in blocks]
    return lines


def _bar(done: int, total: int, width: int) -> Text:
    full = round(width * min(1.0, done / max(total, 1)))
    return Text.assemble(("━" * full, "green"), ("─" * (width - full), "dim"))


def _right(text: str, size: int) -> str:
    return " " * (size - cell_len(text)) + text


def _settings(params: Mapping[str, ParameterValue]) -> list[str]:
    return [settings_text({name: value}) for name, value in params.items()]


def _without(params: Mapping[str, ParameterValue], common: Mapping[str, ParameterValue]) -> dict[str, ParameterValue]:
    return {name: value for name, value in params.items() if name not in common}


def _common(settings: Sequence[Mapping[str, ParameterValue]]) -> dict[str, ParameterValue]:
    """Settings that are the same in all rows; none where there is one row, whose settings are its own."""
    if len(settings) < _FEWEST_SHOWN:
        return {}
    first, *others = settings
    return {name: value for name, value in first.items() if all(name in other and other[name] == value for other in others)}


def _packed(words: Sequence[str], width: int, gap: str = _GAP) -> list[str]:
    """`words` in lines of at most `width` columns; only a word that is wider than a line is cut, and goes on in the next."""
    lines: list[str] = []
    for word in words:
        if lines and cell_len(lines[-1]) + len(gap) + cell_len(word) <= width:
            lines[-1] += gap + word
        else:
            lines += chop_cells(word, max(width, 2))
    return lines


class NotebookProgress(Progress):
    """One display for a run, updated about once a second; the last state stays below the cell."""

    def __init__(self, metric: str) -> None:
        super().__init__(metric)
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
        print(harmless(text), flush=True)  # noqa: T201 - a cell's output


def in_notebook() -> bool:
    """Whether this process is a notebook's kernel."""
    return Console().is_jupyter
