"""A sweep that another tool ran, and its record: the same that reports of this project's own sweeps are made from."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from reports.errors import ReportInputError
from reports.flags import infer_num_val
from reports.logs.assemble import assemble
from reports.logs.fit import RawEpoch, RawFit, at_validations
from reports.records import PeerWinner, StudyRecord, TrialRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from reports.logs.run import LoggedRun
    from reports.records import ParameterRecord, ParameterValue, TrialState

_ENOUGH_FOR_A_SIZE: Final = 300
"""Accuracies that are looked at for the size of the validation set, which all trials share."""


@dataclass(frozen=True)
class Place:
    """Where a sweep lies.

    Attributes:
        text: as the user wrote it.
        path: a file or folder, or None for the address of a database.
        url: address of a database (a SQLite file has one too), or None.
        study: which study or experiment of the place is meant, or None for its only one.
    """

    text: str
    path: Path | None
    url: str | None
    study: str | None = None


@dataclass(frozen=True)
class ForeignTrial:
    """One training.

    Attributes:
        name: as the tool names it.
        params: its settings, by name.
        run: its curves, or None when it has none.
        state: how it ended.
        value: the figure by which the tool ranks it, or None when it keeps none.
    """

    name: str
    params: Mapping[str, ParameterValue]
    run: LoggedRun | None
    state: TrialState = "COMPLETE"
    value: float | None = None


@dataclass(frozen=True)
class ForeignSweep:
    """A sweep as its tool left it.

    Attributes:
        name: of the study, experiment or folder.
        tool: who ran it, e.g. ``Ray Tune``.
        place: what was read.
        trials: in the tool's order.
        rule: by what the tool names a winner, e.g. ``its last value``; empty where it names none.
        maximize: whether the tool's value is better when greater; None where trials have no value: then the metric decides.
        parameters: the searched space where the tool keeps it.
        facts: what else a reader should know, name to text.
    """

    name: str
    tool: str
    place: str
    trials: tuple[ForeignTrial, ...]
    rule: str = ""
    maximize: bool | None = None
    parameters: tuple[ParameterRecord, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


def run_of_rows(rows: Sequence[RawEpoch], *, source: str, name: str, log_format: str) -> LoggedRun | None:
    """The run of one trial from its rows, or None when they hold neither loss nor accuracy.

    Args:
        rows: one a report, in order. The first of several fits counts: a trial that began again is read to where it did.
        source: file, folder or address.
        name: of the trial.
        log_format: what it is.
    """
    if not rows:
        return None
    runs = assemble(RawFit(list(rows)), source=source, name=name, log_format=log_format)
    return runs[0] if runs else None


def run_of_series(series: Mapping[str, Iterable[tuple[int, float]]], *, source: str, name: str, log_format: str) -> LoggedRun | None:
    """The run of one trial from ``(step, value)`` pairs of each metric; steps of batches are left out where validation is rarer.

    Args:
        series: metric to its values; of a step that was written twice the last counts.
        source: file, folder or address.
        name: of the trial.
        log_format: what it is.
    """
    steps: dict[int, dict[str, str]] = {}
    for metric, values in series.items():
        for step, value in values:
            steps.setdefault(step, {})[metric] = "nan" if math.isnan(value) else repr(float(value))
    rows = at_validations([RawEpoch(step, steps[step]) for step in sorted(steps)])
    return run_of_rows(rows, source=source, name=name, log_format=log_format)


def flat(settings: Mapping[str, object], prefix: str = "") -> dict[str, ParameterValue]:
    """Settings without nesting: ``{"model": {"units": 8}}`` gives ``model.units``; lists become text."""
    found: dict[str, ParameterValue] = {}
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            found |= flat(value, f"{name}.")
        else:
            found[name] = value if isinstance(value, bool | int | float | str) or value is None else json.dumps(value, default=str)
    return found


def sweep_runs(sweep: ForeignSweep) -> tuple[LoggedRun, ...]:
    """The trainings of a sweep that have curves, each by its trial's name.

    Raises:
        ReportInputError: no trial has a curve.
    """
    runs = tuple(replace(trial.run, source=sweep.place, name=trial.name) for trial in sweep.trials if trial.run is not None)
    if not any(run.num_epochs > 1 for run in runs):
        raise ReportInputError(_no_curves(sweep))
    return runs


def _no_curves(sweep: ForeignSweep) -> str:
    return (
        f"{sweep.place}: {sweep.tool}: {len(sweep.trials)} trials and no learning curve of loss or accuracy: final values say nothing about "
        "stability. Give what keeps a value for each epoch (progress.csv, intermediate values by trial.report, callbacks' logs)."
    )


def study_record(sweep: ForeignSweep) -> StudyRecord:
    """The sweep as the record that reports are made from.

    Trials with the same settings are one configuration trained several times. Settings that never differ are facts, not parameters.

    Raises:
        ReportInputError: no trial has a curve.
    """
    runs = {number: _validated(trial.run) for number, trial in enumerate(sweep.trials) if trial.run is not None}
    if not any(len(curve) > 1 for run in runs.values() for curve in run.curves.values()):
        raise ReportInputError(_no_curves(sweep))
    metric = "val_accuracy" if any("val_accuracy" in run.curves for run in runs.values()) else "val_loss"
    searched = _searched(sweep)
    planned = max(run.num_epochs for run in runs.values())
    names: dict[str, str] = {}
    seeds: dict[str, int] = {}
    trials: list[TrialRecord] = []
    for number, trial in enumerate(sweep.trials):
        params = {name: trial.params[name] for name in searched if name in trial.params}
        key = json.dumps(params, sort_keys=True, default=str) if params else trial.name
        configuration = names.setdefault(key, trial.name)
        seeds[configuration] = seeds.get(configuration, -1) + 1
        run = runs.get(number)
        trials.append(
            TrialRecord(
                number=number,
                configuration=configuration,
                role="search",
                state=trial.state if run is not None or trial.state != "COMPLETE" else "FAIL",
                seed=seeds[configuration],
                params=params,
                curves={} if run is None else {name: curve.astype(np.float32) for name, curve in run.curves.items()},
                planned_epochs=(run.planned_epochs if run is not None else None) or planned,
                figures={} if run is None or run.num_val is None else {"num_val": run.num_val},
                error=None if run is not None else "no learning curve is on record",
                notices=() if run is None else run.notes,
                numbering=(1, 1) if run is None else (run.epoch(0), run.epoch_stride),
            )
        )
    sizes = {run.num_val for run in runs.values()}
    texts = [text for run in runs.values() for text in run.val_accuracy_texts][:_ENOUGH_FOR_A_SIZE]
    return StudyRecord(
        name=sweep.name,
        kind="study",
        metric=metric,
        maximize=metric == "val_accuracy",
        trials=tuple(trials),
        parameters=tuple(parameter for parameter in sweep.parameters if parameter.name in searched),
        num_val=(sizes.pop() if len(sizes) == 1 else None) or infer_num_val(texts),
        facts={
            "read from": f"{sweep.tool}: {sweep.place}",
            **_metric_fact(sweep, runs, metric),
            **_constants(sweep, searched),
            **sweep.facts,
        },
        peer_winner=_winner(sweep, trials, metric),
    )


def _validated(run: LoggedRun) -> LoggedRun:
    """A run whose only figures have no split: what a tuner is given is what it chooses by, validation."""
    curves, printed = dict(run.curves), dict(run.printed)
    if not any(name.startswith("val_") for name in curves):
        for name in ("accuracy", "loss"):
            if name in curves:
                curves[f"val_{name}"], printed[f"val_{name}"] = curves.pop(name), printed.pop(name, ())
    return replace(run, curves=curves, printed=printed)


def _metric_fact(sweep: ForeignSweep, runs: Mapping[int, LoggedRun], metric: str) -> dict[str, str]:
    """What the tool calls the ranked metric, where it is not our name."""
    names = {run.names.get(metric) or run.names.get(metric.removeprefix("val_")) for run in runs.values()} - {None, metric}
    return {metric: f"as {sweep.tool} has it: {', '.join(sorted(str(name) for name in names))}"} if names else {}


def _searched(sweep: ForeignSweep) -> tuple[str, ...]:
    """Settings that differ between trials, in the order in which they appear; all of a single trial."""
    names = dict.fromkeys(name for trial in sweep.trials for name in trial.params)
    missing = object()
    differ = [name for name in names if len({json.dumps(trial.params.get(name, str(missing)), default=str) for trial in sweep.trials}) > 1]
    return tuple(differ)


def _constants(sweep: ForeignSweep, searched: Sequence[str]) -> dict[str, str]:
    """Settings that all trials share, as one fact."""
    same = {name: value for trial in sweep.trials for name, value in trial.params.items() if name not in searched}
    return {"the same in every trial": ", ".join(f"{name}: {value}" for name, value in same.items())} if same else {}


def _winner(sweep: ForeignSweep, trials: Sequence[TrialRecord], metric: str) -> PeerWinner | None:
    """The trial that the tool names as its best, or that its last value would; None when there is none to choose."""
    maximize = (metric == "val_accuracy") if sweep.maximize is None else sweep.maximize
    values: dict[int, float] = {}
    for number, (trial, record) in enumerate(zip(sweep.trials, trials, strict=True)):
        value = trial.value
        if value is None and metric in record.curves:
            finite = record.curves[metric][np.isfinite(record.curves[metric])]
            value = float(finite[-1]) if finite.size else None
        if value is not None and math.isfinite(value) and record.state == "COMPLETE":
            values[number] = value
    if not values:
        return None
    best = max(values, key=lambda number: values[number] if maximize else -values[number])
    return PeerWinner(
        sweep.tool if sweep.rule else "", trials[best].configuration, sweep.trials[best].name, values[best], sweep.rule or "the last value"
    )
