"""What a validation set can tell apart, and what a budget is likely to end in, before anything is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reports.wording import count, points

IMAGE_VARIANCE = 0.0389
"""Variance between seeds of what a good configuration holds, times the images: which of them a training happens to get right."""
SEED_VARIANCE = 0.000196
"""The part that more images do not take away: seeds give better and worse models, 1.4 points apart in the tabular study's spaces."""
SPACES = (0.65, 1.35)
"""A space's standard deviation over what the others predict: six of the tabular study's eight lie between."""
MARGIN = 1.1
"""So that the promise holds on average over spaces whose noise is larger and smaller than predicted."""
Z = 1.6449 + 0.8416
"""One-sided level of 5 %, the level of a tie, and a power of 80 %."""
SEVERAL = 3
"""Trainings each that are named beside one."""
TIE = (3.834, 0.766, -0.323, 0.971)
"""Logarithm of a tie: constant, and its slope in the logarithms of configurations, 1 + fresh trainings, and the standard deviation between seeds."""
TIE_QUARTILES = (0.69, 1.56)
"""Half of the replayed sweeps end between these multiples of what the formula says."""
MORE_IMAGES = 4
MOST_TRAINED = 400
"""Training images of the tabular study's spaces, at most."""


@dataclass(frozen=True)
class Power:
    """What a sweep can find out. All distances are in accuracy, as fractions; all figures hold as far as a data set is like those of the tabular study.

    Attributes:
        num_val: validation images.
        num_train: training images.
        configurations: that are searched.
        fresh: fresh trainings of the confirmation, at most.
        apart: distance from which two configurations are told apart in 80 % of cases by one training each, at a level of 5 %.
        apart_range: the same where seeds vary less and more than usual.
        apart_several: the same by three trainings each.
        apart_images: what the images alone would allow with one training each, if seeds gave equally good models.
        apart_more: the distance with four times as many images.
        tie: configurations of which each may be the best, at the end: likely number.
        tie_range: half of the sweeps end between.
    """

    num_val: int
    num_train: int
    configurations: int
    fresh: int
    apart: float
    apart_range: tuple[float, float]
    apart_several: float
    apart_images: float
    apart_more: float
    tie: int
    tie_range: tuple[int, int]


def training_sd(num_val: int) -> float:
    """Standard deviation between trainings of one good configuration of what they hold on `num_val` images, as far as it can be told beforehand."""
    return math.sqrt(IMAGE_VARIANCE / num_val + SEED_VARIANCE)


def distance(num_val: int, trainings: int = 1) -> float:
    """Difference from which two configurations are told apart, by so many trainings each on the same `num_val` images."""
    return MARGIN * Z * training_sd(num_val) * math.sqrt(2.0 / trainings)


def likely_tie(num_val: int, configurations: int, fresh: int) -> tuple[int, int, int]:
    """Configurations that may be the best at the end of a sweep: first quartile, likely number, third quartile.

    Args:
        num_val: validation images, at least one.
        configurations: that are searched, at least one.
        fresh: fresh trainings, each given to where it helps most.
    """
    constant, by_number, by_fresh, by_noise = TIE
    log = constant + by_number * math.log(configurations) + by_fresh * math.log1p(fresh) + by_noise * math.log(training_sd(num_val))
    low, likely, high = (min(configurations, max(1, round(factor * math.exp(log)))) for factor in (TIE_QUARTILES[0], 1.0, TIE_QUARTILES[1]))
    return low, likely, high


def power_of(num_val: int, configurations: int, fresh: int, *, num_train: int) -> Power:
    """What a sweep of so many configurations and fresh trainings can find out on `num_val` validation images; all at least one, but `fresh`.

    Seeds are taken to vary as in the tabular study, whose spaces have 60 to 400 training images; with more than that it is not measured, and said so.
    """
    apart = distance(num_val)
    low, likely, high = likely_tie(num_val, configurations, fresh)
    return Power(
        num_val,
        num_train,
        configurations,
        fresh,
        apart,
        (SPACES[0] * apart, SPACES[1] * apart),
        distance(num_val, SEVERAL),
        Z * math.sqrt(2.0 * IMAGE_VARIANCE / num_val),
        distance(MORE_IMAGES * num_val),
        likely,
        (low, high),
    )


def power_sentences(power: Power) -> tuple[str, ...]:
    """The same in words: what is told apart, what would tell more, what the budget is likely to end in."""
    low, high = power.apart_range
    told = (
        f"{count(power.num_val, 'validation image')} tell two configurations apart that differ by {points(power.apart)} or more, with one training each "
        f"({points(low, unit=False)} to {points(high)}, as seeds vary between data sets); with {SEVERAL} trainings each by {points(power.apart_several)}"
    )
    beyond = f" with {MOST_TRAINED} training images at most, the most that was measured" if power.num_train > MOST_TRAINED else ""
    more = (
        f"the images alone would tell {points(power.apart_images)}, the rest is what seeds do{beyond}; "
        f"{MORE_IMAGES * power.num_val:,} images would tell {points(power.apart_more)}"
    )
    if power.configurations == 1:
        return told, more
    budget = f"{power.configurations:,} configurations and {count(power.fresh, 'fresh training')}"
    if power.tie_range[1] == 1:
        return told, more, f"{budget} are likely to end with one that is the best"
    between = (
        f" ({power.tie_range[0]:,} to {power.tie_range[1]:,} in half of such sweeps)" if power.tie_range[0] < power.tie_range[1] else ""
    )
    return told, more, f"{budget} are likely to end with {power.tie:,} of which each may be the best{between}"
