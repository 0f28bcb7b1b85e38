"""Records to report data: the one place where the statistics are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.data import progress, verdict
from reports.data.configurations import configurations
from reports.data.report_data import Diagnosis, ReportData
from reports.ranking import rank
from reports.records import ParameterRecord

if TYPE_CHECKING:
    from reports.records import StudyRecord


def build_report_data(study: StudyRecord) -> ReportData:
    """Rank, diagnose and summarise a study."""
    ranking = rank(study)
    rows = configurations(ranking)
    return ReportData(
        study=study,
        verdict=verdict.decide(study, rows, oscillating_by_chance=ranking.oscillating_expected_by_chance),
        configurations=rows,
        progress=progress.summarise(study),
        parameters=_parameters(study),
        importance=(),
        importance_missing="Importance needs more configurations.",
        diagnoses=tuple(Diagnosis(row.id, row.flags, ()) for row in rows if row.flags),
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
