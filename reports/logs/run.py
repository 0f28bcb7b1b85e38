"""One training as read from a log.

Logged runs as a study, so that the report of a sweep serves logs too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from reports.logs.metric_names import is_finite_text
from reports.records import StudyRecord, TrialRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from reports.logs.leftover_epochs import LeftoverEpochs
    from reports.records import ParameterValue


@dataclass(frozen=True)
class LoggedRun:
    """One call of ``fit`` (or one training loop) found in a log.

    Attributes:
        source: the log as the user named it, or ``-``.
        name: the run within its log, e.g. ``fit 2`` or ``cell 14, fit 1``.
        format: what the log was read as, e.g. ``Keras console log``.
        curves: metric name to per-epoch values, shape ``(num_epochs,)``, NaN where missing, infinite where the log prints
            ``nan`` or ``inf`` (a failed epoch, as `reports.stability` has it). Loss, accuracy and learning
            rate are under ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy``, ``learning_rate`` whatever the log calls them; accuracies
            are fractions in [0, 1].
        printed: the same keys to the figures' text as the log has it, ``""`` where missing.
        names: the same keys to the metric's name in the log, e.g. ``val_accuracy`` → ``val_acc``.
        planned_epochs: epochs that were asked for (``Epoch 3/100``), or None when the log does not say.
        first_epoch: number of the first epoch as the log counts, or None when it does not count.
        epoch_stride: epochs from one value to the next, as the log counts.
        num_train: training images, or None when the log does not say.
        num_val: validation images, or None when the log does not say.
        num_classes: classes, or None when the log does not say.
        whole_set: whether the log shows that every validation ran over the whole set (``fit`` on arrays: ``Train on ..., validate on ... samples``).
        percent: whether the log has validation accuracy in percent.
        leftover: epochs that ran on the left-over batch and are missing in `curves`, or None.
        out_of_data: whether Keras warned that its input ran out of data.
        parameters: settings that the log shows, e.g. ``learning_rate`` at the first epoch.
        notes: what a reader should know about how this run was read, as sentences.
    """

    source: str
    name: str
    format: str
    curves: Mapping[str, NDArray[np.float64]]
    printed: Mapping[str, tuple[str, ...]]
    names: Mapping[str, str] = field(default_factory=dict)
    planned_epochs: int | None = None
    first_epoch: int | None = None
    epoch_stride: int = 1
    num_train: int | None = None
    num_val: int | None = None
    num_classes: int | None = None
    whole_set: bool = False
    percent: bool = False
    leftover: LeftoverEpochs | None = None
    out_of_data: bool = False
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def num_epochs(self) -> int:
        """Epochs on record."""
        return max((len(curve) for curve in self.curves.values()), default=0)

    def epoch(self, index: int) -> int:
        """The log's number of an epoch by its index; counted from 1 where the log does not count."""
        return (1 if self.first_epoch is None else self.first_epoch) + index * self.epoch_stride

    @property
    def val_accuracy_texts(self) -> tuple[str, ...]:
        """Validation accuracies as the log prints them, missing ones left out, percentages shifted to fractions: trailing zeros are kept."""
        present = (text for text in self.printed.get("val_accuracy", ()) if text)
        return tuple(format(Decimal(text).scaleb(-2), "f") if self.percent and is_finite_text(text) else text for text in present)

    @property
    def label(self) -> str:
        """Source and name, for messages."""
        return f"{self.source}: {self.name}"


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
        numbering=(run.epoch(0), run.epoch_stride),
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
