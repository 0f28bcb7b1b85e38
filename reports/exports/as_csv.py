"""Two tables: one row a configuration, one row an epoch."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, NamedTuple

from reports.data import as_report_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reports.data import ReportData
    from reports.records import StudyRecord

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class CsvTables(NamedTuple):
    """Texts of two CSV files (RFC 4180, header first, UTF-8)."""

    configurations: str
    epochs: str


def to_csv(study: StudyRecord | ReportData) -> CsvTables:
    """Tables of a study; fractions in [0, 1], a missing value is an empty cell."""
    data = as_report_data(study)
    return CsvTables(_configurations(data), _epochs(data))


def _configurations(data: ReportData) -> str:
    names = [parameter.name for parameter in data.parameters]
    figures = ("stable", "level", "spread", "best", "best_epoch", "last", "exported", "test", "epochs", "planned", "seeds")
    header = ["rank", "configuration", *figures, "interval_low", "interval_high", "confirmed", "provisional", "state", "flags", "tied_with"]
    rows = (
        [
            row.rank,
            row.id,
            *(getattr(row, figure) for figure in figures),
            *(row.interval or (None, None)),
            row.confirmed,
            row.provisional,
            row.state,
            " ".join(flag.name for flag in row.flags),
            " ".join(row.tied_with),
            *(row.params.get(name) for name in names),
        ]
        for row in data.configurations
    )
    return _table([*header, *(f"param:{name}" for name in names)], rows)


def _epochs(data: ReportData) -> str:
    metrics = list(dict.fromkeys(name for trial in data.study.trials for name in trial.curves))

    def rows() -> Iterable[list[object]]:
        for trial in data.study.trials:
            columns = [[float(str(value)) for value in trial.curves.get(name, ())] for name in metrics]
            for epoch in range(trial.num_epochs):
                yield [
                    trial.number,
                    trial.configuration,
                    trial.seed,
                    trial.role,
                    epoch + 1,
                    *(column[epoch] if epoch < len(column) else None for column in columns),
                ]

    return _table(["trial", "configuration", "seed", "role", "epoch", *metrics], rows())


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_cell(name) for name in header])
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def _cell(value: object) -> object:
    """Texts that a spreadsheet would run as a formula get an apostrophe; what is not finite is empty."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
