"""The rows of the ranking: what the statistics say, with what a reader needs beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reports.data.report_data import Configuration
from reports.data.short_ids import short_ids
from reports.ranking.exported import by_exported_file, file_accuracy

if TYPE_CHECKING:
    from reports.ranking import RankedConfiguration, Ranking
    from reports.records.trial import TrialState

BEST_STATE: tuple[TrialState, ...] = ("COMPLETE", "RUNNING", "PRUNED", "WAITING", "FAIL")


def configurations(ranking: Ranking, *, seeds_confirm: bool = False) -> tuple[Configuration, ...]:
    """Every configuration in the order of the ranking; those without a figure come last and have no rank.

    Args:
        ranking: of the study.
        seeds_confirm: whether several seeds alone confirm: of logs, whose trainings nothing was chosen by.
    """
    names = short_ids(row.configuration for row in ranking.configurations)
    rows = [_row(row, names[row.configuration], ranking, seeds_confirm=seeds_confirm) for row in ranking.configurations]
    return tuple(sorted(rows, key=lambda row: row.rank is None))


def _row(row: RankedConfiguration, short: str, ranking: Ranking, *, seeds_confirm: bool) -> Configuration:
    files = by_exported_file(row.trials, ranking.metric, maximize=ranking.maximize)
    file = files[0].figures if files else {}
    return Configuration(
        id=row.configuration,
        short=short,
        rank=row.rank if row.stable is not None else None,
        state=min((trial.state for trial in row.trials), key=BEST_STATE.index),
        params=row.params,
        stable=row.stable,
        interval=row.stable_interval,
        level=row.level,
        spread=row.spread,
        best=row.best,
        best_epoch=row.best_epoch,
        last=row.last,
        exported=file_accuracy(file),
        test=file.get("test_accuracy"),
        epochs=row.epochs,
        planned=max((trial.planned_epochs for trial in row.trials), default=row.epochs),
        seeds=row.seeds,
        confirmed=row.confirmed or (seeds_confirm and row.seeds > 1),
        provisional=row.provisional and row.stable is not None,
        tied_with=row.tied_with,
        flags=tuple(replace(found.example, severity=found.severity, summary=found.summary) for found in row.flags),
        trials=row.trials,
    )
