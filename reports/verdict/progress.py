"""How far a sweep is, what it cost, what pruning and sharing saved, what failed.

Where a GPU's memory did not suffice: against what decides about it, the batch size and how much of the backbone is frozen.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from reports.verdict.report_data import Failure, MemoryCell, Progress, Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reports.records import StudyRecord, TrialRecord
    from reports.stability import StabilityScore


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


STOPPED = "stopped"
"""Cause of an attempt that the driver ended: by pruning it, or to go on later."""


def summarise(study: StudyRecord, scores: Mapping[int, StabilityScore | None]) -> Progress:
    """The course of a study from its attempts, states and the scores of its trials (by number)."""
    start = min((run.started for trial in study.trials for run in trial.attempts if run.started), default=None)
    runs = tuple(sorted(_runs(study, start), key=lambda run: run.start)) if start else ()
    finished = tuple(_finished(study, scores, start)) if start else ()
    return Progress(
        states=Counter(trial.state for trial in study.trials),
        runs=runs,
        seconds=max((run.end for run in runs), default=None),
        worker_seconds=sum(run.end - run.start for run in runs),
        gpu_seconds=sum((run.end - run.start) * run.gpu for run in runs),
        epochs_trained=sum(trial.num_epochs for trial in study.trials if trial.role != "sibling"),
        epochs_pruned=sum(max(0, trial.planned_epochs - trial.num_epochs) for trial in study.trials if trial.state == "PRUNED"),
        epochs_shared=sum(trial.num_epochs for trial in study.trials if trial.role == "sibling"),
        shared=Counter(what for trial in study.trials for what in trial.shared),
        leaders=_leaders(finished, maximize=study.maximize),
        finished=finished,
        failures=_failures(study.trials),
        memory=memory_failures(study),
        notices=tuple((trial.number, text) for trial in study.trials for text in trial.notices),
        budget=_budget(study),
        tried=len({trial.configuration for trial in study.trials if trial.role == "search"}),
    )


def _runs(study: StudyRecord, start: datetime) -> Iterable[Run]:
    """Attempts as spans in seconds since `start`; one without an end lasts to the newest record if it runs, else to its start."""
    now = study.updated or start
    for trial in study.trials:
        for run in trial.attempts:
            if run.started is None:
                continue
            running = run.ended is None and trial.state == "RUNNING"
            ended = run.ended or (now if running else run.started)
            begun = (run.started - start).total_seconds()
            cause = run.cause or ("running" if running else "lost")
            if cause == STOPPED and trial.state == "PRUNED" and run is trial.attempts[-1]:
                cause = "pruned"
            end = max(begun, (ended - start).total_seconds())
            yield Run(trial.number, run.worker or run.driver, begun, end, cause, run.driver, run.gpu if run.worker else 0.0)


def _finished(study: StudyRecord, scores: Mapping[int, StabilityScore | None], start: datetime) -> list[tuple[float, float, int]]:
    """(seconds, stable, trial) of every complete training, by time."""
    points = []
    for trial in study.trials:
        ended = max((run.ended for run in trial.attempts if run.ended), default=None)
        score = scores.get(trial.number)
        if trial.state == "COMPLETE" and ended is not None and score is not None:
            points.append(((ended - start).total_seconds(), score.stable, trial.number))
    return sorted(points)


def _leaders(finished: Iterable[tuple[float, float, int]], *, maximize: bool) -> tuple[tuple[float, float], ...]:
    """The staircase of the best so far."""
    steps: list[tuple[float, float]] = []
    for seconds, value, _ in finished:
        if not steps or (value > steps[-1][1] if maximize else value < steps[-1][1]):
            steps.append((seconds, value))
    return tuple(steps)


def _budget(study: StudyRecord) -> dict[str, float | str]:
    """Limits that the study's sweep file sets; a file that does not read as YAML sets none."""
    limits: dict[str, float | str] = {} if study.target_trials is None else {"trials": float(study.target_trials)}
    if "budget" not in study.sweep_file:
        return limits
    import yaml

    with contextlib.suppress(yaml.YAMLError):
        content = yaml.safe_load(study.sweep_file)
        found = content.get("budget") if isinstance(content, dict) else None
        if isinstance(found, dict):
            limits |= {str(name): value for name, value in found.items() if isinstance(value, int | float | str)}
    return limits


def _failures(trials: Iterable[TrialRecord]) -> tuple[Failure, ...]:
    """Failed trainings grouped by the last line of their traceback, most frequent first."""
    groups: dict[str, list[TrialRecord]] = {}
    for trial in trials:
        if trial.state == "FAIL":
            lines = (trial.error or "").strip().splitlines()
            groups.setdefault((lines[-1] if lines else trial.cause or "no cause on record").strip(), []).append(trial)
    failures = [Failure(reason, tuple(t.number for t in group), group[0].error or "") for reason, group in groups.items()]
    return tuple(sorted(failures, key=lambda failure: -len(failure.trials)))
