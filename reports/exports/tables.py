"""The report as two CSV tables (one row per configuration, one row per epoch), and as Markdown for pull requests and notes."""

from __future__ import annotations

import csv
import io
import math
import re
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from reports import wording
from reports.costs import COSTS, cost_of, cost_of_study, frontier
from reports.verdict import as_report_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reports.ranking import RankedConfiguration
    from reports.records import StudyRecord
    from reports.verdict import ReportData


FORMULA = re.compile(r"[\s'\"]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
"""How texts begin that a spreadsheet runs as a formula, also behind white space and in full width (OWASP, "CSV Injection")."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)


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
    figures = (
        "stable",
        "expected",
        "reaches",
        "level",
        "spread",
        "best",
        "best_epoch",
        "last",
        "exported",
        "test",
        "epochs",
        "planned_epochs",
        "seeds",
    )
    header = [
        "rank",
        "configuration",
        "id",
        "name",
        *(figure.removesuffix("_epochs") for figure in figures),
        "interval_low",
        "interval_high",
    ]
    header += [
        "probability_best",
        "probability_near",
        "confirmed",
        "provisional",
        "state",
        "flags",
        "tied_with",
        *COSTS,
        "on_frontier",
        *(f"param:{name}" for name in names),
    ]
    searched = cost_of_study(data.study)
    edge = frontier(data.configurations, searched, maximize=data.study.maximize).rows if searched else ()
    rows = (
        [
            None if row.stable is None else row.rank,
            row.configuration,
            row.short,
            row.name,
            *(getattr(row, figure) for figure in figures),
            *(row.stable_interval or (None, None)),
            row.probability_best,
            row.probability_near,
            row.confirmed,
            row.provisional,
            row.trial_state,
            " ".join(flag.name for flag in row.flags),
            " ".join(row.tied_with),
            *(cost_of(row, name) for name in COSTS),
            row in edge if searched else None,
            *(row.params.get(name) for name in names),
        ]
        for row in data.configurations
    )
    return _table(header, rows)


def _epochs(data: ReportData) -> str:
    metrics = list(dict.fromkeys(name for trial in data.study.trials for name in trial.curves))

    rows = (
        (trial.number, trial.configuration, trial.seed, trial.role, trial.epoch(index), *values)
        for trial in data.study.trials
        for index, values in enumerate(zip_longest(*([float(str(value)) for value in trial.curves.get(name, ())] for name in metrics)))
    )
    return _table(["trial", "configuration", "seed", "role", "epoch", *metrics], rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([_cell(value) for value in row] for row in (header, *rows))
    return text.getvalue()


def _cell(value: object) -> object:
    """A cell of a table: texts are inert, what is not finite is empty."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return inert(value) if isinstance(value, str) else value


def inert(text: str) -> str:
    """`text` for a cell of a CSV file: with an apostrophe before it where a spreadsheet would run it as a formula; numbers stay numbers."""
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


MOST_ROWS = 50
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


def to_markdown(study: StudyRecord | ReportData) -> str:
    """Verdict, table of the best fifty, flags, failures; every name is escaped."""
    data = as_report_data(study)
    verdict = data.verdict
    parts = [f"# {escape(data.study.name)}", f"**{escape(verdict.headline)}**"]
    sentences = (
        data.answer.sentence,
        verdict.sure,
        verdict.probability,
        verdict.price,
        verdict.best_epoch,
        verdict.steadiness,
        verdict.checkpoint,
        verdict.open_ends,
    )
    parts.append("\n".join(f"- {escape(sentence)}" for sentence in sentences if sentence))
    parts.append(_ranking(data) if data.configurations else "")
    lists = {
        "What goes with the flags": [f"{escape(cause.parameter)}: {escape(cause.sentence)}" for cause in data.causes.associations],
        "What to try": _advice(data),
        "Failures": [f"{wording.count(len(failure.trials), 'training')}: {escape(failure.reason)}" for failure in data.progress.failures],
    }
    parts += [f"## {title}\n\n" + "\n".join(f"- {line}" for line in lines) for title, lines in lists.items() if lines]
    return "\n\n".join(filter(None, parts)) + "\n"


def escape(text: str) -> str:
    """`text` on one line with every character escaped that Markdown or HTML reads as markup."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _ranking(data: ReportData) -> str:
    names = [parameter.name for parameter in data.parameters]
    header = ["#", "configuration", "stable", "interval", "level", "best", "last", "seeds", "flags", *map(escape, names)]
    rule = ["---:", "---", *["---:"] * 6, "---", *["---"] * len(names)]
    cells = [header, rule, *(_cells(data, row, names) for row in data.configurations[:MOST_ROWS])]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    left_out = len(data.configurations) - MOST_ROWS
    tail = f"\n\n{left_out:,} more in the CSV and JSON exports." if left_out > 0 else ""
    return f"## Ranking, with stable {escape(data.study.metric)}\n\n" + "\n".join(lines) + tail


def _cells(data: ReportData, row: RankedConfiguration, names: list[str]) -> list[str]:
    metric = data.study.metric
    return [
        wording.MISSING if row.stable is None else str(row.rank),
        escape(row.short),
        wording.score(row.stable, metric),
        wording.interval(row.stable_interval, metric),
        _level(row, metric),
        *(wording.score(value, metric) for value in (row.best, row.last)),
        str(row.seeds),
        escape(", ".join(flag.name for flag in row.flags)),
        *(escape(wording.parameter(row.params[name])) if name in row.params else wording.MISSING for name in names),
    ]


def _level(row: RankedConfiguration, metric: str) -> str:
    """A level, and where no training has come to its end the epoch that it is of."""
    level = wording.score(row.level, metric)
    return level if row.stable is not None or row.level is None else f"{level} {wording.at_epoch(row.epochs, row.planned_epochs)}"


def _advice(data: ReportData) -> list[str]:
    """Each advice once, with whom it concerns."""
    concerned: dict[tuple[str, str], list[str]] = {}
    for row in data.configurations:
        for flag in row.flags:
            if flag.example.advice:
                concerned.setdefault((flag.name, flag.example.advice), []).append(row.short)
    return [f"**{escape(name)}** ({escape(wording.listing(rows, 4))}): {escape(advice)}" for (name, advice), rows in concerned.items()]
