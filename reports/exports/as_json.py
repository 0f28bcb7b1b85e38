"""The report as one JSON document, schema ``steadysweep.report/1``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from reports.costs import COSTS, cost_of, cost_of_study, frontier, infeasible, spread_of
from reports.verdict import as_report_data
from reports.wording import fields, json_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.diagnosis import CauseCheck
    from reports.ranking import RankedConfiguration
    from reports.records import StudyRecord, TrialRecord
    from reports.verdict import ReportData

SCHEMA = "steadysweep.report/1"


def to_json(study: StudyRecord | ReportData) -> str:
    """The whole report with unthinned curves. Fractions in [0, 1]; a missing value is null, never NaN."""
    data = as_report_data(study)
    study, progress = data.study, data.progress
    document = {
        "schema": SCHEMA,
        "study": {
            **fields(study, "name", "kind", "metric", "maximize", "num_val", "target_trials", "created", "updated"),
            **fields(study, "versions", "hardware", "facts", "sweep_file"),
            "parameters": data.parameters,
        },
        "verdict": fields(
            data.verdict, "kind", "headline", "leaders", "recommended", "probability", "price", "oscillating", "best_epoch_pick"
        ),
        "answer": data.answer,
        "next_steps": data.next_steps,
        "ranking": [_configuration(row, data.cause_checks.get(row.configuration, ())) for row in data.configurations],
        "history": [
            {
                "source": trial.source and dict(zip(("study", "trial"), trial.source, strict=True)),
                "params": trial.params,
                **_trial(trial),
            }
            for trial in study.history
        ],
        "states": progress.states,
        "infeasible": infeasible(study.trials),
        "frontier": _frontier(data),
        "cost": {
            "wall_seconds": progress.seconds,
            "worker_seconds": progress.worker_seconds,
            "gpu_hours": progress.gpu_seconds / 3600.0,
        },
        "importance": [
            {
                **fields(item, "target", "evaluator", "note", "configurations"),
                "parameters": {each.parameter: each.importance for each in item.parameters},
                "chance": {each.parameter: each.chance for each in item.parameters},
                "stands_out": [each.parameter for each in item.standing_out],
            }
            for item in data.importance
        ],
        "causes": [fields(cause, "parameter", "flag", "tested", "sentence", "space_change") for cause in data.causes.associations],
        "mistakes": data.mistakes,
        "failures": progress.failures,
        "gpu_out_of_memory": [
            {"batch_size": cell.batch_size, "frozen_layers": cell.boundary, "tried": cell.tried, "trials": cell.failed}
            for cell in progress.memory
        ],
    }
    return json_text(document)


def _frontier(data: ReportData) -> Mapping[str, object] | None:
    """The frontier that was searched for, the cheapest first; None where the best alone was."""
    name = cost_of_study(data.study)
    if not name:
        return None
    rows = frontier(data.configurations, name, maximize=data.study.maximize).rows
    return {
        "cost": name,
        "configurations": [
            {
                **fields(row, "configuration", "short", "stable", "stable_interval"),
                name: cost_of(row, name),
                "quartiles": spread_of(row, name),
                "fresh_seeds": row.seeds if row.confirmed else 0,
            }
            for row in rows
        ],
    }


def _configuration(row: RankedConfiguration, checks: Sequence[CauseCheck]) -> Mapping[str, object]:
    return {
        "rank": None if row.stable is None else row.rank,
        **fields(
            row, "configuration", "short", "name", "params", "stable", "stable_interval", "level", "spread", "best", "best_epoch", "last"
        ),
        **fields(row, "expected", "reaches", "probability_best", "probability_near", "tied_with", "unusable"),
        **fields(row, "epochs", "planned_epochs", "seeds"),
        "costs": {name: cost for name in COSTS if (cost := cost_of(row, name)) is not None},
        "exported_val_accuracy": row.exported,
        "test_accuracy": row.test,
        "state": row.trial_state,
        **fields(row, "confirmed", "provisional"),
        "flags": [
            {**asdict(flag.example), "severity": flag.severity, "summary": flag.summary, "meaning": flag.example.meaning}
            for flag in row.flags
        ],
        "cause_checks": checks,
        "trials": [_trial(trial) for trial in row.trials],
    }


def _trial(trial: TrialRecord) -> Mapping[str, object]:
    attempts = ("attempt", "driver", "worker", "from_epoch", "started", "ended", "cause")
    return {
        **fields(trial, "number", "seed", "role", "state", "cause"),
        "epochs": trial.num_epochs,
        **fields(trial, "planned_epochs", "figures", "notices", "accumulate"),
        "attempts": [fields(run, *attempts) for run in trial.attempts],
        # shortest decimals that give the same float32
        "curves": {name: [float(str(value)) for value in np.asarray(curve, dtype=np.float32)] for name, curve in trial.curves.items()},
    }
