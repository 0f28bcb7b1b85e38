"""Why validation accuracy swings in a sweep: for each usual cause what the record rules out, and what configurations that differ in it alone show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from reports.diagnosis.causes import CauseCheck, rate_fell_within
from reports.flags.swings import to_and_fro
from reports.records import StudySettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from reports.flags import Flag
    from reports.records import StudyRecord, TrialRecord


_SHORTEST: Final = 6
"""Epochs below which a curve is not compared."""
_SHRINKS: Final = 0.5
"""A change calms a curve when its to-and-fro movement falls below half; so are statistics to blame when without them it is below half."""
_SWINGS: Final = ("oscillating", "spiking")


@dataclass(frozen=True)
class _Configuration:
    """A configuration with its trainings that are long enough to compare.

    Attributes:
        trial: the first of them.
        movement: to-and-fro movement of validation accuracy per epoch over the second half, mean over trainings.
        swings: whether any of its trainings is flagged for it.
    """

    trial: TrialRecord
    movement: float
    swings: bool


def check_study_causes(study: StudyRecord, flags: Mapping[int, Sequence[Flag]]) -> Mapping[str, tuple[CauseCheck, ...]]:
    """Go through the usual causes for every configuration that swings.

    What a setting excludes is excluded ("every epoch was validated on all images"). What it does not is a possibility, and becomes an answer where
    the sweep holds configurations that differ in that setting alone: trainings that share everything else are an experiment, as far as one or
    a few pairs go.

    Args:
        study: a sweep's record.
        flags: trial number to flags.

    Returns:
        Configuration to its checks, for those that swing.
    """
    settings = StudySettings(study)
    groups: dict[str, list[TrialRecord]] = {}
    for trial in study.trials:
        if len(trial.curves.get("val_accuracy", ())) >= _SHORTEST:
            groups.setdefault(trial.configuration, []).append(trial)
    found = {name: _configuration(trials, flags) for name, trials in groups.items()}
    everyone = tuple(found.values())
    return {
        name: (
            _windows(each, everyone, settings, study.num_val),
            _learning_rate(each, everyone, settings),
            _batch_norm(each, everyone, settings),
            _coverage(each, everyone, settings),
        )
        for name, each in found.items()
        if each.swings
    }


def _configuration(trials: Sequence[TrialRecord], flags: Mapping[int, Sequence[Flag]]) -> _Configuration:
    movements = [_movement(trial.curves["val_accuracy"]) for trial in trials]
    swings = any(flag.name in _SWINGS for trial in trials for flag in flags.get(trial.number, ()))
    return _Configuration(trials[0], float(np.mean(movements)), swings)


def _movement(curve: NDArray[np.float32]) -> float:
    """To-and-fro movement per epoch over the second half of a curve ``(num_epochs,)``."""
    finite = curve[np.isfinite(curve)].astype(np.float64)
    return to_and_fro(finite[finite.size // 2 :]) if finite.size >= _SHORTEST else 0.0


def _windows(this: _Configuration, everyone: Sequence[_Configuration], settings: StudySettings, num_val: int | None) -> CauseCheck:
    cause = "each epoch is validated on other images"
    how = "Validate on every image each epoch: validation_windows: all."
    value = settings.of(this.trial, "data", "validation_windows")
    if value is None:
        return CauseCheck(cause, tested=False, finding="The record does not say which images an epoch was validated on.", how=how)
    if value == "all":
        images = "the" if num_val is None else f"all {num_val:,}"
        return CauseCheck(cause, tested=True, finding=f"No: every epoch was validated on {images} validation images.", how=how)
    said = f"each epoch is validated on another window of the images (validation_windows: {value})"
    return _by_comparison(cause, how, said, _others(this, everyone, settings, "validation_windows", lambda other: other == "all"))


def _coverage(this: _Configuration, everyone: Sequence[_Configuration], settings: StudySettings) -> CauseCheck:
    cause = "an epoch does not cover the training data"
    how = "Train on every image each epoch: sampling: every_image."
    value = settings.of(this.trial, "data", "sampling")
    if value is None:
        return CauseCheck(cause, tested=False, finding="The record does not say which images an epoch trained on.", how=how)
    if value == "every_image":
        return CauseCheck(cause, tested=True, finding="No: every epoch trained on every training image.", how=how)
    said = f"epochs train on different parts of the images (sampling: {value})"
    return _by_comparison(cause, how, said, _others(this, everyone, settings, "sampling", lambda other: other == "every_image"))


def _learning_rate(this: _Configuration, everyone: Sequence[_Configuration], settings: StudySettings) -> CauseCheck:
    cause = "the learning rate is too high"
    how = "Train with a lower or a falling learning rate, everything else unchanged."
    value = settings.of(this.trial, "training", "learning_rate")
    lower = _others(
        this,
        everyone,
        settings,
        "learning_rate",
        lambda other: isinstance(other, int | float) and isinstance(value, int | float) and other < value,
    )
    if lower.pairs:
        return _by_comparison(cause, how, f"the learning rate is {value:g}", lower)
    within = rate_fell_within(this.trial.curves)
    if within is not None:
        return CauseCheck(cause, tested=True, finding=within, how=how)
    finding = "The rate does not fall early enough to compare, and no configuration differs in a lower learning rate alone."
    return CauseCheck(cause, tested=False, finding=finding, how=how)


def _batch_norm(this: _Configuration, everyone: Sequence[_Configuration], settings: StudySettings) -> CauseCheck:
    cause = "moving statistics of batch normalisation lag behind the weights"
    how = "Recompute the statistics before each validation (precise_bn: epoch), or lower bn_momentum where few steps make an epoch."
    stored, batch = this.trial.curves["val_accuracy"], this.trial.curves.get("val_batch_accuracy")
    if batch is None or not np.isfinite(batch).any():
        return CauseCheck(cause, tested=True, finding="No: the model has no batch normalisation.", how=how)
    if settings.of(this.trial, "training", "precise_bn") == "epoch":
        return CauseCheck(cause, tested=True, finding="No: the statistics were recomputed exactly before each validation.", how=how)
    if settings.of(this.trial, "data", "validation_windows") not in ("all", None):
        finding = "Possible: batch statistics were measured on the same images in every epoch, accuracy on others each time."
        return CauseCheck(cause, tested=False, finding=finding, how=how)
    by_stored, by_batch = _movement(stored), _movement(batch)
    calmer = by_batch < _SHRINKS * by_stored
    finding = (
        f"{'Yes' if calmer else 'Unlikely'}: of the same weights accuracy moves by {by_stored:.3f} an epoch with the moving statistics "
        f"and by {by_batch:.3f} with the batch's own."
    )
    exact = _others(this, everyone, settings, "precise_bn", lambda other: other == "epoch")
    momentum = settings.of(this.trial, "model", "bn_momentum")
    others = _others(this, everyone, settings, "bn_momentum", lambda other: other not in (momentum, None))
    return CauseCheck(cause, tested=True, finding=" ".join(filter(None, (finding, exact.sentence, others.sentence))), how=how)


@dataclass(frozen=True)
class _Comparison:
    """Configurations that differ from one in a single setting."""

    pairs: int
    calmer: int
    sentence: str


def _others(
    this: _Configuration, everyone: Sequence[_Configuration], settings: StudySettings, name: str, better: Callable[[object], bool]
) -> _Comparison:
    """Compare with configurations whose setting `name` is `better` and that are otherwise alike."""
    alike = [
        other
        for other in everyone
        if other is not this and better(settings.searched(other.trial, name)) and settings.alike_but_for(name, this.trial, other.trial)
    ]
    if not alike:
        return _Comparison(0, 0, "")
    calmer = [other for other in alike if not other.swings and other.movement < _SHRINKS * this.movement]
    values = ", ".join(dict.fromkeys(_text(settings.searched(other.trial, name)) for other in alike))
    moved = float(np.mean([other.movement for other in alike]))
    sentence = (
        f"With {name} {values} and all else equal it moves by {moved:.3f} an epoch instead of {this.movement:.3f} "
        f"(calm: {len(calmer)} of {len(alike)} such configurations)."
    )
    return _Comparison(len(alike), len(calmer), sentence)


def _by_comparison(cause: str, how: str, said: str, others: _Comparison) -> CauseCheck:
    if not others.pairs:
        return CauseCheck(cause, tested=False, finding=f"Possible: {said}; no configuration differs in that alone.", how=how)
    word = "Yes" if others.calmer == others.pairs else "Possible" if others.calmer else "Not this alone"
    return CauseCheck(cause, tested=True, finding=f"{word}: {said}. {others.sentence}", how=how)


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
