"""Verdicts as the JSON document ``steadysweep.diagnosis/1``."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.diagnosis.verdict import CurveFigures, Verdict

SCHEMA = "steadysweep.diagnosis/1"


def to_json(verdicts: Sequence[Verdict]) -> str:
    """One document for all runs. Accuracies are fractions in [0, 1]; a missing value is null, never NaN."""
    document = {"schema": SCHEMA, "runs": [_run(verdict) for verdict in verdicts]}
    return json.dumps(_plain(document), ensure_ascii=False, allow_nan=False, indent=1)


def _run(verdict: Verdict) -> dict[str, object]:
    """One run's entry."""
    run = verdict.run
    return {
        "source": run.source,
        "name": run.name,
        "format": run.format,
        "epochs": run.num_epochs,
        "planned_epochs": run.planned_epochs,
        "num_train": run.num_train,
        "num_val": verdict.num_val,
        "num_val_source": verdict.num_val_source,
        "metric_names": dict(run.names),
        "val_accuracy": _figures(verdict.val_accuracy),
        "val_loss": _figures(verdict.val_loss),
        "phases": asdict(verdict.phases) if verdict.phases else None,
        "flags": [
            {
                "name": flag.name,
                "severity": flag.severity,
                "summary": flag.summary,
                "evidence": dict(flag.evidence),
                "advice": flag.advice,
            }
            for flag in verdict.flags
        ],
        "causes": [asdict(cause) for cause in verdict.causes],
        "notes": list(run.notes),
        "curves": {name: curve.tolist() for name, curve in run.curves.items()},
    }


def _figures(figures: CurveFigures | None) -> dict[str, object] | None:
    """A curve's figures."""
    return None if figures is None else asdict(figures)


def _plain(value: object) -> object:
    """A value of JSON's own types: NumPy scalars unwrapped, tuples as lists, numbers that are none as None."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int):
        return int(value)
    number = float(value)  # type: ignore[arg-type]  # evidence holds nothing else
    return number if math.isfinite(number) else None
