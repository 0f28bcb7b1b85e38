"""The ranked table: one list of columns and one text a cell, for the static rows and for the script."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reports import wording
from reports.metrics import is_fraction
from reports.page.drawing import SPARK_SIZE, Sparkline, sparkline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.page.drawing import Scale
    from reports.ranking import RankedConfiguration
    from reports.records import ParameterRecord, TrialState
    from reports.verdict import ReportData


ColumnKind = Literal["rank", "name", "spark", "stable", "score", "flags", "param", "number", "text"]
MOST_PARAMETERS_SHOWN = 12
FEW_PARAMETERS = 2
"""With so few settings there is room for all figures beside them."""
TRIAL_WORDS: Mapping[TrialState, str] = {
    "COMPLETE": "finished",
    "PRUNED": "pruned",
    "FAIL": "failed",
    "RUNNING": "running",
    "WAITING": "waiting",
}
"""How the page calls the states of a training."""
STATE_WORDS = {"unfinished": "running"}
"""How the page calls a state, where it is not by its name."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: field of a row, or ``param:NAME``.
        label: heading.
        description: what it means, as a tooltip and for screen readers.
        kind: how it is drawn and sorted.
        shown: whether it is there before anyone chooses.
        narrow: whether it is there on a phone before anyone chooses.
    """

    key: str
    label: str
    description: str
    kind: ColumnKind
    shown: bool = True
    narrow: bool = False


def columns(data: ReportData) -> tuple[Column, ...]:
    """Columns of a report's table, in order."""
    study = data.study
    percent = ", %" if is_fraction(study.metric) else ""
    name = "run" if study.kind == "logs" else "configuration"
    few = len(data.parameters) < FEW_PARAMETERS
    last_parts = Counter(parameter.name.rpartition(".")[2] for parameter in data.parameters)
    labels = {
        parameter.name: last if last_parts[last := parameter.name.rpartition(".")[2]] == 1 else parameter.name
        for parameter in data.parameters
    }
    has_test = any(row.test is not None for row in data.configurations)
    return (
        Column("rank", "#", "Rank, by what a new training is expected to hold", "rank", narrow=True),
        Column("short", "run" if study.kind == "logs" else "ID", f"ID of the {name}; hover for the whole", "name", narrow=True),
        Column("spark", "curve", f"{study.metric} by epoch, all rows on one scale; dashed: stable; ring: best epoch", "spark", narrow=True),
        Column(
            "stable",
            f"stable{percent}",
            "What it holds: what a stop at an arbitrary late epoch is still worth, the mean of the worse half of its late epochs; progress does "
            "not count against it. Below: the 95 % interval for one more training, stopped at any late epoch; after rare spikes it can lie above",
            "stable",
            narrow=True,
        ),
        *(
            Column(
                f"param:{parameter.name}",
                labels[parameter.name],
                f"Parameter {parameter.name}",
                "param",
                shown=index < MOST_PARAMETERS_SHOWN,
            )
            for index, parameter in enumerate(data.parameters)
        ),
        Column("flags", "flags", "What its curve shows", "flags", narrow=True),
        Column(
            "level",
            f"level{percent}",
            "The centre of its late epochs; of a training that has not come to its end, so far",
            "score",
            shown=few,
        ),
        Column("spread", f"spread{percent}", "Level less stable: how much a stop at a bad late epoch costs", "score", shown=few),
        Column("best", f"best{percent}", "Its best epoch, and which one that is: always optimistic", "score"),
        Column("last", f"last{percent}", "Its last epoch, whether lucky or not", "score", shown=few),
        Column("test", "file on test, %", "Accuracy of the exported file on the test images", "score", shown=has_test and few),
        Column("epochs", "epochs", "Epochs on record, of those planned", "number", shown=few),
        Column("seeds", "seeds", "Trainings with different seeds", "number", shown=study.kind == "study" and few),
        Column("state", "state", "How its trainings ended", "text", shown=study.kind == "study"),
    )


STATIC_ROWS = 100
"""More are rendered by the script alone: 10,000 static rows would weigh 20 MB."""


@dataclass(frozen=True)
class RankingView:
    """What the table's template shows; each row with its cells: column, sparkline, text and note."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[RankedConfiguration, tuple[tuple[Column, Sparkline | None, str, str], ...]], ...]
    left_out: int
    caption: str
    unit_sentence: str
    filter_example: str


def ranking_view(data: ReportData, scale: Scale) -> RankingView:
    """Static rows of the best `STATIC_ROWS` configurations."""
    visible = tuple(column for column in columns(data) if column.shown)
    static, metric = data.configurations[:STATIC_ROWS], data.study.metric

    def cell(row: RankedConfiguration, column: Column) -> tuple[Column, Sparkline | None, str, str]:
        spark = curve_of(data, row, scale) if column.kind == "spark" else None
        return column, spark, cell_text(row, column, metric), cell_note(row, column, metric)

    return RankingView(
        columns=visible,
        rows=tuple((row, tuple(cell(row, column) for column in visible)) for row in static),
        left_out=len(data.configurations) - len(static),
        caption=f"Ranking of {data.study.name}, with what each holds (stable {metric})",
        unit_sentence="All curves share one scale."
        + (" Tinted rows may be as good as the one to take." if data.tied else "")
        + ("" if data.study.maximize else " Less is better."),
        filter_example=_filter_example(data),
    )


def _filter_example(data: ReportData) -> str:
    """A filter that this table understands, to learn the grammar from."""
    numeric = next((parameter for parameter in data.parameters if not parameter.labelled and parameter.low is not None), None)
    first = "" if numeric is None or numeric.high is None or numeric.low is None else f"{numeric.name}<{_middle(numeric)} "
    flag = next((flag.name for row in data.configurations for flag in row.flags), "")
    return f"Filter: {first}{f'-{flag} ' if flag else ''}{'state:finished' if data.study.kind == 'study' else 'rank<=5'}"


def _middle(parameter: ParameterRecord) -> str:
    low, high = parameter.low or 0.0, parameter.high or 0.0
    return f"{(low * high) ** 0.5 if parameter.log and low > 0 else (low + high) / 2:.1g}"


def curve_of(data: ReportData, row: RankedConfiguration, scale: Scale, size: tuple[int, int] = SPARK_SIZE) -> Sparkline | None:
    """Sparkline of a configuration's first training that has a curve."""
    curves = (curve for trial in row.trials if (curve := trial.curves.get(data.study.metric)) is not None)
    sparks = (sparkline(c, scale, held=row.stable, maximize=data.study.maximize, unsteady=row.oscillates, size=size) for c in curves)
    return next(filter(None, sparks), None)


def cell_text(row: RankedConfiguration, column: Column, metric: str) -> str:
    """What a cell says; nothing where it draws a curve or flags."""
    if column.kind in {"spark", "flags"}:
        return ""
    if column.kind in {"stable", "score"}:
        return wording.score(getattr(row, column.key), "accuracy" if column.key == "test" else metric, unit=False)
    if column.kind == "param":
        name = column.key.removeprefix("param:")
        return wording.parameter(row.params[name]) if name in row.params else wording.MISSING
    if column.key == "state":
        return STATE_WORDS.get(row.state, row.state)
    if column.key == "rank" and row.stable is None:
        return wording.MISSING
    planned = f"/{row.planned_epochs}" if column.key == "epochs" and row.planned_epochs > row.epochs else ""
    return f"{getattr(row, column.key)}{planned}"


def cell_note(row: RankedConfiguration, column: Column, metric: str) -> str:
    """What stands below a cell's text: the epoch of a best value or of a level so far; the interval of a stable one, or why there is none, or no figure."""
    if column.key == "level" and row.stable is None and row.level is not None:
        return wording.at_epoch(row.epochs, row.planned_epochs)
    if column.key == "best" and row.best_epoch:
        return f"epoch {row.best_epoch}"
    return _stable_note(row, metric) if column.key == "stable" else ""


def _stable_note(row: RankedConfiguration, metric: str) -> str:
    if row.stable is None:
        return STATE_WORDS.get(row.state, row.state)
    if row.provisional:
        return "provisional"
    if row.stable_interval is None:
        return "one seed" if row.seeds == 1 else ""
    return wording.interval(row.stable_interval, metric, unit=False)
