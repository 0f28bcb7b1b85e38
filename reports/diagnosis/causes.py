"""Why validation accuracy swings: what a log, or the settings and neighbours of a sweep's configuration, show of the usual causes, and how to test the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from reports.flags.swings import to_and_fro
from reports.records import StudySettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from reports.flags import Flag
    from reports.logs import LoggedRun
    from reports.records import StudyRecord, TrialRecord

_SHORTEST: Final = 6
"""Epochs below which a curve is not compared."""
_SHRINKS: Final = 0.5
"""A change calms a curve when its movement falls below half; so are statistics to blame when without them it is below half."""
_BY_CHANCE: Final = 0.01
_SWINGS: Final = ("oscillating", "spiking")
_WINDOWS: Final = "each epoch is validated on other images"
_RATE: Final = "the learning rate is too high"
_STATISTICS: Final = "moving statistics of batch normalisation lag behind the weights"
_COVERAGE: Final = "an epoch does not cover the training data"

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
            _WINDOWS,
            *_logged_windows(run, stated, inferred),
            how="Validate on every image each epoch: no validation_steps, no generator that keeps its place between epochs.",
        ),
        CauseCheck(_RATE, *_logged_rate(run), how="Train again with a lower or decaying learning rate, everything else unchanged."),
        CauseCheck(
            _STATISTICS,
            *_logged_statistics(run),
            how="Evaluate with batch statistics, or recompute the moving statistics over the training set, at a good and at a bad epoch; or lower BN momentum.",
        ),
        CauseCheck(
            _COVERAGE,
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
    """The learning rate: where the log has it and it fell once for good, movement before and after are compared."""
    if "learning_rate" not in run.curves or "val_accuracy" not in run.curves:
        return False, "The log has no learning rate."
    return _fall_of_rate(run.curves, "The learning rate does not fall early enough to compare the curve before and after.", run.epoch)


def _logged_statistics(run: LoggedRun) -> Finding:
    """Moving statistics: a log has no accuracy under batch statistics; a calm training curve is worth saying."""
    training, validation = _change(run.curves.get("accuracy")), _change(run.curves.get("val_accuracy"))
    finding = "The log has no accuracy under batch statistics."
    if training is not None and validation is not None and training < _SHRINKS * validation:
        finding += f" Training accuracy moves by {training:.3f} an epoch, validation by {validation:.3f}: the swings show in evaluation more than in training."
    return False, finding


def _fall_of_rate(
    curves: Mapping[str, NDArray[np.floating]], otherwise: str, epoch: Callable[[int], int] = lambda index: index + 1
) -> Finding:
    """What a learning rate that fell once for good shows about a run; `otherwise` where it does not fall, or not early enough to compare.

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
    return True, (
        f"{'Possible' if after < _SHRINKS * before else 'Unlikely'}: accuracy moved by {before:.3f} an epoch before the learning rate reached "
        f"{rate[cut]:.2g} at epoch {epoch(cut)}, by {after:.3f} after (an association within one run: later epochs also move less by themselves)."
    )


def _change(curve: NDArray[np.floating] | None) -> float | None:
    """Mean absolute change per epoch of a curve ``(num_epochs,)``; None when it is shorter than six finite epochs."""
    if curve is None:
        return None
    finite = curve[np.isfinite(curve)]
    return float(np.abs(np.diff(finite)).mean()) if finite.size >= _SHORTEST else None


def _movement(curve: NDArray[np.float32]) -> float:
    """To-and-fro movement per epoch over the second half of a curve ``(num_epochs,)``."""
    finite = curve[np.isfinite(curve)].astype(np.float64)
    return to_and_fro(finite[finite.size // 2 :]) if finite.size >= _SHORTEST else 0.0


@dataclass(frozen=True)
class _Configuration:
    """The first training of a configuration that is long enough to compare, the mean of `_movement`, and whether any is flagged for swings."""

    trial: TrialRecord
    movement: float
    swings: bool


def check_study_causes(study: StudyRecord, flags: Mapping[int, Sequence[Flag]]) -> Mapping[str, tuple[CauseCheck, ...]]:
    """Go through the usual causes for every configuration of a sweep that swings.

    What a setting excludes is excluded ("every epoch was validated on all images"). What it does not is a possibility, and becomes an answer where
    the sweep holds configurations that differ in that setting alone: trainings that share everything else are an experiment, as far as one or
    a few pairs go.

    Args:
        study: a sweep's record.
        flags: by trial number.

    Returns:
        By configuration, for those that swing.
    """
    groups: dict[str, list[TrialRecord]] = {}
    for trial in study.trials:
        if len(trial.curves.get("val_accuracy", ())) >= _SHORTEST:
            groups.setdefault(trial.configuration, []).append(trial)
    configurations = {
        name: _Configuration(
            trials[0],
            float(np.mean([_movement(trial.curves["val_accuracy"]) for trial in trials])),
            any(flag.name in _SWINGS for trial in trials for flag in flags.get(trial.number, ())),
        )
        for name, trials in groups.items()
    }
    sweep = _Sweep(study, tuple(configurations.values()))
    return {name: sweep.checks(each) for name, each in configurations.items() if each.swings}


class _Sweep:
    """The configurations of a sweep that are long enough to compare, compared with each other."""

    def __init__(self, study: StudyRecord, configurations: Sequence[_Configuration]) -> None:
        self._num_val = study.num_val
        self._configurations = configurations
        self._settings = StudySettings(study)

    def checks(self, this: _Configuration) -> tuple[CauseCheck, ...]:
        """What the sweep shows about one configuration."""
        images = "the" if self._num_val is None else f"all {self._num_val:,}"
        windows = self._whole(
            this,
            "validation_windows",
            "all",
            unknown="The record does not say which images an epoch was validated on.",
            excluded=f"No: every epoch was validated on {images} validation images.",
            possible="each epoch is validated on another window of the images",
        )
        coverage = self._whole(
            this,
            "sampling",
            "every_image",
            unknown="The record does not say which images an epoch trained on.",
            excluded="No: every epoch trained on every training image.",
            possible="epochs train on different parts of the images",
        )
        return (
            CauseCheck(_WINDOWS, *windows, how="Validate on every image each epoch: validation_windows: all."),
            CauseCheck(_RATE, *self._rate(this), how="Train with a lower or a falling learning rate, everything else unchanged."),
            CauseCheck(
                _STATISTICS,
                *self._statistics(this),
                how="Recompute the statistics before each validation (precise_bn: epoch), or lower bn_momentum where few steps make an epoch.",
            ),
            CauseCheck(_COVERAGE, *coverage, how="Train on every image each epoch: sampling: every_image."),
        )

    def _whole(self, this: _Configuration, name: str, whole: str, *, unknown: str, excluded: str, possible: str) -> Finding:
        """A setting of the data whose value `whole` excludes a cause."""
        value = self._settings.of(this.trial, "data", name)
        if value is None:
            return False, unknown
        if value == whole:
            return True, excluded
        return _answer(f"{possible} ({name}: {value})", self._compare(this, name, lambda other: other == whole))

    def _rate(self, this: _Configuration) -> Finding:
        value = self._settings.of(this.trial, "training", "learning_rate")
        if isinstance(value, int | float):
            lower = self._compare(this, "learning_rate", lambda other: isinstance(other, int | float) and other < value)
            if lower.pairs:
                return _answer(f"the learning rate is {value:g}", lower)
        otherwise = "The rate does not fall early enough to compare, and no configuration differs in a lower learning rate alone."
        return _fall_of_rate(this.trial.curves, otherwise)

    def _statistics(self, this: _Configuration) -> Finding:
        stored, batch = this.trial.curves["val_accuracy"], this.trial.curves.get("val_batch_accuracy")
        if batch is None or not np.isfinite(batch).any():
            return True, "No: the model has no batch normalisation."
        if self._settings.of(this.trial, "training", "precise_bn") == "epoch":
            return True, "No: the statistics were recomputed exactly before each validation."
        if self._settings.of(this.trial, "data", "validation_windows") not in ("all", None):
            return False, "Possible: batch statistics were measured on the same images in every epoch, accuracy on others each time."
        by_stored, by_batch = _movement(stored), _movement(batch)
        finding = (
            f"{'Yes' if by_batch < _SHRINKS * by_stored else 'Unlikely'}: of the same weights accuracy moves by {by_stored:.3f} an epoch with the "
            f"moving statistics and by {by_batch:.3f} with the batch's own."
        )
        momentum = self._settings.of(this.trial, "model", "bn_momentum")
        exact = self._compare(this, "precise_bn", lambda other: other == "epoch")
        others = self._compare(this, "bn_momentum", lambda other: other not in (momentum, None))
        return True, " ".join(filter(None, (finding, exact.sentence, others.sentence)))

    def _compare(self, this: _Configuration, name: str, better: Callable[[object], bool]) -> _Comparison:
        """Compare with configurations whose setting `name` is `better` and that are otherwise alike."""
        settings = self._settings
        alike = [
            other
            for other in self._configurations
            if other is not this and better(settings.searched(other.trial, name)) and settings.alike_but_for(name, this.trial, other.trial)
        ]
        if not alike:
            return _Comparison(0, 0, "")
        calmer = sum(not other.swings and other.movement < _SHRINKS * this.movement for other in alike)
        values = (settings.searched(other.trial, name) for other in alike)
        texts = ", ".join(dict.fromkeys(f"{value:g}" if isinstance(value, float) else str(value) for value in values))
        moved = float(np.mean([other.movement for other in alike]))
        sentence = (
            f"With {name} {texts} and all else equal it moves by {moved:.3f} an epoch instead of {this.movement:.3f} "
            f"(calm: {calmer} of {len(alike)} such configurations)."
        )
        return _Comparison(len(alike), calmer, sentence)


@dataclass(frozen=True)
class _Comparison:
    """How many configurations differ from one in a single setting, and how many of them are calm."""

    pairs: int
    calmer: int
    sentence: str


def _answer(possible: str, others: _Comparison) -> Finding:
    """A possible cause, with what the comparison makes of it."""
    if not others.pairs:
        return False, f"Possible: {possible}; no configuration differs in that alone."
    word = "Yes" if others.calmer == others.pairs else "Possible" if others.calmer else "Not this alone"
    return True, f"{word}: {possible}. {others.sentence}"
