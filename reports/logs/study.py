"""Logged runs as a study, so that the report of a sweep serves logs too."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from reports.records import StudyRecord, TrialRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.logs.run import LoggedRun


def study_from_logs(runs: Sequence[LoggedRun], *, num_val: Mapping[int, int | None] | None = None) -> StudyRecord:
    """A study of kind ``logs``: every run is a trial with a configuration of its own, named after log and fit.

    Args:
        runs: what `read_log` returned, of one or several logs.
        num_val: position in ``runs`` to validation images, where they are known better than by the log.
    """
    sizes = [(num_val or {}).get(number) or run.num_val for number, run in enumerate(runs)]
    sources = list(dict.fromkeys(run.source for run in runs))
    return StudyRecord(
        name=_short(sources[0]) if len(sources) == 1 else f"{len(sources)} logs",
        kind="logs",
        metric="val_accuracy",
        maximize=True,
        trials=tuple(
            _trial(number, label, run, size) for number, (label, run, size) in enumerate(zip(_labels(runs), runs, sizes, strict=True))
        ),
        num_val=sizes[0] if sizes and len(set(sizes)) == 1 else None,
        facts={"logs": ", ".join(sources), "read as": ", ".join(dict.fromkeys(run.format for run in runs))},
    )


def _trial(number: int, label: str, run: LoggedRun, num_val: int | None) -> TrialRecord:
    """One run as a trial. What the log planned counts as its length, so that an early stop shows."""
    figures: dict[str, float] = {}
    if num_val is not None:
        figures["num_val"] = num_val
    if run.num_classes is not None:
        figures["num_classes"] = run.num_classes
    return TrialRecord(
        number=number,
        configuration=label,
        role="search",
        state="COMPLETE",
        seed=0,
        params={},
        curves={name: curve.astype(np.float32) for name, curve in run.curves.items()},
        planned_epochs=run.planned_epochs or run.num_epochs,
        figures=figures,
    )


def _labels(runs: Sequence[LoggedRun]) -> list[str]:
    """A unique name for each run: the file's name, with the fit's where a log has several, with its folder where two logs share a name."""
    short = Counter(_short(source) for source in {run.source for run in runs})
    per_log = Counter(run.source for run in runs)
    labels: list[str] = []
    for run in runs:
        source = _short(run.source) if short[_short(run.source)] == 1 else run.source
        label = source if per_log[run.source] == 1 else f"{source}: {run.name}"
        labels.append(label if label not in labels else f"{label} ({sum(other.startswith(label) for other in labels) + 1})")
    return labels


def _short(source: str) -> str:
    """A log's name without its folders."""
    return "standard input" if source == "-" else PurePath(source).name or source
