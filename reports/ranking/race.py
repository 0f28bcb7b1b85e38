"""Confirmation as a race: where the next fresh training goes, when the race is decided, and what knowing more would cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from reports.ranking.belief import belief, near_margin, normal_distribution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reports.ranking.belief import Belief, Contender

    Array = NDArray[np.float64]

OUT = 0.05
"""A configuration that is better than the leader with less probability than this is out: it is not trained again."""
DECIDED = 0.95
"""Probability of choosing right from which the race is over."""
FARTHEST = 200
"""Trainings beyond which nobody wants to know the number."""
SHARE = 0.75
"""Of the futures that the belief allows for: where so many are decided, half of all real races are (`benchmarks/race.py --price`): a future
holds the spreads fixed that a race still has to learn."""
FUTURES, CHECKS = 64, 256
MOST_RUNNERS = 24


def decided(known: Belief) -> bool:
    """Whether one configuration is within half a point of the best with 95 %: no other choice would gain more than that."""
    return float(known.probability_near.max()) >= DECIDED


def next_contender(
    contenders: Sequence[Contender], *, num_val: int | None = None, share: bool = True, paired_sd: float | None = None, seed: int = 0
) -> str | None:
    """The configuration that the next fresh training goes to; None when the race is decided or nobody can run.

    It goes where it is expected to raise the figure of the configuration that would be chosen after it most (the knowledge gradient): a
    training that cannot change the choice is worth nothing. Leader against closest challenger and top-two Thompson sampling choose about as
    well (`benchmarks/race.py --policies`); this rule needs no chance. Trainings under way count as trainings, so that several at a time go to
    different configurations. Those that are out, better than the leader with less than 5 %, get none; nor does one whose fresh
    trainings failed more often than they ended.

    Args:
        contenders: finished, usable configurations.
        num_val: validation images, where known.
        share: whether figures lie in [0, 1].
        paired_sd: noise of a figure by paired comparison (`reports.ranking.Ranking.paired_sd`), where known.
        seed: of the belief's draws; the same inputs give the same answer.
    """
    known = belief(contenders, num_val=num_val, share=share, paired_sd=paired_sd, seed=seed)
    if known is None or len(contenders) == 1 or decided(known):
        return None
    place = next_place(known, contenders)
    return None if place is None else known.configurations[place]


def next_place(known: Belief, contenders: Sequence[Contender]) -> int | None:
    """Place of the contender whose training is worth most, whether or not the race is decided; None when nobody can run."""
    runners = [place for place in in_race(known) if contenders[place].failed <= len(contenders[place].fresh)]
    if not runners:
        return None
    noise = known.seed_sd**2
    variance = 1.0 / (1.0 / known.sd[runners] ** 2 + np.array([contenders[place].pending for place in runners]) / noise)
    return runners[int(_next(known.mean[runners], variance, noise))]


def in_race(known: Belief) -> list[int]:
    """Places of the leader and of all that may be better, by expected figure."""
    better = (known.draws > known.draws[:, :1]).mean(axis=0) >= OUT
    better[0] = True
    return [int(place) for place in known.drawn[better]]


def _next(mean: Array, variance: Array, noise: Array | float) -> NDArray[np.intp]:
    """Which of some runners is trained next, in each of several races: the one whose training is expected to raise the chosen one's figure most.

    Args:
        mean: expected figures, ``(..., num_runners)``.
        variance: of these expectations, ``(..., num_runners)``.
        noise: variance between seeds, ``(..., 1)``.

    Returns:
        ``(...)``.

    Source: Frazier, Powell & Dayanik, INFORMS J. Computing 21 (2009) 599, eq. 14 (the knowledge gradient of independent normals).
    """
    moves = variance / np.sqrt(variance + noise)
    best = mean.max(axis=-1, keepdims=True)
    leads = mean == best
    second = np.where(leads, -np.inf, mean).max(axis=-1, keepdims=True)
    z = -np.abs(mean - np.where(leads, np.where(np.isfinite(second), second, best), best)) / moves
    gain = moves * (z * normal_distribution(z) + np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi))
    return np.asarray(gain.argmax(axis=-1))


def trainings_to_decide(
    contenders: Sequence[Contender], *, num_val: int | None = None, share: bool = True, paired_sd: float | None = None, seed: int = 0
) -> int | None:
    """How many more fresh trainings the race will take, as likely more as fewer.

    Each future draws what is true from the belief, trains, and updates; the spreads that the belief averages over stay as that draw has them.

    Args:
        contenders: as for `next_contender`.
        num_val: as for `next_contender`.
        share: as for `next_contender`.
        paired_sd: as for `next_contender`.
        seed: of the futures.

    Returns:
        0 when the race is decided, None when it takes more than `FARTHEST`.
    """
    known = belief(contenders, num_val=num_val, share=share, paired_sd=paired_sd, seed=seed)
    if known is None or len(contenders) == 1 or decided(known):
        return 0
    runners = in_race(known)[:MOST_RUNNERS]
    columns = np.isin(known.drawn, runners)
    rng = np.random.default_rng(seed)
    rows = np.linspace(0, len(known.draws) - 1, FUTURES).astype(np.intp)
    truth, noise = known.draws[rows][:, columns], known.draw_sd[rows, None]
    mean = np.repeat(known.mean[known.drawn[columns]][None], FUTURES, axis=0)
    variance = np.repeat(known.sd[known.drawn[columns]][None] ** 2, FUTURES, axis=0)
    futures, margin, over = np.arange(FUTURES), near_margin(float(known.mean[known.leader]), share=share), np.full(FUTURES, np.inf)
    spread = rng.standard_normal((CHECKS, len(runners)))
    look = 1
    for number in range(1, FARTHEST + 1):
        chosen = _next(mean, variance, noise**2)
        figure = truth[futures, chosen] + noise[:, 0] * rng.standard_normal(FUTURES)
        gain = variance[futures, chosen] / (variance[futures, chosen] + noise[:, 0] ** 2)
        mean[futures, chosen] += gain * (figure - mean[futures, chosen])
        variance[futures, chosen] *= 1.0 - gain
        if number < look:
            continue
        look = number + max(1, number // 8)
        leader = mean.argmax(axis=1)
        drawn = mean[:, None] + np.sqrt(variance)[:, None] * spread
        near = (drawn[futures, :, leader] >= drawn.max(axis=2) - margin).mean(axis=1)
        over[(near >= DECIDED) & np.isinf(over)] = number
        if np.isfinite(over).mean() >= SHARE:
            return number
    return None
