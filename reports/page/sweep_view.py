"""Progress, timeline and cost of a sweep, and what pruning saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from reports import wording
from reports.page.drawing import nice_scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.verdict import ReportData
    from reports.verdict.progress import Progress, Run


T = TypeVar("T")
MOST_DOTS, MOST_BARS, MOST_WORKERS, MOST_NAMES = 800, 1200, 48, 4
HOUR = 3600.0
OWN_ENDS = frozenset({"completed", "pruned", "running", "exception", "non-finite loss"})
"""Causes of attempts that nothing from outside ended."""
COURSE_WIDTH, COURSE_HEIGHT = 1000, 220


@dataclass(frozen=True)
class Number:
    """A figure with its label."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Course:
    """What finished trainings hold, over time; a tick is a height and a text."""

    dots: str
    line: str
    y_ticks: tuple[tuple[float, str], ...]
    end: str
    note: str
    description: str


@dataclass(frozen=True)
class Bar:
    """One attempt; `x` and `width` are percentages of the width."""

    x: float
    width: float
    kind: str
    title: str


@dataclass(frozen=True)
class Worker:
    """A line of the timeline."""

    name: str
    bars: tuple[Bar, ...]
    description: str


@dataclass(frozen=True)
class Timeline:
    """Attempts by worker."""

    workers: tuple[Worker, ...]
    end: str
    note: str


@dataclass(frozen=True)
class SweepView:
    """What the sweep's template shows."""

    sentence: str
    numbers: tuple[Number, ...]
    course: Course | None
    timeline: Timeline | None


def sweep_view(data: ReportData) -> SweepView:
    """Everything that a storage knows about the course of the sweep."""
    states = dict(data.progress.states)
    if refused := sum(bool(trial.infeasible) for trial in data.study.trials):
        states["PRUNED"] -= refused
    parts = [f"{number:,} {state.lower()}" for state, number in sorted(states.items(), key=lambda pair: -pair[1]) if number]
    parts += [f"{refused:,} refused by limits"] if refused else []
    total = f"{wording.count(sum(states.values()) + refused, 'training')} of {wording.count(len(data.configurations), 'configuration')}"
    sentence = f"{total}: {', '.join(parts)}." if parts else "No training yet."
    return SweepView(sentence, tuple(_numbers(data.progress)), _course(data), _timeline(data.progress))


def _numbers(progress: Progress) -> list[Number]:
    numbers = [Number("epochs trained", f"{progress.epochs_trained:,}")]
    trials = progress.budget.get("trials")
    if isinstance(trials, float):
        numbers.insert(0, Number("configurations tried", f"{progress.tried:,}", f"of {trials:,.0f}"))
    if progress.seconds is not None:
        workers = len({run.worker for run in progress.runs})
        time = progress.budget.get("time")  # in the file's own words or in seconds
        allowed = "" if time is None else f"of {time if isinstance(time, str) else wording.duration(time)} allowed"
        numbers.insert(0, Number("wall-clock", wording.duration(progress.seconds), allowed))
        numbers.append(Number("worker time", wording.duration(progress.worker_seconds), f"on {wording.count(workers, 'worker')}"))
    drivers = _drivers(progress.runs)
    if len(drivers) > 1:
        names = [*drivers[:MOST_NAMES], *(["…"] if len(drivers) > MOST_NAMES else [])]
        numbers.append(Number("drivers", f"{len(drivers):,}", ", ".join(names)))
    limit = progress.budget.get("gpu_hours")
    if progress.gpu_seconds or limit is not None:
        allowed = "" if limit is None else f"of {limit:g} allowed" if isinstance(limit, int | float) else f"of {limit} allowed"
        hours = progress.gpu_seconds / HOUR
        numbers.append(Number("GPU-hours", f"{hours:.1f}" if hours >= 10 else f"{hours:.2f}", allowed))  # noqa: PLR2004 - the second decimal says nothing then
    if progress.epochs_pruned:
        share = progress.epochs_pruned / (progress.epochs_trained + progress.epochs_pruned)
        numbers.append(Number("saved by pruning", f"{progress.epochs_pruned:,}", f"epochs, {100 * share:.0f} % of those planned"))
    failed = sum(len(failure.trials) for failure in progress.failures)
    lost = sum(run.cause not in OWN_ENDS for run in progress.runs)
    if failed or lost:
        numbers.append(Number("failed", f"{failed:,}", f"{wording.count(lost, 'attempt')} interrupted or lost" if lost else ""))
    return numbers


def _drivers(runs: Sequence[Run]) -> list[str]:
    """Who handed out attempts, by name."""
    return sorted({run.driver for run in runs if run.driver})


def _course(data: ReportData) -> Course | None:
    progress, metric = data.progress, data.study.metric
    if len(progress.finished) < 2 or not progress.seconds:  # noqa: PLR2004 - one dot is no course
        return None
    total = progress.seconds
    values = [value for _, value, _ in progress.finished if np.isfinite(value)]
    scale = nice_scale(values, 5)

    def x(seconds: float) -> float:
        return round(COURSE_WIDTH * seconds / total, 1)

    def y(value: float) -> float:
        return round(COURSE_HEIGHT * (1 - scale.at(value)), 1)

    dots_drawn = _evenly(progress.finished, MOST_DOTS)
    dots = "".join(f"M{x(seconds):g} {y(value):g}h0" for seconds, value, _ in dots_drawn)
    (start, first), *later = progress.leaders
    steps = [f"M{x(start):g} {y(first):g}", *(f"H{x(seconds):g}V{y(value):g}" for seconds, value in later), f"H{COURSE_WIDTH}"]
    ticks = tuple((y(tick.value), tick.text) for tick in scale.ticks(5, metric))
    note = f"{len(dots_drawn):,} of {len(progress.finished):,} dots drawn." if len(dots_drawn) < len(progress.finished) else ""
    reached, best = progress.leaders[-1]
    end = wording.duration(total)
    description = f"Best so far rises to {wording.score(best, metric)}, reached after {wording.duration(reached)} of {end}"
    return Course(dots, "".join(steps), ticks, end, note, description)


def _timeline(progress: Progress) -> Timeline | None:
    if not progress.runs or not progress.seconds:
        return None
    total = progress.seconds
    by_worker: dict[str, list[Run]] = {}
    for run in _evenly(progress.runs, MOST_BARS):
        by_worker.setdefault(run.worker, []).append(run)
    names, several = sorted(by_worker), len(_drivers(progress.runs)) > 1
    workers = tuple(_worker(name, by_worker[name], total, several_drivers=several) for name in names[:MOST_WORKERS])
    notes = []
    if len(names) > MOST_WORKERS:
        notes.append(f"{len(names) - MOST_WORKERS:,} more workers are left out.")
    if len(progress.runs) > MOST_BARS:
        notes.append(f"{MOST_BARS:,} of {len(progress.runs):,} attempts drawn.")
    return Timeline(workers, wording.duration(total), " ".join(notes))


def _worker(name: str, runs: Sequence[Run], total: float, *, several_drivers: bool) -> Worker:
    bars = []
    for run in runs:
        driver = f", for driver {run.driver}" if several_drivers else ""
        title = f"trial {run.trial}: {run.cause}, {wording.duration(run.end - run.start)}{driver}"
        width = max(0.15, round(100 * (run.end - run.start) / total, 2))
        kind = run.cause if run.cause in {"completed", "pruned", "running"} else "failed"
        bars.append(Bar(round(100 * run.start / total, 2), width, kind, title))
    busy = sum(run.end - run.start for run in runs) / total
    return Worker(name, tuple(bars), f"{wording.count(len(runs), 'attempt')}, busy {100 * min(1.0, busy):.0f} % of the time")


def _evenly(items: Sequence[T], most: int) -> Sequence[T]:
    """At most `most` of the items, evenly spaced, first and last among them."""
    if len(items) <= most:
        return items
    return [items[index] for index in np.linspace(0, len(items) - 1, most).astype(int)]
