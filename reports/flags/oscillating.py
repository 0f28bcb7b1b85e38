"""`oscillating`: repeated swings that matter, beyond what the validation images explain; `noisy_validation`: they may explain them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from reports.flags.chance import binomial_noise, fixed_set_noise, sampling_noise
from reports.flags.diverging import decline_start, plateau_end
from reports.flags.drops import find_drops
from reports.flags.flag import Flag, FlagKind, grade
from reports.flags.rule import Condition, Rule
from reports.flags.run_curves import first_epochs, mean, median
from reports.flags.swings import alternation, alternation_p, period, roughness_p, to_and_fro, turning_points
from reports.wording import points

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from reports.flags.run_curves import RunCurves

RULE = Rule(
    (
        (
            Condition("excess", ">=", 0.0135),
            Condition("falls", ">=", 1.5),
            Condition("reversal", ">=", 0.35),
            Condition("surprise", ">=", 2.0),
        ),
        (Condition("alternation over noise", ">=", 3.3), Condition("alternation over rest", ">=", 2.8)),
    ),
    intercept=-0.27,
    slope=4.89,
    forecast=(-0.34, 2.30),
)
"""Chosen and calibrated by ``python benchmarks/flags.py --choose``, save the second way, which is a test: an alternation of any size that
neither independent noise (two-sided .1 %) nor the curve's own rest explains."""
MATTERS = 0.0125
"""To-and-fro movement per epoch from which few images are named as a possible cause: 1¼ points."""
SWING = 0.015
"""Smallest swing that counts as one, so that rounding and single images do not."""
FALLS = 2
"""Falls within the second half that make it *repeated*."""
NOISE_P = 0.008
"""Chance of a curve as rough, were every image drawn anew each epoch, above which images alone may explain it."""
REGULAR_P = 0.01
"""Chance below which a period is reported."""
SHORTEST = 6
"""Epochs below which no curve is called oscillating."""
STEP_OF_NOISE = 2.0 / math.sqrt(math.pi)
"""Mean distance of two independent normal values, in standard deviations."""


@dataclass(frozen=True)
class Swings:
    """How a curve swings.

    Attributes:
        run: the run, without a lasting decline at its end.
        movement: to-and-fro movement per epoch over the second half, isolated drops set aside.
        noise: standard deviation of an epoch by sampling alone, or None when the set's size is unknown.
        noise_p: chance of second differences as large from `noise` alone; 0 when the set's size is unknown.
        figures: what the rule reads.
    """

    run: RunCurves
    movement: float
    noise: float | None
    noise_p: float
    figures: Mapping[str, float]

    @property
    def flagged(self) -> bool:
        """Swings that matter beyond what a fixed set of images explains, or a strict alternation of any size."""
        return RULE.margin(self.figures) >= 0.0

    @property
    def seen(self) -> bool:
        """Swings of a size that readers were asked about: the first way of the rule."""
        return all(condition.margin(self.figures[condition.figure]) >= 0.0 for condition in RULE.ways[0])

    @property
    def explained(self) -> bool:
        """Swings that matter and that images drawn anew each epoch would explain, so that the curve alone cannot tell."""
        return self.movement >= MATTERS and self.figures["falls"] >= FALLS and self.noise_p > NOISE_P


@lru_cache(maxsize=2)
def measure(run: RunCurves) -> Swings | None:
    """Measure the swings of a run's validation accuracy; None below `SHORTEST` epochs."""
    return measure_until(run, run.validation.size if decline_start(run) is None else plateau_end(run))


def measure_until(run: RunCurves, stop: int) -> Swings | None:
    """The same of the first `stop` present epochs: what a run lost for good after them is no swing."""
    if stop < SHORTEST:
        return None
    if stop < run.validation.size:
        run = first_epochs(run, stop)
    late = _without_drops(run)
    movement = to_and_fro(late)
    turns = turning_points(late, SWING)
    noise, fixed = sampling_noise(run), fixed_set_noise(run)
    amplitude, rest = alternation(run.validation)
    floor = binomial_noise(mean(run.validation), run.num_val) if run.num_val is not None and not run.num_val_assumed else math.inf
    root = math.sqrt(run.validation.size)
    steps = late[1:] - late[:-1]
    travelled = float(np.abs(steps).sum())
    figures = {
        "movement": movement,
        "excess": beyond_noise(movement, fixed),
        "falls": float((np.diff(late[turns]) < 0).sum()),
        "surprise": surprise(run, fixed),
        "reversal": 1.0 - abs(float(late[-1] - late[0])) / travelled if travelled > 0.0 else 0.0,
        "still swinging": 1.0 - float(turns[-1]) / (late.size - 1) if turns.size else 1.0,
        "alternation over noise": amplitude * root / floor,
        "alternation over rest": amplitude * root / rest if rest > 0.0 else math.inf,
    }
    noise_p = 0.0 if noise is None else roughness_p(run.settled, noise)
    return Swings(run, movement, noise, noise_p, figures)


def beyond_noise(movement: float, noise: float | None) -> float:
    """To-and-fro movement per epoch that is left when independent noise of a standard deviation has had its part."""
    return math.sqrt(max(0.0, movement**2 - (STEP_OF_NOISE * (noise or 0.0)) ** 2))


def surprise(run: RunCurves, noise: float | None) -> float:
    """How unlikely noise makes a curve as rough: minus the decimal logarithm of the chance, at most 9, and 9 without noise."""
    return -math.log10(max(roughness_p(run.settled, noise), 1e-9)) if noise else 9.0


def _without_drops(run: RunCurves) -> NDArray[np.float64]:
    """The second half with isolated drops lifted to their neighbours: rare epochs are `spiking`'s, not a swing, ``(window,)``."""
    drops = find_drops(run)
    if drops is None or not drops.isolated.size:
        return run.late
    curve = run.validation.copy()
    curve[drops.isolated] += drops.depth[drops.isolated]
    return curve[curve.size - run.window :]


def find_noisy_validation(run: RunCurves) -> Flag | None:
    """Flag swings that matter and that the number of validation images may explain, whatever else is said of them."""
    found = measure(run)
    if found is None or found.noise is None or not found.explained:
        return None
    swing, assumed = swing_size(found.run), _assumed(run)
    verdict = (
        "it swings, but whether the model or the images do it this set cannot tell" if found.flagged else "no sign that the model swings"
    )
    return Flag(
        "noisy_validation",
        "low",
        {"num_val": run.num_val, "noise": found.noise, "movement": found.movement, "amplitude": swing, "epochs": found.run.late_epochs},
        "Enlarge the validation split, or compare configurations over several seeds: differences below this are chance.",
        f"swings of {points(swing)} look large, but {run.num_val} images{assumed} explain ±{points(2 * found.noise)}: {verdict}",
    )


def _assumed(run: RunCurves) -> str:
    return " (assumed)" if run.num_val_assumed else ""


def find_oscillating(run: RunCurves) -> Flag | None:
    """Flag a curve that swings repeatedly through its second half, by an amount that matters beyond what its images explain."""
    found = measure(run)
    if found is None or not found.flagged:
        return None
    judged = found.run
    swing = swing_size(judged)
    length, chance = period(judged.late)
    if chance >= REGULAR_P and (every_other := alternation_p(judged.settled)) < REGULAR_P:
        length, chance = 2.0, every_other
    regular = chance < REGULAR_P
    turns = turning_points(judged.validation, max(SWING, swing / 2.0) if found.movement >= MATTERS else swing / 2.0)
    first = int(judged.epochs[turns[1]]) if turns.size > 1 else judged.late_epochs[0]
    evidence = {
        "period": round(length) if regular else None,
        "period_p": chance,
        "amplitude": swing,
        "rate": min(1.0, turns.size / judged.validation.size),
        "movement": found.movement,
        "excess": found.figures["excess"],
        "drops": int(found.figures["falls"]),
        "noise": found.noise,
        "num_val": run.num_val,
        "num_val_assumed": run.num_val_assumed,
        "explained_by_images": found.explained,
        "epochs": (first, judged.late_epochs[1]),
    }
    rhythm = f" every {round(length)} epochs" if regular else ""
    known = (
        f"; {run.num_val} images{_assumed(run)} explain ±{points(2 * found.noise)}"
        if found.noise is not None
        else "; validation size unknown"
    )
    unsure = ", so this set cannot tell whether that is the model" if found.explained else ""
    return Flag(
        "oscillating",
        "low" if found.explained else grade(swing, medium=0.03, high=0.1),
        evidence,
        "Lower the learning rate or decay it, lower bn_momentum or use precise_bn, validate on every image each epoch "
        "(validation_windows: all) and train on every image each epoch (sampling: every_image).",
        f"validation accuracy swings by {points(swing)}{rhythm} from epoch {first} to {judged.late_epochs[1]}{known}{unsure}",
        RULE.probability(found.figures) if found.seen else None,
        RULE.ahead(found.figures, "went on to swing") if found.seen else None,
    )


def swing_size(run: RunCurves) -> float:
    """Median peak-to-peak swing of the second half, swings below half of the median step left out."""
    late = run.late
    smallest = median(np.abs(np.diff(late))) / 2.0
    turns = turning_points(late, max(smallest, 1e-9))
    heights = np.abs(np.diff(late[turns]))
    return median(heights) if heights.size else float(np.ptp(late))


OSCILLATING = FlagKind("oscillating", find_oscillating, "swing again and again by more than steady curves on the same images do")
NOISY_VALIDATION = FlagKind("noisy_validation", find_noisy_validation, "swing by an amount that so few validation images may explain")
