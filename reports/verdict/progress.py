"""How far a sweep is, what it cost, what pruning saved, what failed, and which settings a GPU's memory did not suffice for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reports.records import StudySettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reports.records import StudyRecord, TrialRecord, TrialState
    from reports.stability import StabilityScore


GPU_OUT_OF_MEMORY = "gpu out of memory"
"""The recorded cause (`sweeps.executor.protocol.Cause`)."""
STOPPED = "stopped"
"""Cause of an attempt that the driver ended: by pruning it, or to go on later."""


@dataclass(frozen=True)
class Failure:
    """Trainings that ended in the same way.

    Attributes:
        reason: last line of the traceback, or the recorded cause.
        trials: numbers.
        traceback: of the first, or empty.
    """

    reason: str
    trials: tuple[int, ...]
    traceback: str


@dataclass(frozen=True)
class MemoryCell:
    """Trainings of one batch size and boundary on a GPU.

    Attributes:
        batch_size: images a step, as text.
        boundary: what is frozen, as the space or the file says it.
        tried: trainings that finished, were pruned, or ran out of GPU memory.
        failed: numbers of those that ran out.
    """

    batch_size: str
    boundary: str
    tried: int
    failed: tuple[int, ...]


@dataclass(frozen=True)
class Run:
    """One attempt on the timeline.

    Attributes:
        start: seconds since the study's first start.
        end: likewise; for a running one the time of the newest record.
        cause: how it ended (``pruned`` where that is why the driver stopped it), or ``running``.
        driver: who handed it out.
    """

    trial: int
    worker: str
    start: float
    end: float
    cause: str
    driver: str = ""
    gpu: float = 0.0


@dataclass(frozen=True)
class Progress:
    """How far the sweep is and what it cost.

    Attributes:
        states: state to number of trainings.
        runs: attempts with known times, by start.
        seconds: wall-clock from the first start to the newest record, or None.
        worker_seconds: sum over attempts.
        gpu_seconds: sum over attempts, each times its GPUs.
        epochs_trained: epochs on record.
        epochs_pruned: planned epochs that pruning did not train.
        leaders: (seconds since the start, stable) each time a finished training led, raising over time.
        finished: (seconds since the start, stable, trial number) of every scored training.
        failures: grouped by reason.
        memory: trainings by batch size and boundary, where any ran out of GPU memory.
        notices: trial number and what its worker reported: checkpoints that were damaged, gone or could not be written.
        budget: limit of the sweep file (``time``, ``gpu_hours``, ``trials``) to its value, as far as they are set.
        tried: search configurations.
    """

    states: Mapping[TrialState, int]
    runs: tuple[Run, ...] = ()
    seconds: float | None = None
    worker_seconds: float = 0.0
    gpu_seconds: float = 0.0
    epochs_trained: int = 0
    epochs_pruned: int = 0
    leaders: tuple[tuple[float, float], ...] = ()
    finished: tuple[tuple[float, float, int], ...] = ()
    failures: tuple[Failure, ...] = ()
    memory: tuple[MemoryCell, ...] = ()
    notices: tuple[tuple[int, str], ...] = ()
    budget: Mapping[str, float | str] = field(default_factory=dict)
    tried: int = 0


def summarise(study: StudyRecord, scores: Mapping[int, StabilityScore | None]) -> Progress:
    """The course of a study from its attempts, states and the scores of its trials (by number)."""
    settings = StudySettings(study)
    start = min((run.started for trial in study.trials for run in trial.attempts if run.started), default=None)
    runs = tuple(sorted(_runs(study, start), key=lambda run: run.start)) if start else ()
    finished = tuple(_finished(study, scores, start)) if start else ()
    trained = [trial for trial in study.trials if trial.role != "sibling"]  # a sibling's epochs are its carrier's
    return Progress(
        states=Counter(trial.state for trial in study.trials),
        runs=runs,
        seconds=max((run.end for run in runs), default=None),
        worker_seconds=sum(run.end - run.start for run in runs),
        gpu_seconds=sum((run.end - run.start) * run.gpu for run in runs),
        epochs_trained=sum(trial.num_epochs for trial in trained),
        epochs_pruned=sum(
            max(0, trial.planned_epochs - trial.num_epochs) for trial in trained if trial.state == "PRUNED" and not trial.infeasible
        ),
        leaders=_leaders(finished, maximize=study.maximize),
        finished=finished,
        failures=_failures(study.trials),
        memory=_memory_cells(study, settings),
        notices=tuple((trial.number, text) for trial in study.trials for text in trial.notices),
        budget=_budget(study, settings),
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
    return sorted(
        ((max(ends) - start).total_seconds(), score.stable, trial.number)
        for trial in study.trials
        if trial.state == "COMPLETE"
        and (ends := [run.ended for run in trial.attempts if run.ended] or _of_carrier(trial))
        and (score := scores.get(trial.number)) is not None
    )


def _of_carrier(trial: TrialRecord) -> list[datetime]:
    """When a trial was over whose training was another's: it has no attempts of its own."""
    return [trial.completed] if trial.role == "sibling" and trial.completed is not None else []


def _leaders(finished: Iterable[tuple[float, float, int]], *, maximize: bool) -> tuple[tuple[float, float], ...]:
    """The staircase of the best so far."""
    steps: list[tuple[float, float]] = []
    for seconds, value, _ in finished:
        if not steps or (value > steps[-1][1] if maximize else value < steps[-1][1]):
            steps.append((seconds, value))
    return tuple(steps)


def _budget(study: StudyRecord, settings: StudySettings) -> dict[str, float | str]:
    """Limits that the study's sweep file sets."""
    limits: dict[str, float | str] = {} if study.target_trials is None else {"trials": float(study.target_trials)}
    return limits | {str(name): value for name, value in settings.section("budget").items() if isinstance(value, int | float | str)}


def _failures(trials: Iterable[TrialRecord]) -> tuple[Failure, ...]:
    """Failed trainings grouped by the last line of their traceback, most frequent first."""
    groups: dict[str, list[TrialRecord]] = {}
    for trial in trials:
        if trial.state == "FAIL":
            lines = (trial.error or "").strip().splitlines()
            groups.setdefault((lines[-1] if lines else trial.cause or "no cause on record").strip(), []).append(trial)
    failures = [Failure(reason, tuple(t.number for t in group), group[0].error or "") for reason, group in groups.items()]
    return tuple(sorted(failures, key=lambda failure: -len(failure.trials)))


def _memory_cells(study: StudyRecord, settings: StudySettings) -> tuple[MemoryCell, ...]:
    """A cell for each batch size and boundary that was tried, by batch size; empty where no training ran out of GPU memory."""
    if not any(_out_of_memory(trial) for trial in study.trials):
        return ()
    cells: dict[tuple[str, str], list[TrialRecord]] = {}
    for trial in study.trials:
        if _out_of_memory(trial) or trial.state in ("COMPLETE", "PRUNED"):
            batch_size = settings.of(trial, "training", "batch_size")
            boundary = settings.of(trial, "model", "frozen_layers")
            cells.setdefault((str(32 if batch_size is None else batch_size), str(boundary or "none")), []).append(trial)
    return tuple(
        MemoryCell(batch_size, boundary, len(trials), tuple(trial.number for trial in trials if _out_of_memory(trial)))
        for (batch_size, boundary), trials in sorted(cells.items(), key=lambda cell: (_number(cell[0][0]), cell[0][1]))
    )


def _out_of_memory(trial: TrialRecord) -> bool:
    return trial.state == "FAIL" and (trial.cause or "").startswith(GPU_OUT_OF_MEMORY)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("inf")
