"""Why configurations of a sweep swing: what their settings exclude of the usual causes, and what configurations that differ in one setting alone show."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from reports.diagnosis.causes import COVERAGE, RATE, SHORTEST, SHRINKS, STATISTICS, SWINGS, WINDOWS, CauseCheck, fall_of_rate
from reports.flags.swings import to_and_fro
from reports.records import StudySettings
from reports.verdict.importance import midranks
from reports.verdict.matched import FACTOR, SMALLEST_PAIRS, STEP, compare_pairs, groups_alike
from reports.verdict.permutation import holm
from reports.wording import count, points

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from reports.diagnosis.causes import Finding
    from reports.flags import Flag
    from reports.records import StudyRecord, TrialRecord

    Array = NDArray[np.float64]

LEVEL: Final = 0.04
"""Chance that any setting of a study is blamed where none matters; with the tested parameters of `reports.verdict.causes` it stays below 5 %."""
SWAPS: Final = 999
SWAP_LEVEL: Final = 0.005
SWAP_SEED: Final = 20_150_206
ALIKE: Final = 0.8
"""Share of the movement that is left with the batch's own statistics, from which the moving statistics are no likely cause."""
CALM_SHARE: Final = 0.8
"""Of many neighbours so many must be calm; of up to four, all."""
EITHER_WAY: Final = "bn_momentum"
"""A momentum may be too high for few steps or too low for small batches: its test is two-sided."""
MOST_VALUES: Final = 3
"""Values of neighbours that a sentence names."""
CALMER: Final = {
    "validation_windows": "the one with all",
    "sampling": "the one with every_image",
    "precise_bn": "the one with epoch",
    "learning_rate": "the one with the lower rate",
    "bn_momentum": "the one with the lower momentum",
}
"""Which configuration of a pair is expected to be calmer; of two momenta either may be."""


@dataclass(frozen=True)
class _Configuration:
    """The first training of a configuration that is long enough to compare, the mean of `movement`, and whether any is flagged for swings."""

    trial: TrialRecord
    movement: float
    swings: bool


def movement(curve: NDArray[np.floating]) -> float:
    """To-and-fro movement per epoch over the second half of a curve ``(num_epochs,)``."""
    finite = curve[np.isfinite(curve)].astype(np.float64)
    return to_and_fro(finite[finite.size // 2 :]) if finite.size >= SHORTEST else 0.0


def check_study_causes(study: StudyRecord, flags: Mapping[int, Sequence[Flag]]) -> Mapping[str, tuple[CauseCheck, ...]]:
    """Go through the usual causes for every configuration of a sweep that swings.

    What a setting excludes is excluded ("every epoch was validated on all images"). What it does not is a possibility. It is tested where the sweep
    holds three pairs of configurations that differ in that setting alone, by a factor of two or a whole step: their movement is permuted within the groups that
    share everything else, and the p-value adjusted over all settings that are tested. *Yes* stands where the setting passes that test
    and the configuration's own neighbours are calm.

    Args:
        study: a sweep's record.
        flags: by trial number.

    Returns:
        By configuration, for those that swing.
    """
    groups: dict[str, list[TrialRecord]] = {}
    for trial in study.trials:
        if len(trial.curves.get("val_accuracy", ())) >= SHORTEST:
            groups.setdefault(trial.configuration, []).append(trial)
    configurations = {
        name: _Configuration(
            trials[0],
            float(np.mean([movement(trial.curves["val_accuracy"]) for trial in trials])),
            any(flag.name in SWINGS for trial in trials for flag in flags.get(trial.number, ())),
        )
        for name, trials in groups.items()
    }
    if not any(each.swings for each in configurations.values()):
        return {}
    sweep = _Sweep(study, tuple(configurations.values()))
    return {name: sweep.checks(each, place) for place, (name, each) in enumerate(configurations.items()) if each.swings}


@dataclass(frozen=True)
class _Neighbours:
    """The configurations that differ from one in a single setting, on the side that is expected to be calmer.

    Attributes:
        number: of them.
        calm: how many are not flagged for swings.
        movement: their mean.
        values: places of configurations with the first few different values of the setting.
        more: whether there are further values.
    """

    number: int
    calm: int
    movement: float
    values: tuple[int, ...]
    more: bool


NOBODY: Final = _Neighbours(0, 0, 0.0, (), more=False)


@dataclass(frozen=True)
class _Group:
    """Configurations that share everything but one setting, by its value rising: sums over the first of them answer for any number of neighbours.

    Attributes:
        places: of the configurations, ``(num_members,)``.
        values: of the setting, ``(num_members,)``.
        calm, moved: sums over those before each, ``(num_members + 1,)``.
        firsts: where a value is seen first.
    """

    places: NDArray[np.int64]
    values: Array
    calm: Array
    moved: Array
    firsts: NDArray[np.int64]

    def below(self, limit: float) -> _Neighbours:
        """The members whose value is at most `limit`."""
        number = int(np.searchsorted(self.values, limit, side="right"))
        if not number:
            return NOBODY
        different = int(np.searchsorted(self.firsts, number))
        named = tuple(self.places[self.firsts[: min(different, MOST_VALUES)]].tolist())
        return _Neighbours(number, int(self.calm[number]), float(self.moved[number]) / number, named, more=different > MOST_VALUES)


class _Experiment:
    """What the sweep shows of one setting, over all configurations that share everything else.

    Args:
        name: of the setting.
        values: such that swings are expected where they are larger, ``(num_configurations,)``; NaN takes no part.
        gap: distance from which two values lie apart.
        groups: configurations that share everything else.
        configurations: all of them.
    """

    def __init__(
        self, name: str, values: Array, gap: float, groups: Sequence[NDArray[np.int64]], configurations: Sequence[_Configuration]
    ) -> None:
        moved = np.array([each.movement for each in configurations])
        ranks = midranks(moved)
        calm = np.array([not each.swings for each in configurations], dtype=np.float64)
        self.name, self.gap, self.calmer = name, gap, CALMER[name]
        pairs = compare_pairs(groups, values, ranks, gap)
        if name == EITHER_WAY and pairs.p_value is not None:
            other = compare_pairs(groups, -values, ranks, gap)
            if other.p_value is not None and other.p_value < pairs.p_value:
                values, pairs, self.calmer = -values, other, self.calmer.replace("lower", "higher")
            pairs = replace(pairs, p_value=min(1.0, 2.0 * (pairs.p_value or 0.0)))
        self.values, self.pairs = values, pairs
        self.p_adjusted: float | None = None
        self._group_of: dict[int, _Group] = {}
        for group in groups:
            inside = group[np.isfinite(values[group])]
            inside = inside[np.argsort(values[inside], kind="stable")]
            ordered = values[inside]
            firsts = np.flatnonzero(np.diff(ordered, prepend=-np.inf) > 0.0)
            found = _Group(inside, ordered, _sums(calm[inside]), _sums(moved[inside]), firsts)
            self._group_of |= dict.fromkeys(inside.tolist(), found)

    @property
    def established(self) -> bool:
        """Whether the setting passed its test."""
        return self.p_adjusted is not None and self.p_adjusted <= LEVEL

    def neighbours(self, place: int) -> _Neighbours:
        """Configurations that share everything else with one, and whose value lies apart on the side that is expected to be calmer."""
        group = self._group_of.get(place)
        return NOBODY if group is None else group.below(float(self.values[place]) - self.gap)


class _Sweep:
    """The configurations of a sweep that are long enough to compare, compared with each other."""

    def __init__(self, study: StudyRecord, configurations: Sequence[_Configuration]) -> None:
        self._num_val = study.num_val
        self._configurations = configurations
        self._settings = StudySettings(study)
        self._stepwise = {parameter.name for parameter in study.parameters if parameter.kind != "float"}
        unlike = {
            "validation_windows": lambda value: float(value != "all"),
            "sampling": lambda value: float(value != "every_image"),
            "precise_bn": lambda value: float(value != "epoch"),
            "learning_rate": _log,
            "bn_momentum": lambda value: -_log(1.0 - number) if (number := _number(value)) is not None else math.nan,
        }
        found = {name: self._experiment(name, coding) for name, coding in unlike.items()}
        self._experiments = {name: each for name, each in found.items() if each is not None}
        tested = [each for each in self._experiments.values() if each.pairs.p_value is not None]
        for each, adjusted in zip(tested, holm(np.array([each.pairs.p_value for each in tested])), strict=True):
            each.p_adjusted = float(adjusted)
        self._tested = len(tested)

    def _experiment(self, name: str, coding: Callable[[object], float]) -> _Experiment | None:
        """The comparison of a setting, or None where it is not searched."""
        trials = [each.trial for each in self._configurations]
        searched = [self._settings.searched(trial, name) for trial in trials]
        if all(value is None for value in searched):
            return None
        values = np.array([math.nan if value is None else coding(value) for value in searched], dtype=np.float64)
        key = next(key for trial in trials for key in trial.params if self._settings.is_short_for(name, key))
        gap = math.log(FACTOR) - STEP if name in {"learning_rate", "bn_momentum"} and key not in self._stepwise else STEP
        groups = groups_alike([self._settings.others(name, trial.params) for trial in trials])
        return _Experiment(name, values, gap, groups, self._configurations)

    def checks(self, this: _Configuration, place: int) -> tuple[CauseCheck, ...]:
        """What the sweep shows about one configuration, by its place."""
        images = "the" if self._num_val is None else f"all {self._num_val:,}"
        windows = self._whole(
            this,
            place,
            ("validation_windows", "all"),
            unknown="The record does not say which images an epoch was validated on.",
            excluded=f"No: every epoch was validated on {images} validation images.",
            possible="each epoch is validated on another window of the images",
        )
        coverage = self._whole(
            this,
            place,
            ("sampling", "every_image"),
            unknown="The record does not say which images an epoch trained on.",
            excluded="No: every epoch trained on every training image.",
            possible="epochs train on different parts of the images",
        )
        pairs = "as starting_points of another study, each twice"
        return (
            CauseCheck(WINDOWS, *windows, how="Validate on every image each epoch: validation_windows: all."),
            CauseCheck(
                RATE,
                *self._rate(this, place),
                how=f"List three configurations {pairs}: with its learning_rate, and with half of it or less.",
            ),
            CauseCheck(
                STATISTICS,
                *self._statistics(this, place),
                how="Recompute the statistics before each validation (precise_bn: epoch), or lower bn_momentum where few steps make an epoch.",
            ),
            CauseCheck(COVERAGE, *coverage, how="Train on every image each epoch: sampling: every_image."),
        )

    def _whole(self, this: _Configuration, place: int, setting: tuple[str, str], *, unknown: str, excluded: str, possible: str) -> Finding:
        """A setting of the data, as (name, value that excludes the cause)."""
        name, whole = setting
        value = self._settings.of(this.trial, "data", name)
        if value is None:
            return False, unknown
        if value == whole:
            return True, excluded
        return self._answer(f"{possible} ({name}: {value})", name, this, place)

    def _rate(self, this: _Configuration, place: int) -> Finding:
        value = _number(self._settings.of(this.trial, "training", "learning_rate"))
        experiment = self._experiments.get("learning_rate")
        if value is not None and experiment is not None and experiment.pairs.pairs:
            return self._answer(f"the learning rate is {value:g}", "learning_rate", this, place)
        otherwise = "Not tested: no configurations differ in the learning rate alone by a factor of two, and the rate does not fall early enough to compare."
        return fall_of_rate(this.trial.curves, otherwise)

    def _statistics(self, this: _Configuration, place: int) -> Finding:
        stored, batch = this.trial.curves["val_accuracy"], this.trial.curves.get("val_batch_accuracy")
        if batch is None or not np.isfinite(batch).any():
            return True, "No: the model has no batch normalisation."
        if self._settings.of(this.trial, "training", "precise_bn") == "epoch":
            return True, "No: the statistics were recomputed exactly before each validation."
        if self._settings.of(this.trial, "data", "validation_windows") not in ("all", None):
            return False, "Possible: batch statistics were measured on the same images in every epoch, accuracy on others each time."
        by_stored, by_batch = movement(stored), movement(batch)
        word = "Unlikely" if by_batch >= ALIKE * by_stored else "Cannot tell"
        if by_batch < SHRINKS * by_stored and (
            swap_p(stored, batch) <= SWAP_LEVEL or any(self._calmed(name, this, place) for name in ("precise_bn", "bn_momentum"))
        ):
            word = "Yes"
        finding = f"{word}: of the same weights accuracy moves by {points(by_stored)} an epoch with the moving statistics and by {points(by_batch)} with the batch's own."
        others = (self._evidence(name, this, place) for name in ("precise_bn", "bn_momentum") if name in self._experiments)
        return True, " ".join(filter(None, (finding, *others)))

    def _answer(self, possible: str, name: str, this: _Configuration, place: int) -> Finding:
        """A possible cause, with what the sweep makes of it."""
        experiment = self._experiments.get(name)
        pairs = 0 if experiment is None else experiment.pairs.pairs
        if experiment is None or pairs < SMALLEST_PAIRS:
            number = (
                f"only {count(pairs, 'pair')} of configurations differ{'s' if pairs == 1 else ''}" if pairs else "no configurations differ"
            )
            return False, f"Possible: {possible}. Not tested: {number} in that alone; {SMALLEST_PAIRS} pairs are needed."
        evidence = self._evidence(name, this, place)
        if not experiment.established:
            return True, f"Cannot tell: {possible}. {evidence}"
        near = experiment.neighbours(place)
        word = "Yes" if self._calmed(name, this, place) else "Possible" if near.calm or not near.number else "Not this alone"
        return True, f"{word}: {possible}. {evidence}"

    def _calmed(self, name: str, this: _Configuration, place: int) -> bool:
        """Whether a setting passed its test and this configuration's own neighbours are calm."""
        experiment = self._experiments.get(name)
        if experiment is None or not experiment.established:
            return False
        near = experiment.neighbours(place)
        return near.number > 0 and near.calm >= CALM_SHARE * near.number and near.movement < SHRINKS * this.movement

    def _evidence(self, name: str, this: _Configuration, place: int) -> str:
        """What all pairs of the sweep show of a setting, and this configuration's own neighbours."""
        experiment = self._experiments[name]
        near, pairs, sentences = experiment.neighbours(place), experiment.pairs, []
        if pairs.p_value is not None and experiment.p_adjusted is not None:
            apart = f" by a factor of two or more{' in 1 - momentum' if name == EITHER_WAY else ''}" if experiment.gap > STEP else ""
            chance = "" if experiment.established else ", no more than chance gives"
            family = f", adjusted for {self._tested} settings" if self._tested > 1 else ""
            sentences.append(
                f"{count(pairs.pairs, 'pair')} of configurations differ in {name} alone{apart}: in {pairs.agree} of them "
                f"{experiment.calmer} moves less{chance} (p = {experiment.p_adjusted:.2g}{family})."
            )
        if near.number:
            values = (self._settings.searched(self._configurations[each].trial, name) for each in near.values)
            texts = ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
            more = ", ..." if near.more else ""
            sentences.append(
                f"With {name} {texts}{more} and all else equal it moves by {points(near.movement)} an epoch instead of {points(this.movement)} "
                f"(calm: {near.calm} of {near.number} such configurations)."
            )
        return " ".join(sentences)


def _sums(values: Array) -> Array:
    """Sums over those before each, ``(num_values + 1,)``."""
    return np.concatenate([[0.0], np.cumsum(values)])


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _log(value: object) -> float:
    number = _number(value)
    return math.log(number) if number is not None and number > 0.0 else math.nan


def swap_p(stored: NDArray[np.floating], batch: NDArray[np.floating]) -> float:
    """How often two curves of the same weights, exchanged in every epoch by the toss of a coin, differ as much in their movement to and fro.

    Args:
        stored: accuracy with the moving statistics, ``(num_epochs,)``.
        batch: with the batch's own, ``(num_epochs,)``.
    """
    size = min(stored.size, batch.size)
    both = np.stack([stored[:size], batch[:size]]).astype(np.float64)
    both = both[:, np.isfinite(both).all(axis=0)]
    if both.shape[1] < SHORTEST:
        return 1.0
    swapped = np.random.default_rng(SWAP_SEED).integers(2, size=(SWAPS, both.shape[1])) == 1
    first = np.concatenate([both[:1], np.where(swapped, both[1], both[0])])
    second = np.concatenate([both[1:], np.where(swapped, both[0], both[1])])
    differences = _to_and_fro(first) - _to_and_fro(second)
    return float((differences >= differences[0] - STEP).sum()) / (SWAPS + 1)


def _to_and_fro(curves: Array) -> Array:
    """`reports.flags.swings.to_and_fro` of each row."""
    steps = np.diff(curves, axis=1)
    moved: Array = (np.abs(steps).sum(axis=1) - np.abs(curves[:, -1] - curves[:, 0])) / max(1, steps.shape[1])
    return moved
