"""Why validation accuracy swings: the usual causes, what a log shows of them, and how to test the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from reports.wording import points, share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from reports.logs import LoggedRun

SHORTEST: Final = 6
"""Epochs below which a curve is not compared."""
SHRINKS: Final = 0.5
"""A change calms a curve when its movement falls below half; so are statistics to blame when without them it is below half."""
_BY_CHANCE: Final = 0.01
_CALM_BY_THEMSELVES: Final = 0.32
"""Swinging runs of a constant rate whose later epochs move less than half as much as the earlier ones (``python benchmarks/chance.py``)."""
SWINGS: Final = ("oscillating", "spiking")
WINDOWS: Final = "each epoch is validated on other images"
RATE: Final = "the learning rate is too high"
STATISTICS: Final = "moving statistics of batch normalisation lag behind the weights"
COVERAGE: Final = "an epoch does not cover the training data"

Finding = tuple[bool, str]
"""Whether a cause could be tested, and what that showed, or why it shows nothing."""


@dataclass(frozen=True)
class CauseCheck:
    """One usual cause of swings.

    Attributes:
        cause: in a few words.
        tested: whether the log or the sweep allows a test.
        finding: what it showed, or why it shows nothing.
        how: how to test it with another training or evaluation.
    """

    cause: str
    tested: bool
    finding: str
    how: str


def check_causes(run: LoggedRun, *, stated: int | None, inferred: int | None) -> tuple[CauseCheck, ...]:
    """Go through the usual causes as far as a log alone can test them.

    Args:
        run: the run.
        stated: validation images according to the user or the log, or None.
        inferred: images per validation according to the values (every accuracy is k/n), or None.
    """
    coverage = (False, "The log does not say which images an epoch trained on.")
    if run.whole_set:
        coverage = (True, f"No: the log says that every epoch trained on all {run.num_train} images.")
    return (
        CauseCheck(
            WINDOWS,
            *_logged_windows(run, stated, inferred),
            how="Validate on every image each epoch: no validation_steps, no generator that keeps its place between epochs.",
        ),
        CauseCheck(RATE, *_logged_rate(run), how="Train again with a lower or decaying learning rate, everything else unchanged."),
        CauseCheck(
            STATISTICS,
            *_logged_statistics(run),
            how="Evaluate with batch statistics, or recompute the moving statistics over the training set, at a good and at a bad epoch; or lower BN momentum.",
        ),
        CauseCheck(
            COVERAGE,
            *coverage,
            how="Train on every image each epoch: no steps_per_epoch, no sampling with replacement, no generator that keeps its place.",
        ),
    )


def _logged_windows(run: LoggedRun, stated: int | None, inferred: int | None) -> Finding:
    """Validation windows that differ between epochs: visible where the values show another number of images than the set has."""
    if run.whole_set:
        return True, f"No: the log says that every epoch was validated on all {run.num_val} images."
    if stated is not None and inferred is not None and inferred < stated and _apart(run, stated, inferred):
        return True, f"Possible: the accuracies are multiples of 1/{inferred}, so that an epoch saw {inferred} of {stated} images."
    return False, "The log does not say which images an epoch was validated on."


def _apart(run: LoggedRun, stated: int, inferred: int) -> bool:
    """Whether accuracies on `stated` images cannot be multiples of 1/`inferred` all by chance (below 1 %), which a divisor of `stated` allows."""
    return bool(stated % inferred) or (inferred / stated) ** len(set(run.val_accuracy_texts)) < _BY_CHANCE


def _logged_rate(run: LoggedRun) -> Finding:
    """The learning rate: where the log has it and it fell once for good, movement before and after stand beside each other."""
    if "learning_rate" not in run.curves or "val_accuracy" not in run.curves:
        return False, "The log has no learning rate."
    return fall_of_rate(run.curves, "The learning rate does not fall early enough to compare the curve before and after.", run.epoch)


def _logged_statistics(run: LoggedRun) -> Finding:
    """Moving statistics: a log has no accuracy under batch statistics; a calm training curve is worth saying."""
    training, validation = _change(run.curves.get("accuracy")), _change(run.curves.get("val_accuracy"))
    finding = "The log has no accuracy under batch statistics."
    if training is not None and validation is not None and training < SHRINKS * validation:
        finding += f" Training accuracy moves by {points(training)} an epoch, validation by {points(validation)}: the swings show in evaluation more than in training."
    return False, finding


def fall_of_rate(
    curves: Mapping[str, NDArray[np.floating]], otherwise: str, epoch: Callable[[int], int] = lambda index: index + 1
) -> Finding:
    """How a run moved before and after its learning rate fell for good; `otherwise` where it does not fall, or not early enough to compare.

    Never a test: later epochs move less by themselves.

    Args:
        curves: metric to values ``(num_epochs,)``; read are ``learning_rate`` and ``val_accuracy``.
        otherwise: the answer where there is nothing to compare.
        epoch: index to the epoch's number, counted from 1 unless given.
    """
    rate, accuracy = curves.get("learning_rate"), curves.get("val_accuracy")
    if rate is None or accuracy is None:
        return False, otherwise
    start = rate[np.isfinite(rate)][:1]
    halved = np.flatnonzero(rate <= start / 2.0) if start.size else np.empty(0, dtype=np.int64)
    cut = int(halved[0]) if halved.size else rate.size
    before, after = _change(accuracy[:cut]), _change(accuracy[cut:])
    if before is None or after is None:
        return False, otherwise
    return False, (
        f"Accuracy moved by {points(before)} an epoch before the learning rate reached {rate[cut]:.2g} at epoch {epoch(cut)}, by {points(after)} after. "
        f"That is no test: later epochs move less by themselves, with a constant rate by half or more in {share(_CALM_BY_THEMSELVES)} of swinging runs."
    )


def _change(curve: NDArray[np.floating] | None) -> float | None:
    """Mean absolute change per epoch of a curve ``(num_epochs,)``; None when it is shorter than six finite epochs."""
    if curve is None:
        return None
    finite = curve[np.isfinite(curve)]
    return float(np.abs(np.diff(finite)).mean()) if finite.size >= SHORTEST else None
