"""What can be said about one logged run: its figures, its flags, and the causes that its log can and cannot test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from reports.diagnosis.causes import CauseCheck, check_causes
from reports.diagnosis.log_signs import log_signs
from reports.flags import find_flags, infer_num_val
from reports.stability import stability

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reports.flags import Flag
    from reports.logs import LoggedRun


SizeSource = Literal["given", "log", "inferred"]


@dataclass(frozen=True)
class CurveFigures:
    """Figures of one curve, in the metric's unit.

    Attributes:
        best: its best finite epoch.
        best_epoch: that epoch, as the log numbers it.
        last: its last epoch with a value, None when that one failed.
        level: where the run is near its end, None when an epoch that counts failed.
        spread: level - stable, or None.
        stable: what a stop at an arbitrary late epoch is still worth, or None.
        provisional: fewer than five epochs entered.
    """

    best: float
    best_epoch: int
    last: float | None
    level: float | None
    spread: float | None
    stable: float | None
    provisional: bool


@dataclass(frozen=True)
class Phases:
    """A curve that alternates, every other epoch taken apart, over its second half.

    Attributes:
        high: mean of the better epochs.
        low: mean of the others.
        high_is_odd: whether the better epochs are the odd ones, as the log numbers them.
    """

    high: float
    low: float
    high_is_odd: bool


@dataclass(frozen=True)
class Verdict:
    """The diagnosis of one run.

    Attributes:
        num_val: validation images, or None when unknown.
        num_val_source: whether their number was given by the user, stated by the log, or inferred from the values; None when unknown.
        val_accuracy: figures of validation accuracy, or None when the log has none.
        val_loss: figures of validation loss (less is better), or None.
        phases: for a run that alternates with period 2, else None.
        flags: findings, the gravest first.
        causes: for a run that swings: what the log says about each usual cause.
    """

    run: LoggedRun
    num_val: int | None
    num_val_source: SizeSource | None
    val_accuracy: CurveFigures | None
    val_loss: CurveFigures | None
    phases: Phases | None
    flags: tuple[Flag, ...]
    causes: tuple[CauseCheck, ...]


def diagnose_run(run: LoggedRun, *, num_val: int | None = None) -> Verdict:
    """Diagnose one run; `num_val` counts validation images: None for what the log states, else what its values reveal, else unknown."""
    inferred = infer_num_val(run.val_accuracy_texts)
    candidates: tuple[tuple[int | None, SizeSource], ...] = ((num_val, "given"), (run.num_val, "log"), (inferred, "inferred"))
    size, source = next(((size, source) for size, source in candidates if size is not None), (None, None))
    flags = find_flags(
        run.curves,
        num_val=size,
        planned_epochs=run.planned_epochs,
        num_classes=run.num_classes,
        numbering=(run.epoch(0), run.epoch_stride),
    )
    accuracy = run.curves.get("val_accuracy")
    alternates = any(flag.evidence.get("period") == 2 for flag in flags)  # noqa: PLR2004
    swings = any(flag.name in {"oscillating", "spiking"} for flag in flags)
    return Verdict(
        run=run,
        num_val=size,
        num_val_source=source,
        val_accuracy=_figures(accuracy, run, maximize=True),
        val_loss=_figures(run.curves.get("val_loss"), run, maximize=False),
        phases=_phases(accuracy, run.epoch(0)) if accuracy is not None and alternates else None,
        flags=flags,
        causes=(*log_signs(run), *(check_causes(run, stated=size if source != "inferred" else None, inferred=inferred) if swings else ())),
    )


def _figures(curve: NDArray[np.float64] | None, run: LoggedRun, *, maximize: bool) -> CurveFigures | None:
    """Figures of a curve ``(num_epochs,)``; None without a finite epoch."""
    if curve is None or not np.isfinite(curve).any():
        return None
    finite = np.where(np.isfinite(curve), curve, -np.inf if maximize else np.inf)
    best = int(finite.argmax() if maximize else finite.argmin())
    with np.errstate(invalid="ignore"):
        score = stability(curve, maximize=maximize)
    present = curve[~np.isnan(curve)]
    return CurveFigures(
        best=float(curve[best]),
        best_epoch=run.epoch(best),
        last=_finite(float(present[-1])),
        level=_finite(score.level if score else None),
        spread=_finite(score.spread if score else None),
        stable=_finite(score.stable if score else None),
        provisional=score is None or score.provisional,
    )


def _finite(value: float | None) -> float | None:
    """A value, or None when it is no number."""
    return None if value is None or not np.isfinite(value) else value


def _phases(curve: NDArray[np.float64], first: int) -> Phases | None:
    """Means of odd and even epochs over the second half of a curve ``(num_epochs,)``; None when one has no finite epoch.

    Args:
        curve: validation accuracy.
        first: number of the first epoch.
    """
    epochs = np.arange(first, first + curve.size)
    late = np.isfinite(curve) & (np.arange(curve.size) >= curve.size // 2)
    odd, even = curve[late & (epochs % 2 == 1)], curve[late & (epochs % 2 == 0)]
    if not odd.size or not even.size:
        return None
    means = float(odd.mean()), float(even.mean())
    return Phases(max(means), min(means), means[0] >= means[1])
