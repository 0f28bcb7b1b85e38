"""The report as one JSON document, schema ``steadysweep.report/1``."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np

from reports.data import as_report_data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from reports.data import ReportData
    from reports.data.report_data import Configuration
    from reports.diagnosis import CauseCheck
    from reports.flags import Flag
    from reports.records import StudyRecord, TrialRecord

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
        "ranking": [_configuration(row, data.cause_checks.get(row.id, ())) for row in data.configurations],
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
                "parameters": {found.parameter: found.importance for found in item.parameters},
            }
            for item in data.importance
        ],
        "causes": [
            {
                "parameter": cause.parameter,
                "flag": cause.flag,
                "tested": cause.tested,
                "sentence": cause.sentence,
                "space_change": cause.space_change,
            }
            for cause in data.causes
        ],
        "failures": [
            {"reason": failure.reason, "trials": list(failure.trials), "traceback": failure.traceback} for failure in data.progress.failures
        ],
        "gpu_out_of_memory": [
            {"batch_size": cell.batch_size, "frozen_layers": cell.boundary, "tried": cell.tried, "trials": list(cell.failed)}
            for cell in data.progress.memory
        ],
    }
    return json.dumps(finite(document), ensure_ascii=False, allow_nan=False, indent=1)


def finite(value: object) -> object:
    """The same with None for NaN and infinities, which JSON does not know."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


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
        "parameters": [
            {
                "name": parameter.name,
                "kind": parameter.kind,
                "log": parameter.log,
                "low": parameter.low,
                "high": parameter.high,
                "labels": list(parameter.labels),
                "condition": parameter.condition,
            }
            for parameter in data.parameters
        ],
    }


def _configuration(row: Configuration, checks: Sequence[CauseCheck]) -> Mapping[str, object]:
    return {
        "rank": row.rank,
        "configuration": row.id,
        "params": dict(row.params),
        "stable": row.stable,
        "stable_interval": row.interval,
        "level": row.level,
        "spread": row.spread,
        "best": row.best,
        "best_epoch": row.best_epoch,
        "last": row.last,
        "exported_val_accuracy": row.exported,
        "test_accuracy": row.test,
        "epochs": row.epochs,
        "seeds": row.seeds,
        "state": row.state,
        "tied_with": list(row.tied_with),
        "confirmed": row.confirmed,
        "provisional": row.provisional,
        "flags": [_flag(flag) for flag in row.flags],
        "cause_checks": [{"cause": each.cause, "tested": each.tested, "finding": each.finding, "how": each.how} for each in checks],
        "trials": [_trial(trial) for trial in row.trials],
    }


def _flag(flag: Flag) -> Mapping[str, object]:
    return {
        "name": flag.name,
        "severity": flag.severity,
        "evidence": dict(flag.evidence),
        "advice": flag.advice,
        "summary": flag.summary,
        "probability": flag.probability,
        "meaning": flag.meaning,
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
        "shared": dict(trial.shared),
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
