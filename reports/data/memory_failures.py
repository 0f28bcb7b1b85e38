"""Where a GPU's memory did not suffice: against what decides about it, the batch size and how much of the backbone is frozen."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from reports.data.report_data import MemoryCell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.records import StudyRecord, TrialRecord

GPU_OUT_OF_MEMORY = "gpu out of memory"
"""The recorded cause (`sweeps.executor.Cause`)."""

_BATCH_SIZE = ("batch_size", "training.batch_size")
_BOUNDARY = ("frozen_layers", "model.frozen_layers")
_FINISHED = ("COMPLETE", "PRUNED")


def memory_failures(study: StudyRecord) -> tuple[MemoryCell, ...]:
    """A cell for each batch size and boundary that was tried, by batch size; empty where no training ran out of GPU memory."""
    if not any(_failed(trial) for trial in study.trials):
        return ()
    fixed = _fixed(study.sweep_file)
    cells: dict[tuple[str, str], list[TrialRecord]] = {}
    for trial in study.trials:
        if trial.role != "sibling" and (_failed(trial) or trial.state in _FINISHED):
            key = (_setting(trial, _BATCH_SIZE, fixed, "32"), _setting(trial, _BOUNDARY, fixed, "none"))
            cells.setdefault(key, []).append(trial)
    found = [
        MemoryCell(batch_size, boundary, len(trials), tuple(trial.number for trial in trials if _failed(trial)))
        for (batch_size, boundary), trials in cells.items()
    ]
    return tuple(sorted(found, key=lambda cell: (_number(cell.batch_size), cell.boundary)))


def _failed(trial: TrialRecord) -> bool:
    return trial.state == "FAIL" and (trial.cause or "").startswith(GPU_OUT_OF_MEMORY)


def _setting(trial: TrialRecord, names: tuple[str, str], fixed: Mapping[str, Any], default: str) -> str:
    """The value that a trial was trained with: searched, else the sweep file's."""
    for name in names:
        if name in trial.params:
            return str(trial.params[name])
    section, _, key = names[1].partition(".")
    found = fixed.get(section)
    return str(found.get(key, default)) if isinstance(found, dict) else default


def _fixed(sweep_file: str) -> Mapping[str, Any]:
    """The sweep file's own settings; a file that does not read as YAML has none."""
    import yaml

    with contextlib.suppress(yaml.YAMLError):
        content = yaml.safe_load(sweep_file)
        if isinstance(content, dict):
            return content
    return {}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("inf")
