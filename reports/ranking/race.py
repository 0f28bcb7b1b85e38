"""Confirmation as a race: where the next fresh training goes, when the race is decided, and what knowing more would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.ranking.belief import TIE_CHANCE, belief, near_margin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reports.ranking.belief import Belief, Contender

    Array = NDArray[np.float64]

DECIDED = 0.95
"""Probability of choosing right from which the race is over."""
FARTHEST = 200
"""Trainings beyond which nobody wants to know the number."""
FUTURES, CHECKS = 64, 256
MOST_RUNNERS = 24


def decided(known: Belief) -> bool:
    """Whether one configuration is within half a point of the best with 95 %: no other choice would gain more than that."""
    return float(known.probability_near.max()) >= DECIDED


def next_contender(
    contenders: Sequence[Contender], *, num_val: int | None = None, share: bool = True, paired_sd: float | None = None, seed: int = 0
) -> str | None:
    """The configuration that the next fresh training goes to; None when the race is decided or nobody can run.

    The leader meets its closest challenger, the one that the figures can tell apart from it least; of the two the training goes to the one
    where it sharpens the comparison more. Trainings under way count as trainings, so that several at a time go to different comparisons. Those
    that are out, better than the leader with less than 5 %, get none; nor does one whose fresh trainings failed more often than they ended.

    Args:
        contenders: finished, usable configurations.
        num_val: validation images, where known.
        share: whether figures lie in [0, 1].
        paired_sd: noise of a figure by paired comparison (`reports.ranking.Ranking.paired_sd`), where known.
        seed: of the belief's draws; the same inputs give the same answer.

    Source: leader and challenger: Russo, Operations Research 68 (2020) 1625; by transportation cost, without chance: Jourdan et al., NeurIPS 2022.
    """
    known = belief(contenders, num_val=num_val, share=share, paired_sd=paired_sd, seed=seed)
    if known is None or len(contenders) == 1 or decided(known):
        return None
    runners = [place for place in in_race(known) if contenders[place].failed <= len(contenders[place].fresh)]
    if not runners:
        return None
    counts = np.array([len(contenders[place].figures) + contenders[place].pending for place in runners], dtype=np.float64)
    return known.configurations[runners[int(_next(known.mean[runners], counts))]]


def in_race(known: Belief) -> list[int]:
    """Places of the leader and of all that may be better, by expected figure."""
    better = (known.draws > known.draws[:, :1]).mean(axis=0) >= TIE_CHANCE
    better[0] = True
    return [int(place) for place in known.drawn[better]]


def _next(means: Array, counts: Array) -> NDArray[np.intp]:
    """Which of some runners is trained next, in each of several races.

    Args:
        means: expected figures, ``(..., num_runners)``.
        counts: trainings of each, those under way included, ``(..., num_runners)``.

    Returns:
        ``(...)``.
    """
    leader = means.argmax(axis=-1, keepdims=True)
    noise = 1.0 / counts
    at_leader = np.take_along_axis(noise, leader, axis=-1)
    distance = (np.take_along_axis(means, leader, axis=-1) - means) ** 2 / (at_leader + noise)
    np.put_along_axis(distance, leader, np.inf, axis=-1)
    challenger = distance.argmin(axis=-1, keepdims=True)
    fewer = np.take_along_axis(counts, challenger, axis=-1) < np.take_along_axis(counts, leader, axis=-1)
    return np.asarray(np.where(fewer, challenger, leader)[..., 0])


def trainings_to_decide(
    contenders: Sequence[Contender], *, num_val: int | None = None, share: bool = True, paired_sd: float | None = None, seed: int = 0
) -> int | None:
    """How many more fresh trainings the race will probably take: half of all futures that the belief allows for take no more.

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
    counts = np.repeat(
        np.array([len(contenders[place].figures) for place in known.drawn[columns]], dtype=np.float64)[None], FUTURES, axis=0
    )
    futures, margin, over = np.arange(FUTURES), near_margin(float(known.mean[known.leader]), share=share), np.full(FUTURES, np.inf)
    spread = rng.standard_normal((CHECKS, len(runners)))
    look = 1
    for number in range(1, FARTHEST + 1):
        chosen = _next(mean, counts)
        figure = truth[futures, chosen] + noise[:, 0] * rng.standard_normal(FUTURES)
        gain = variance[futures, chosen] / (variance[futures, chosen] + noise[:, 0] ** 2)
        mean[futures, chosen] += gain * (figure - mean[futures, chosen])
        variance[futures, chosen] *= 1.0 - gain
        counts[futures, chosen] += 1.0
        if number < look:
            continue
        look = number + max(1, number // 8)
        leader = mean.argmax(axis=1)
        drawn = mean[:, None] + np.sqrt(variance)[:, None] * spread
        near = (drawn[futures, :, leader] >= drawn.max(axis=2) - margin).mean(axis=1)
        over[(near >= DECIDED) & np.isinf(over)] = number
        if np.isfinite(over).mean() >= 0.5:  # noqa: PLR2004 - half of them
            return number
    return None
