"""Why validation accuracy swings: what a log alone can test of the usual causes, and how to test the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from reports.logs import LoggedRun

_SHORTEST_STRETCH: Final = 6
_SHRINKS: Final = 0.5
"""A lower rate is said to calm the curve when movement per epoch falls by more than half."""


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
    """Go through the usual causes.

    Args:
        run: the run.
        stated: validation images according to the user or the log, or None.
        inferred: images per validation according to the values (every accuracy is k/n), or None.
    """
    return (*log_signs(run), *_usual_causes(run, stated, inferred))


def log_signs(run: LoggedRun) -> tuple[CauseCheck, ...]:
    """What a log shows by itself, whether or not the run swings: epochs on the left-over batch, and input that ran out."""
    cause = "every second epoch runs on the left-over batch"
    how = (
        "Leave out steps_per_epoch and validation_steps (Keras counts the batches of a finite data set itself), or let the data set repeat: "
        "dataset.repeat()."
    )
    leftover = run.leftover
    if leftover is None:
        if not run.out_of_data:
            return ()
        finding = "Keras warned that the input ran out of data; the figures do not show which epochs it cut short."
        return (CauseCheck(cause, tested=False, finding=finding, how=how),)
    shown = [run.epoch(index) for index in leftover.at]
    signs = []
    if leftover.num_val is not None:
        whole = f" ({leftover.whole_num_val:,} images in the others)" if leftover.whole_num_val else ""
        signs.append(f"validation accuracy is a multiple of 1/{leftover.num_val}{whole}" if leftover.num_val else "validation saw no image")
    if leftover.num_train is not None:
        signs.append(f"training accuracy is a multiple of 1/{leftover.num_train}" if leftover.num_train else "training saw no image")
    if leftover.seconds is not None:
        signs.append(f"an epoch took {leftover.seconds[0]:.3g} s, against {leftover.seconds[1]:.3g} s of the others")
    if run.out_of_data:
        signs.append("Keras warned that the input ran out of data")
    finding = (
        f"Yes: in epochs {shown[0]}, {shown[1]}, ..., {shown[-1]} {', '.join(signs)} (steps_per_epoch = n // batch with a finite data set). "
        f"{'These epochs are' if leftover.num_val is not None else 'Their training figures are'} left out of best, last, level and findings."
    )
    return (CauseCheck(cause, tested=True, finding=finding, how=how),)


def _usual_causes(run: LoggedRun, stated: int | None, inferred: int | None) -> tuple[CauseCheck, ...]:
    """The causes that every run which swings is asked about."""
    return (_windows(run, stated, inferred), _learning_rate(run), _batch_norm(run), _coverage(run))


def _windows(run: LoggedRun, stated: int | None, inferred: int | None) -> CauseCheck:
    """Validation windows that differ between epochs: visible where the values show another number of images than the set has."""
    cause = "each epoch is validated on other images"
    how = "Validate on every image each epoch: no validation_steps, no generator that keeps its place between epochs."
    if run.whole_set:
        return CauseCheck(
            cause, tested=True, finding=f"No: the log says that every epoch was validated on all {run.num_val} images.", how=how
        )
    if stated is not None and inferred is not None and inferred < stated and stated % inferred:
        finding = f"Possible: the accuracies are multiples of 1/{inferred}, so that an epoch saw {inferred} of {stated} images."
        return CauseCheck(cause, tested=True, finding=finding, how=how)
    return CauseCheck(cause, tested=False, finding="The log does not say which images an epoch was validated on.", how=how)


def _learning_rate(run: LoggedRun) -> CauseCheck:
    """The learning rate: where the log has it and it fell once for good, movement before and after are compared."""
    cause = "the learning rate is too high"
    how = "Train again with a lower or decaying learning rate, everything else unchanged."
    if "learning_rate" not in run.curves or "val_accuracy" not in run.curves:
        return CauseCheck(cause, tested=False, finding="The log has no learning rate.", how=how)
    finding = rate_fell_within(run.curves, run.epoch)
    if finding is None:
        finding = "The learning rate does not fall early enough to compare the curve before and after."
        return CauseCheck(cause, tested=False, finding=finding, how=how)
    return CauseCheck(cause, tested=True, finding=finding, how=how)


def rate_fell_within(curves: Mapping[str, NDArray[np.floating]], epoch: Callable[[int], int] = lambda index: index + 1) -> str | None:
    """What a learning rate that fell once for good shows about a run, in words; None where it does not fall, or not early enough to compare.

    Args:
        curves: metric to values ``(num_epochs,)``; read are ``learning_rate`` and ``val_accuracy``.
        epoch: index to the epoch's number, counted from 1 unless given.
    """
    rate, accuracy = curves.get("learning_rate"), curves.get("val_accuracy")
    if rate is None or accuracy is None:
        return None
    cut = _lowest_stretch(rate)
    before, after = _movement(accuracy[:cut]), _movement(accuracy[cut:])
    if before is None or after is None:
        return None
    calmer = after < _SHRINKS * before
    return (
        f"{'Possible' if calmer else 'Unlikely'}: accuracy moved by {before:.3f} an epoch before the learning rate reached {rate[cut]:.2g} at epoch {epoch(cut)}, "
        f"by {after:.3f} after (an association within one run: later epochs also move less by themselves)."
    )


def _batch_norm(run: LoggedRun) -> CauseCheck:
    """Moving statistics: a log has no accuracy under batch statistics; a calm training curve is worth saying."""
    how = "Evaluate with batch statistics, or recompute the moving statistics over the training set, at a good and at a bad epoch; or lower BN momentum."
    training, validation = _movement(run.curves.get("accuracy")), _movement(run.curves.get("val_accuracy"))
    finding = "The log has no accuracy under batch statistics."
    if training is not None and validation is not None and training < _SHRINKS * validation:
        finding += f" Training accuracy moves by {training:.3f} an epoch, validation by {validation:.3f}: the swings show in evaluation more than in training."
    return CauseCheck("moving statistics of batch normalisation lag behind the weights", tested=False, finding=finding, how=how)


def _coverage(run: LoggedRun) -> CauseCheck:
    """Epochs that do not cover the training data."""
    cause = "an epoch does not cover the training data"
    how = "Train on every image each epoch: no steps_per_epoch, no sampling with replacement, no generator that keeps its place."
    if run.whole_set:
        return CauseCheck(cause, tested=True, finding=f"No: the log says that every epoch trained on all {run.num_train} images.", how=how)
    return CauseCheck(cause, tested=False, finding="The log does not say which images an epoch trained on.", how=how)


def _lowest_stretch(rate: NDArray[np.floating]) -> int:
    """Index at which a rate ``(num_epochs,)`` first reaches at most half its start; its length when it never does."""
    start = rate[np.isfinite(rate)][:1]
    below = np.flatnonzero(rate <= start / 2.0) if start.size else np.empty(0, dtype=np.int64)
    return int(below[0]) if below.size else rate.size


def _movement(curve: NDArray[np.floating] | None) -> float | None:
    """Mean absolute change per epoch of a curve ``(num_epochs,)``; None when it is shorter than six finite epochs."""
    if curve is None:
        return None
    finite = curve[np.isfinite(curve)]
    return float(np.abs(np.diff(finite)).mean()) if finite.size >= _SHORTEST_STRETCH else None
