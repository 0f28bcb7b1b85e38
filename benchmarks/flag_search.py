"""Rules of the flags, chosen and judged by nested cross-validation over sources.

A family is a shape of rule: which figures, on which side, from which thresholds. Inside the sources that are not held out, an inner
cross-validation scores every family, the simplest one within one standard error (paired, by source) of the best is taken, and its thresholds
are those in the middle of the best plateau of F1. The held-out source is judged with that rule and enters nothing that chose it.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from reports.flags import collapsed, diverging, oscillating, overfitting, spiking, unfinished
from reports.flags.chance import fixed_set_noise
from reports.flags.rule import Condition, Rule
from reports.flags.run_curves import RunCurves, run_curves

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

METRICS = ("val_accuracy", "accuracy", "val_loss", "loss")
NOISE_SHARES = (0.45, 0.56, 0.7, 0.85, 1.0)
INNER_FOLDS = 10
RIDGE = 0.25
"""Penalty of the calibration's slope: a few curves more or less do not turn it into a step."""

Grid = tuple[str, Literal[">=", "<="], tuple[float, ...]]
Family = tuple[tuple[Grid, ...], ...]


def at_least(figure: str, *thresholds: float) -> Grid:
    """A condition whose threshold is to be chosen."""
    return figure, ">=", thresholds


def at_most(figure: str, *thresholds: float) -> Grid:
    """The same from above."""
    return figure, "<=", thresholds


_EXCESS = (0.0075, 0.009, 0.0105, 0.012, 0.0135, 0.015, 0.0165, 0.018, 0.021)
_FALLS, _REVERSAL = at_least("falls", 1.5, 2.5), at_least("reversal", 0.35, 0.5, 0.65)
_ALTERNATES: tuple[Grid, ...] = (at_least("alternation over noise", 3.3), at_least("alternation over rest", 2.8))
"""A test and no choice: two-sided .1 % against independent noise and against the curve's own rest. Tests are also a surprise
of 2 (a chance of 1 %), a decline of 3 standard deviations and a drop of 1.5."""


def _swinging(share: float) -> list[Family]:
    """Families of `oscillating` at one share of the binomial noise, simplest first."""
    excess, surprise = at_least(f"excess {share}", *_EXCESS), at_least(f"surprise {share}", 2.0)
    lasting = at_most("still swinging", 0.2, 0.34, 0.5)
    return [
        ((excess, _FALLS, _REVERSAL, surprise), _ALTERNATES),
        ((excess, _FALLS, _REVERSAL, lasting, surprise), _ALTERNATES),
    ]


_MOVES = at_least("movement", 0.009, 0.011, 0.0125, 0.014, 0.016, 0.018, 0.021, 0.024)
_DECLINE, _OVER_NOISE, _OVER_STEPS = (
    at_least("decline", 0.02, 0.025, 0.03, 0.035, 0.04, 0.05),
    at_least("decline over noise", 3.0),
    at_least("decline over steps", 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0),
)
_GAP, _FAR = at_least("gap", 0.05, 0.06, 0.07, 0.075, 0.08, 0.085, 0.09, 0.1), at_least("gap", 0.1, 0.115, 0.13, 0.145, 0.16, 0.2)
_RATIO = at_least("loss ratio", 1.7, 1.9, 2.05, 2.2, 2.5)
_RISE, _RISE_RATIO = at_least("loss rise", 0.1, 0.15, 0.2, 0.25, 0.3, 0.4), at_least("loss ratio", 2.0, 2.5, 3.0, 4.0, 5.0)
_GAP_NOISE = at_least("gap over noise", 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
_GAIN, _GAIN_ERROR = at_least("gain", 0.015, 0.02, 0.03, 0.04, 0.05), at_least("gain over error", 1.5, 2.0, 2.5, 2.8, 3.2, 3.6)
_SINCE, _NEW = at_most("since best", 0.025, 0.04, 0.055, 0.075, 0.105), at_least("new ground", 0.002, 0.005, 0.01, 0.015, 0.02)
_RANGE, _LEARNT, _LEVEL = (
    at_most("range", 0.0005, 0.002, 0.0035, 0.0045, 0.006),
    at_most("learnt", 0.008, 0.012, 0.016, 0.02, 0.03),
    at_most("level", 0.95, 0.965, 0.98, 0.99),
)
_CHANCE, _AT_LEVEL = at_most("off chance", 1.0), at_least("at level", 0.4, 0.45, 0.5, 0.6, 0.75)
_DEPTH, _DEPTH_NOISE = at_least("depth", 0.03, 0.04, 0.05, 0.06, 0.075), at_least("depth over noise", 1.5)
_MOVEMENT, _STEPS = (
    at_least("depth over movement", 2.5, 3.0, 3.5, 4.0, 4.5, 5.0),
    at_least("depth over steps", 3.0, 4.0, 5.0, 6.0, 7.0, 9.0),
)
_THIRD = at_least("depth over third", 1.1, 1.3, 1.6, 2.0)

FAMILIES: Mapping[str, Sequence[Family]] = {
    "diverging": (((_DECLINE, _OVER_NOISE, _OVER_STEPS),),),
    "oscillating": (
        ((_MOVES, _FALLS, _REVERSAL), _ALTERNATES),
        *sorted((family for share in NOISE_SHARES for family in _swinging(share)), key=lambda family: len(family[0])),
    ),
    "spiking": (
        ((_DEPTH, _DEPTH_NOISE, _MOVEMENT),),
        ((_DEPTH, _DEPTH_NOISE, _STEPS),),
        ((_DEPTH, _DEPTH_NOISE, _MOVEMENT, _STEPS),),
        ((_DEPTH, _DEPTH_NOISE, _MOVEMENT, _THIRD),),
        ((_DEPTH, _DEPTH_NOISE, _MOVEMENT), (_DEPTH, _DEPTH_NOISE, _STEPS)),
    ),
    "collapsed": (
        ((_CHANCE,), (_RANGE, _LEARNT, _LEVEL)),
        ((_CHANCE,), (_AT_LEVEL, _LEARNT, _LEVEL)),
    ),
    "overfitting": (
        ((_GAP,), (_RISE, _RISE_RATIO)),
        ((_FAR,), (_GAP, _RATIO), (_RISE, _GAP_NOISE)),
        ((_FAR,), (_GAP, _RATIO), (_RISE, _RISE_RATIO, _GAP_NOISE)),
    ),
    "unfinished": (
        ((_GAIN, _SINCE, _NEW),),
        ((_GAIN, _GAIN_ERROR, _SINCE),),
        ((_GAIN, _GAIN_ERROR, _SINCE, _NEW),),
    ),
}
"""Per flag, shapes of rules, simplest first. `diverging` comes first: what declines for good is cut off before its swings are measured."""


@dataclass(frozen=True)
class Table:
    """Figures of every curve.

    Attributes:
        columns: figure to values ``(num_curves,)``, NaN where a curve has none; the curve as a whole.
        before_decline: the figures of `oscillating` without the end that lies below a level that the run had, ``(num_curves,)`` each.
    """

    columns: Mapping[str, np.ndarray]
    before_decline: Mapping[str, np.ndarray]

    def row(self, index: int, *, declines: bool) -> dict[str, float]:
        """The figures of one curve."""
        chosen = {**self.columns, **self.before_decline} if declines else self.columns
        return {name: float(values[index]) for name, values in chosen.items()}


def tabulate(runs: Sequence[RunCurves]) -> Table:
    """Figures of every run; each flag's own file says what they mean."""
    rows: list[dict[str, float]] = []
    cut_rows: list[dict[str, float]] = []
    for run in runs:
        rows.append({})
        for flag in (diverging, spiking, collapsed, overfitting, unfinished):
            rows[-1].update(flag.figures(run) or {})
        rows[-1].update(_swing_figures(run, run.validation.size))
        cut_rows.append(_swing_figures(run, diverging.plateau_end(run)))
    return Table(_columns(rows), _columns(cut_rows))


def _swing_figures(run: RunCurves, stop: int) -> dict[str, float]:
    """The figures of `oscillating`, with the two that depend on the noise for every share of it."""
    swings = oscillating.measure_until(run, stop)
    if swings is None:
        return {}
    found = dict(swings.figures)
    for share in NOISE_SHARES:
        noise = fixed_set_noise(swings.run, share)
        found[f"excess {share}"] = oscillating.beyond_noise(swings.movement, noise)
        found[f"surprise {share}"] = oscillating.surprise(swings.run, noise)
    return found


def _columns(rows: Sequence[Mapping[str, float]]) -> dict[str, np.ndarray]:
    names = sorted({name for row in rows for name in row})
    return {name: np.array([row.get(name, math.nan) for row in rows]) for name in names}


def as_run(curve: Mapping[str, Any], stop: int | None = None) -> RunCurves:
    """A labelled curve as the flags read it, up to an epoch."""
    curves = {name: curve[name][:stop] for name in METRICS if curve.get(name)}
    return run_curves(curves, num_val=curve["num_val"], num_classes=curve["num_classes"])


def verdicts(family: Family, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """What every choice of thresholds says of every curve, ``(*grid sizes, num_curves)`` booleans."""
    grids = [grid for way in family for grid in way]
    size = len(next(iter(columns.values())))
    said: np.ndarray | bool = False
    axis = 0
    for way in family:
        holds: np.ndarray | bool = True
        for figure, side, thresholds in way:
            values, limits = columns[figure], np.array(thresholds)[:, None]
            met = values >= limits if side == ">=" else values <= limits
            shape = [1] * len(grids) + [size]
            shape[axis] = len(thresholds)
            holds = holds & met.reshape(shape)
            axis += 1
        said = said | holds
    return np.broadcast_to(said, (*(len(grid[2]) for grid in grids), size))


def rule_of(family: Family, choice: Sequence[int]) -> Rule:
    """The family's rule at one choice of thresholds (an index into each grid)."""
    indices = iter(choice)
    return Rule(tuple(tuple(Condition(figure, side, thresholds[next(indices)]) for figure, side, thresholds in way) for way in family))


@dataclass(frozen=True)
class Counts:
    """Hits and verdicts of every choice by source, ``(num_choices, num_sources)``, and positives by source."""

    hits: np.ndarray
    said: np.ndarray
    positives: np.ndarray
    shape: tuple[int, ...]

    def f1(self, weights: np.ndarray) -> np.ndarray:
        """F1 of every choice over weighted sources, ``(num_choices,)``."""
        total = self.said @ weights + float(self.positives @ weights)
        return np.divide(2.0 * (self.hits @ weights), total, out=np.zeros(total.shape), where=total > 0)

    def best(self, weights: np.ndarray) -> int:
        """The middle of the best plateau: highest F1 averaged with the neighbouring thresholds, so that no single curve decides."""
        smooth = self.f1(weights).reshape(self.shape)
        for axis, length in enumerate(self.shape):
            if length > 1:
                padded = np.pad(smooth, [(1, 1) if i == axis else (0, 0) for i in range(smooth.ndim)], mode="edge")
                smooth = sum(np.take(padded, range(k, k + length), axis=axis) for k in range(3)) / 3.0  # type: ignore[assignment]
        tied = np.argwhere(smooth >= smooth.max() - 1e-6)
        middle = tied[np.abs(tied - tied.mean(axis=0)).sum(axis=1).argmin()]
        return int(np.ravel_multi_index(tuple(middle), self.shape))


def count(said: np.ndarray, truth: np.ndarray, counted: np.ndarray, membership: np.ndarray) -> Counts:
    """Count the verdicts ``(*grid sizes, num_curves)`` by source; `membership` is ``(num_curves, num_sources)``."""
    flat = said.reshape(-1, truth.size) & counted
    return Counts(
        (flat & truth).astype(np.float32) @ membership,
        flat.astype(np.float32) @ membership,
        (truth & counted).astype(np.float32) @ membership,
        said.shape[:-1],
    )


@dataclass(frozen=True)
class Problem:
    """One flag's labels over all curves.

    Attributes:
        flag: its name.
        truth: whether readers called it so, ``(num_curves,)``.
        counted: whether readers decided (no borderline), ``(num_curves,)``.
        membership: ``(num_curves, num_sources)`` of 0 and 1.
    """

    flag: str
    truth: np.ndarray
    counted: np.ndarray
    membership: np.ndarray

    def counts(self, table: Table, declines: np.ndarray) -> list[Counts]:
        """Counts of every family; `declines` ``(num_curves,)`` says which curves are judged without their end."""
        return [
            count(self.say(verdicts(family, table.columns), family, table, declines), self.truth, self.counted, self.membership)
            for family in FAMILIES[self.flag]
        ]

    def say(self, plain: np.ndarray, family: Family, table: Table, declines: np.ndarray) -> np.ndarray:
        """Verdicts with the lasting declines taken into account."""
        if self.flag == "spiking":
            return plain & ~declines
        if self.flag == "oscillating" and declines.any():
            return np.where(declines, verdicts(family, {**table.columns, **table.before_decline}), plain)
        return plain


def choose(counts: Sequence[Counts], sizes: Sequence[int], training: np.ndarray, seed: int = 0) -> tuple[int, int]:
    """Family and thresholds by inner cross-validation over the training sources ``(num_sources,)`` of 0 and 1.

    Args:
        counts: of every family.
        sizes: conditions of every family; among equals the better one is taken.
        training: which sources may be looked at.
        seed: of the folds.
    """
    sources = np.random.default_rng(seed).permutation(np.flatnonzero(training))
    folds = [sources[i::INNER_FOLDS] for i in range(INNER_FOLDS)]
    hits, said, positives = np.zeros((len(counts), training.size)), np.zeros((len(counts), training.size)), np.zeros(training.size)
    for fold, (number, family) in itertools.product(folds, enumerate(counts)):
        weights = training.astype(np.float32)
        weights[fold] = 0.0
        best = family.best(weights)
        hits[number, fold], said[number, fold], positives[fold] = family.hits[best, fold], family.said[best, fold], family.positives[fold]
    drawn = np.random.default_rng(seed + 1).multinomial(sources.size, np.full(sources.size, 1.0 / sources.size), size=400)
    resampled = np.zeros((400, training.size))
    resampled[:, sources] = drawn

    def scores(weights: np.ndarray) -> np.ndarray:
        return 2.0 * (weights @ hits.T) / np.maximum(weights @ said.T + (weights @ positives)[..., None], 1e-9)

    total, spread = scores(training.astype(np.float64)), scores(resampled)
    best = int(total.argmax())
    errors = np.std(spread[:, best][:, None] - spread, axis=0)
    close = np.flatnonzero(total[best] - total <= errors)
    simplest = int(min(close, key=lambda number: (sizes[number], -total[number])))
    return simplest, counts[simplest].best(training.astype(np.float32))


def calibrate(margins: np.ndarray, agreed: np.ndarray) -> tuple[float, float]:
    """Intercept and slope of the log odds that readers agree, by penalised logistic regression on the margins of all curves, slope >= 0."""
    design = np.column_stack([np.ones(margins.size), margins])
    beta = np.zeros(2)
    for _ in range(50):
        chance = 1.0 / (1.0 + np.exp(-design @ beta))
        gradient = design.T @ (agreed - chance) - np.array([0.0, RIDGE * beta[1]])
        curvature = (design * (chance * (1.0 - chance))[:, None]).T @ design + np.diag([1e-6, RIDGE])
        step = np.linalg.solve(curvature, gradient)
        beta += np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-8:
            break
    return float(beta[0]), max(0.0, float(beta[1]))
