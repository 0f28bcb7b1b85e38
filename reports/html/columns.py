"""Columns of the ranked table: one list for the static rows and for the script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reports.data.wording import is_fraction

if TYPE_CHECKING:
    from reports.data import ReportData

ColumnKind = Literal["rank", "name", "spark", "stable", "score", "flags", "param", "number", "text"]
MOST_PARAMETERS_SHOWN = 8


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
    has_test = any(row.test is not None for row in data.configurations)
    return (
        Column("rank", "#", "Rank by stable", "rank", narrow=True),
        Column("short", name, f"ID of the {name}; hover for the whole", "name", narrow=True),
        Column(
            "spark", study.metric, f"{study.metric} by epoch, all rows on one scale; dashed: stable; ring: best epoch", "spark", narrow=True
        ),
        Column(
            "stable",
            f"stable{percent}",
            "What it holds: the mean of the worst fifth of late stops. Beneath, where one more training, stopped at any late epoch, is expected "
            "(95 %); after rare spikes that can lie above",
            "stable",
            narrow=True,
        ),
        Column("level", f"level{percent}", "Centre of its late epochs", "score"),
        Column("spread", f"spread{percent}", "Level less stable: how much a stop at a bad late epoch costs", "score"),
        Column("best", f"best{percent}", "Its best epoch, and which: optimistic by construction", "score"),
        Column("last", f"last{percent}", "Its last epoch: the luck of one moment", "score"),
        Column("test", "file on test, %", "Accuracy of the exported file on the test images", "score", shown=has_test),
        Column("flags", "flags", "What its curve shows", "flags", narrow=True),
        *(
            Column(f"param:{parameter.name}", parameter.name, f"Parameter {parameter.name}", "param", shown=index < MOST_PARAMETERS_SHOWN)
            for index, parameter in enumerate(data.parameters)
        ),
        Column("epochs", "epochs", "Epochs on record, of those planned", "number"),
        Column("seeds", "seeds", "Trainings with different seeds", "number", shown=study.kind == "study"),
        Column("state", "state", "How its trainings ended", "text", shown=study.kind == "study"),
    )
