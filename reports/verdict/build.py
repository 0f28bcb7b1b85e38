"""Records to report data: the one place where the statistics are asked.

The rows of the ranking: what the statistics say, with what a reader needs beside it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reports.flags import study_flags
from reports.ranking import rank
from reports.ranking.ranked import by_exported_file, file_accuracy
from reports.records import ParameterRecord
from reports.verdict import progress, sentences
from reports.verdict.association import Causes, narrower
from reports.verdict.associations import find_causes
from reports.verdict.importance import find_importance
from reports.verdict.report_data import Cause, Configuration, ReportData
from reports.verdict.swing_causes import check_study_causes
from reports.wording import short_ids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.diagnosis import CauseCheck
    from reports.ranking import RankedConfiguration, Ranking
    from reports.records import StudyRecord, TrialState
    from reports.verdict.importance import StudyImportance


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


def as_report_data(source: StudyRecord | ReportData) -> ReportData:
    """`source` itself when it is report data already: several exports then share one ranking."""
    return source if isinstance(source, ReportData) else build_report_data(source)


def build_report_data(study: StudyRecord, *, cause_checks: Mapping[str, Sequence[CauseCheck]] | None = None) -> ReportData:
    """Rank, diagnose and summarise a study.

    Args:
        study: the records.
        cause_checks: for logs: configuration to what `reports.diagnosis.diagnose_run` found about the usual causes of swings; for sweeps
            `check_study_causes` goes through them.
    """
    flags = study_flags(study)
    ranking = rank(study, flags=flags)
    rows = configurations(ranking, seeds_confirm=study.kind == "logs")
    parameters = _parameters(study)
    importance: tuple[StudyImportance, ...] = ()
    causes = Causes((), (), 0)
    if study.kind == "study":
        importance = (find_importance(study, ranking, "stable"), find_importance(study, ranking, "oscillation"))
        causes = find_causes(study, flags=flags)
        cause_checks = check_study_causes(study, flags)
    by_name = {parameter.name: parameter for parameter in parameters}
    return ReportData(
        study=study,
        verdict=sentences.decide(study, rows, oscillating_by_chance=ranking.oscillating_expected_by_chance),
        configurations=rows,
        progress=progress.summarise(study, ranking.scores),
        parameters=parameters,
        importance=importance,
        causes=tuple(
            Cause(found.parameter, found.flag, found.tested, found.sentence, narrower(by_name[found.parameter], found))
            for found in causes.associations
        ),
        cause_tests=causes.tests,
        flag_counts={count.flag: count.sentence.partition(": ")[2] or count.sentence for count in causes.counts},
        cause_checks={name: tuple(checks) for name, checks in (cause_checks or {}).items()},
        updated=study.updated,
    )


def _parameters(study: StudyRecord) -> tuple[ParameterRecord, ...]:
    """Parameters of the space, then those that only some trials have (an older schema)."""
    known = {parameter.name for parameter in study.parameters}
    values: dict[str, list[object]] = {}
    for trial in study.trials:
        for name, value in trial.params.items():
            if name not in known:
                values.setdefault(name, []).append(value)
    return study.parameters + tuple(_guess(name, found) for name, found in values.items())


def _guess(name: str, values: list[object]) -> ParameterRecord:
    """How to draw a parameter that the space no longer describes."""
    numbers = [float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == len(values):
        low, high = min(numbers), max(numbers)
        return ParameterRecord(name, "float", low=low, high=high)
    return ParameterRecord(name, "choice", labels=tuple(sorted({str(value) for value in values})))
