"""What a new training of each configuration reaches, as one joint belief: order, ties, interval and probabilities all come from it.

Every configuration has a true mean; a training of it differs from that by what its seed does. The true means of the good configurations are
alike, so that the best figure of many is partly the luckiest (the winner's curse). The belief knows both spreads only as far as the data tells,
and averages over what they may be. The seed that the search chose a configuration by counts like any other: how it was chosen depends on
figures that the belief holds, so that nothing more need be corrected for (Rubin 1976; Dawid 1994).

Source: Rubin, Biometrika 63 (1976) 581; Dawid, IMS Lecture Notes 24 (1994) 211; Gelman et al., Bayesian Data Analysis (2013), ch. 5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

NEAR = 0.005
"""Half a point of accuracy: what is closer to the best than this is as good as the best."""
NEAR_SHARE = 0.01
"""The same of a figure that is no share, as a part of the best's."""
AS_LIKELY = 0.1
"""A configuration that is less than a tenth as probable to be the best as another is told apart from it. On the tabular study the best is among
those that remain in nine of ten searches, as often as their probabilities add up to (`benchmarks/race.py`)."""


@dataclass(frozen=True)
class Prior:
    """What is known of the standard deviation between seeds before any configuration has a second one, as measured on the tabular study.

    Attributes:
        ratio: to a standard deviation that the images give.
        freedom: degrees of freedom that this is worth, by how much the ratio differs between spaces.
    """

    ratio: float
    freedom: float


BY_PAIRS = Prior(1.36, 20.0)
"""To what trainings differ in which images they get right (`reports.ranking.paired`)."""
BY_NUMBER = Prior(0.75, 9.0)
"""To the binomial standard deviation, where only the number of validation images is known."""
UNKNOWN_SHARE = 0.5
"""Where the number of validation images is not known: the share of the good configurations' spread that is taken for the seed's, with one
degree of freedom."""
UNLIKE = 3.0
"""Ratio of seed variances from which the worse half is not pooled with the better."""
FEW = 6
"""Below this many configurations all of them tell how alike configurations are; from here on, the better half."""
MOST_DRAWN = 256
"""Configurations that enter the joint draws; of the others none could plausibly be the best."""
GRID = (13, 12, 13)
"""Values of the seed's spread, the configurations' spread and their centre that the belief averages over."""
MIXTURE = 256
DRAWS_EACH = 16
SMALLEST_SD = 1e-6
"""Keeps identical seeds from claiming certainty beyond single precision."""


@dataclass(frozen=True)
class Contender:
    """A finished configuration as the belief sees it; signs such that more is better.

    Attributes:
        configuration: its ID.
        search: its figure in the search, one a seed.
        fresh: its figure in each fresh training.
        pending: fresh trainings of it that are under way.
        failed: fresh trainings of it that failed, or were stopped by hand.
    """

    configuration: str
    search: tuple[float, ...]
    fresh: tuple[float, ...] = ()
    pending: int = 0
    failed: int = 0

    @property
    def figures(self) -> tuple[float, ...]:
        """Of all its trainings."""
        return self.search + self.fresh


@dataclass(frozen=True)
class Belief:
    """What new trainings of the contenders reach; all arrays are in the order of the contenders.

    Attributes:
        configurations: their IDs.
        mean: expected figure of a new training, ``(num_contenders,)``.
        sd: standard deviation of that expectation, ``(num_contenders,)``.
        probability_best: that no other reaches more on average, ``(num_contenders,)``, summing to 1.
        probability_near: that it is within `NEAR` of the best, ``(num_contenders,)``.
        seed_sd: standard deviation between trainings of one configuration, the scale of a Student distribution.
        seed_freedom: degrees of freedom behind it.
        measured: whether that rests on second seeds, or on what validation images tell; else it is a guess by the figures' own spread.
        drawn: places of the contenders that could plausibly be the best, ``(num_drawn,)``, by expected figure.
        draws: joint draws of their true means, ``(num_draws, num_drawn)``.
        draw_sd: standard deviation between seeds in each draw, ``(num_draws,)``.
    """

    configurations: tuple[str, ...]
    mean: Array
    sd: Array
    probability_best: Array
    probability_near: Array
    seed_sd: float
    seed_freedom: float
    measured: bool
    drawn: NDArray[np.intp] = field(repr=False)
    draws: Array = field(repr=False)
    draw_sd: Array = field(repr=False)

    @property
    def leader(self) -> int:
        """Place of the contender that is expected to reach most."""
        return int(self.drawn[0])

    @property
    def may_be_best(self) -> list[int]:
        """Places of the leader and of all that are at least `AS_LIKELY` times as probable to be the best as the most probable one, by mean."""
        likely = self.probability_best[self.drawn] >= AS_LIKELY * self.probability_best.max()
        likely[0] = True
        return [int(place) for place in self.drawn[likely]]

    def place(self, configuration: str) -> int:
        """Place of a contender by its ID."""
        return self.configurations.index(configuration)


def belief(
    contenders: Sequence[Contender], *, num_val: int | None = None, share: bool = True, paired_sd: float | None = None, seed: int = 0
) -> Belief | None:
    """Form the belief about the contenders; None without any.

    Args:
        contenders: finished configurations, each with at least one figure.
        num_val: validation images, where known.
        share: whether figures lie in [0, 1], as accuracies do.
        paired_sd: noise of a figure by paired comparison of the leaders' trainings on the same images, where on record.
        seed: of the draws; the same inputs give the same belief.
    """
    if not contenders:
        return None
    means = np.array([sum(each.figures) / len(each.figures) for each in contenders])
    counts = np.array([len(each.figures) for each in contenders], dtype=np.float64)
    good = means >= np.median(means) if len(contenders) >= FEW else np.ones(len(contenders), dtype=np.bool_)
    variance, freedom = _seed_variance(contenders, means, good, _prior(means[good], num_val, share=share, paired_sd=paired_sd))
    rng = np.random.default_rng(seed)
    spreads = _mixture(means, counts, good, variance, freedom, rng)
    expected, deviation = _moments(means, counts, spreads)
    drawn = _plausible(expected, deviation)
    draws = _draws(means[drawn], counts[drawn], spreads, rng)
    best, near = np.zeros(len(contenders)), np.zeros(len(contenders))
    best[drawn] = np.bincount(draws.argmax(axis=1), minlength=drawn.size) / draws.shape[0]
    near[drawn] = (draws >= draws.max(axis=1, keepdims=True) - near_margin(float(expected[drawn[0]]), share=share)).mean(axis=0)
    return Belief(
        tuple(each.configuration for each in contenders),
        expected,
        deviation,
        best,
        near,
        1.0 / math.sqrt(float((1.0 / spreads[:, 0] ** 2).mean())),
        freedom,
        bool(counts.max() > 1.0 or (share and (num_val or paired_sd))),
        drawn,
        draws,
        np.repeat(spreads[:, 0], DRAWS_EACH),
    )


def near_margin(best: float, *, share: bool) -> float:
    """What still counts as near the best, in the metric's unit."""
    return NEAR if share else NEAR_SHARE * abs(best)


def _prior(good: Array, num_val: int | None, *, share: bool, paired_sd: float | None) -> tuple[float, float]:
    """Expected variance between seeds and the degrees of freedom that this is worth, before any second seed.

    Args:
        good: figures of the good configurations, ``(num_good,)``.
        num_val: as for `belief`, as are the others.
        share: as for `belief`.
        paired_sd: as for `belief`.
    """
    middle = float(np.median(good))
    if share and paired_sd:
        return (BY_PAIRS.ratio * paired_sd) ** 2, BY_PAIRS.freedom
    if share and num_val:
        level = min(max(middle, 0.5 / num_val), 1.0 - 0.5 / num_val)
        return BY_NUMBER.ratio**2 * level * (1.0 - level) / num_val, BY_NUMBER.freedom
    spread = float(good.std()) or 0.02 * (abs(middle) or 1.0)
    return (UNKNOWN_SHARE * spread) ** 2, 1.0


def _seed_variance(
    contenders: Sequence[Contender], means: Array, good: NDArray[np.bool_], prior: tuple[float, float]
) -> tuple[float, float]:
    """Variance between seeds and its degrees of freedom: prior and data, scaled inverse chi-squared.

    Configurations below the middle take part unless their seeds differ `UNLIKE` times more: runs that fail on some seeds say nothing about
    those that do not.
    """
    squares, freedom = np.zeros(2), np.zeros(2)
    for each, mean, is_good in zip(contenders, means.tolist(), good.tolist(), strict=True):
        if len(each.figures) > 1:
            squares[int(is_good)] += sum((figure - mean) ** 2 for figure in each.figures)
            freedom[int(is_good)] += len(each.figures) - 1.0
    squares[1] += prior[0] * prior[1]
    freedom[1] += prior[1]
    if squares[0] * freedom[1] <= UNLIKE * squares[1] * freedom[0]:
        squares[1], freedom[1] = squares.sum(), freedom.sum()
    return max(float(squares[1] / freedom[1]), SMALLEST_SD**2), float(freedom[1])


def _mixture(means: Array, counts: Array, good: NDArray[np.bool_], variance: float, freedom: float, rng: np.random.Generator) -> Array:
    """Draws of seed sd, configurations' sd and their centre from what the data leaves open, ``(MIXTURE, 3)``.

    The better half alone tells how alike configurations are; of the others it counts only that they are below (Tobin's censoring): a search
    always holds configurations that failed, and their distance must not make the leaders' differences look certain.

    Source: Tobin, Econometrica 26 (1958) 24.
    """
    if means.size == 1:  # no other to be drawn towards
        between = np.full(MIXTURE, 1e3 * math.sqrt(variance))
        return np.column_stack([np.sqrt(_inverse_chi_squared(variance, freedom, rng)), between, np.full(MIXTURE, means[0])])
    cut = float(means[good].min())
    scale = max(math.sqrt(float(((means[good] - cut) ** 2).mean())), math.sqrt(variance) / 4.0)
    seed_sd = math.sqrt(variance) * np.exp(np.linspace(-3.0, 3.0, GRID[0]) / math.sqrt(2.0 * freedom))
    between = scale * np.exp(np.linspace(-3.0, 1.0, GRID[1]))
    low, high = (-3.0, 1.5) if not good.all() else (-1.0, 2.0)
    centre = cut + scale * np.linspace(low, high, GRID[2])
    s, b, m = (each.ravel() for each in np.meshgrid(seed_sd, between, centre, indexing="ij"))
    log = -(freedom) * np.log(s) - freedom * variance / (2.0 * s**2)  # scaled inverse chi-squared, in log s
    log += np.log(b)  # flat in the standard deviation (Gelman 2006), on a grid of its logarithm
    for number in np.unique(counts[good]):
        values = means[good & (counts == number)]
        total = s**2 / number + b**2
        squares = ((values - values.mean()) ** 2).sum() + values.size * (values.mean() - m) ** 2
        log -= 0.5 * (values.size * np.log(total) + squares / total)
    for number, times in zip(*np.unique(counts[~good], return_counts=True), strict=True):
        log += times * _log_normal_distribution((cut - m) / np.sqrt(s**2 / number + b**2))
    probability = np.exp(log - log.max())
    places = np.searchsorted(np.cumsum(probability) / probability.sum(), (np.arange(MIXTURE) + rng.random()) / MIXTURE)
    places = np.minimum(places, s.size - 1)
    return np.column_stack([s[places], b[places], m[places]])


def _inverse_chi_squared(variance: float, freedom: float, rng: np.random.Generator) -> Array:
    return variance * freedom / rng.chisquare(freedom, MIXTURE)


def normal_distribution(z: Array) -> Array:
    """Φ(z), to seven decimals.

    Source: Abramowitz & Stegun, Handbook of Mathematical Functions (1964), 7.1.26.
    """
    x = np.abs(z) / math.sqrt(2.0)
    t = 1.0 / (1.0 + 0.3275911 * x)
    tail = 0.5 * np.exp(-(x**2)) * t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.where(z > 0.0, 1.0 - tail, tail)


def _log_normal_distribution(z: Array) -> Array:
    """Logarithm of Φ(z); its asymptote where Φ is too small to be known by decimals."""
    far = -0.5 * z**2 - np.log(np.maximum(np.abs(z), 1.0)) - 0.5 * math.log(2.0 * math.pi)
    return np.where(z < _ASYMPTOTE, far, np.log(np.maximum(normal_distribution(z), 1e-300)))


_ASYMPTOTE = -5.0


def _moments(means: Array, counts: Array, spreads: Array) -> tuple[Array, Array]:
    """Expected true mean of each configuration, and the standard deviation of that."""
    first, second = np.zeros(means.size), np.zeros(means.size)
    parts = max(1, means.size * len(spreads) // _AT_A_TIME)
    for part in np.array_split(spreads, parts):
        s, b, m = (part[:, i, None] for i in range(3))
        noise = s**2 / counts
        kept = b**2 / (b**2 + noise)
        centre = m + kept * (means - m)
        first += centre.sum(axis=0)
        second += (centre**2 + kept * noise).sum(axis=0)
    first /= len(spreads)
    return first, np.sqrt(np.maximum(second / len(spreads) - first**2, SMALLEST_SD**2))


_AT_A_TIME = 100_000


def _plausible(expected: Array, deviation: Array) -> NDArray[np.intp]:
    """Places of those that could be the best, by expected figure."""
    order = np.argsort(-expected, kind="stable")
    leader = order[0]
    reach = expected + 5.0 * np.hypot(deviation, deviation[leader])
    return np.asarray(order[reach[order] >= expected[leader]][:MOST_DRAWN])


def _draws(means: Array, counts: Array, spreads: Array, rng: np.random.Generator) -> Array:
    """Joint draws of true means, ``(MIXTURE * DRAWS_EACH, num_drawn)``."""
    s, b, m = (spreads[:, i, None] for i in range(3))
    noise = s**2 / counts
    kept = b**2 / (b**2 + noise)
    centre, deviation = m + kept * (means - m), np.sqrt(kept * noise)
    z = rng.standard_normal((MIXTURE, DRAWS_EACH, means.size))
    return (centre[:, None] + deviation[:, None] * z).reshape(MIXTURE * DRAWS_EACH, means.size)
