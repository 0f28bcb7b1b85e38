"""The report as one JSON document, schema ``steadysweep.report/1``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from reports.verdict import as_report_data
from reports.wording import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from reports.diagnosis import CauseCheck
    from reports.ranking import RankedConfiguration
    from reports.records import StudyRecord, TrialRecord
    from reports.verdict import ReportData

SCHEMA = "steadysweep.report/1"


def to_json(study: StudyRecord | ReportData) -> str:
    """The whole report with unthinned curves. Fractions in [0, 1]; a missing value is null, never NaN."""
    data = as_report_data(study)
    document = {
        "schema": SCHEMA,
        "study": _study(data),
        "verdict": {
            "kind": data.verdict.kind,
            "headline": data.verdict.headline,
            "leaders": list(data.verdict.leaders),
            "oscillating": list(data.verdict.oscillating),
            "best_epoch_pick": data.verdict.best_epoch_pick,
        },
        "ranking": [_configuration(row, data.cause_checks.get(row.configuration, ())) for row in data.configurations],
        "history": [{"source": _source(trial), "params": dict(trial.params), **_trial(trial)} for trial in data.study.history],
        "states": dict(data.progress.states),
        "cost": {
            "wall_seconds": data.progress.seconds,
            "worker_seconds": data.progress.worker_seconds,
            "gpu_hours": data.progress.gpu_seconds / 3600.0,
        },
        "importance": [
            {
                "target": item.target,
                "evaluator": item.evaluator,
                "note": item.note,
                "parameters": {each.parameter: each.importance for each in item.parameters},
            }
            for item in data.importance
        ],
        "causes": [
            {name: getattr(cause, name) for name in ("parameter", "flag", "tested", "sentence", "space_change")}
            for cause in data.causes.associations
        ],
        "failures": [asdict(failure) for failure in data.progress.failures],
        "gpu_out_of_memory": [
            {"batch_size": cell.batch_size, "frozen_layers": cell.boundary, "tried": cell.tried, "trials": list(cell.failed)}
            for cell in data.progress.memory
        ],
    }
    return json_text(document)


def _study(data: ReportData) -> Mapping[str, object]:
    study = data.study
    return {
        "name": study.name,
        "kind": study.kind,
        "metric": study.metric,
        "maximize": study.maximize,
        "num_val": study.num_val,
        "target_trials": study.target_trials,
        "created": _time(study.created),
        "updated": _time(study.updated),
        "versions": dict(study.versions),
        "hardware": dict(study.hardware),
        "facts": dict(study.facts),
        "sweep_file": study.sweep_file,
        "parameters": [asdict(parameter) for parameter in data.parameters],
    }


def _configuration(row: RankedConfiguration, checks: Sequence[CauseCheck]) -> Mapping[str, object]:
    names = ("stable", "stable_interval", "level", "spread", "best", "best_epoch", "last", "epochs", "seeds", "tied_with")
    return {
        "rank": None if row.stable is None else row.rank,
        "configuration": row.configuration,
        "params": dict(row.params),
        **{name: getattr(row, name) for name in names},
        "exported_val_accuracy": row.exported,
        "test_accuracy": row.test,
        "state": row.trial_state,
        "confirmed": row.confirmed,
        "provisional": row.provisional,
        "flags": [{**asdict(flag.example), "severity": flag.severity, "summary": flag.summary} for flag in row.flags],
        "cause_checks": [asdict(check) for check in checks],
        "trials": [_trial(trial) for trial in row.trials],
    }


def _trial(trial: TrialRecord) -> Mapping[str, object]:
    return {
        "number": trial.number,
        "seed": trial.seed,
        "role": trial.role,
        "state": trial.state,
        "cause": trial.cause,
        "epochs": trial.num_epochs,
        "planned_epochs": trial.planned_epochs,
        "figures": dict(trial.figures),
        "notices": list(trial.notices),
        "attempts": [
            {
                "attempt": run.attempt,
                "driver": run.driver,
                "worker": run.worker,
                "from_epoch": run.from_epoch,
                "started": _time(run.started),
                "ended": _time(run.ended),
                "cause": run.cause,
            }
            for run in trial.attempts
        ],
        "curves": {name: _curve(curve) for name, curve in trial.curves.items()},
    }


def _source(trial: TrialRecord) -> Mapping[str, object] | None:
    """Where an imported trial is from."""
    return None if trial.source is None else {"study": trial.source[0], "trial": trial.source[1]}


def _curve(curve: NDArray[np.float32]) -> list[float]:
    """Shortest decimals that give the same float32."""
    return [float(str(value)) for value in np.asarray(curve, dtype=np.float32)]


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
