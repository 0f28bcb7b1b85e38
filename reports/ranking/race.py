"""Confirmation as a race: where the next fresh training goes, when the race is decided, and what knowing more would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.ranking.belief import TIE_CHANCE, belief

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.ranking.belief import Belief, Contender

DECIDED = 0.95
"""Probability of choosing right from which the race is over."""


def decided(known: Belief) -> bool:
    """Whether the leader is within half a point of the best with 95 %: any choice that is left would gain less than that."""
    return float(known.probability_near[known.leader]) >= DECIDED


def next_contender(contenders: Sequence[Contender], *, num_val: int | None = None, share: bool = True, seed: int = 0) -> str | None:
    """The configuration that the next fresh training goes to; None when the race is decided or nobody can run.

    The leader meets its closest challenger, the one that the figures can tell apart from it least; of the two the training goes to the one
    where it sharpens the comparison more. Trainings under way count as trainings, so that several at a time go to different comparisons. Those
    that are out, better than the leader with less than 5 %, get none; nor does one whose fresh trainings failed more often than they ended.

    Args:
        contenders: finished, usable configurations.
        num_val: validation images, where known.
        share: whether figures lie in [0, 1].
        seed: of the belief's draws; the same inputs give the same answer.

    Source: leader and challenger: Russo, Operations Research 68 (2020) 1625; by transportation cost, without chance: Jourdan et al., NeurIPS 2022.
    """
    known = belief(contenders, num_val=num_val, share=share, seed=seed)
    if known is None or len(contenders) == 1 or decided(known):
        return None
    running = [i for i in known.drawn.tolist() if contenders[i].failed <= len(contenders[i].fresh)]
    drawn = {place: column for column, place in enumerate(known.drawn.tolist())}
    leader = known.leader
    in_race = [i for i in running if i != leader and float((known.draws[:, drawn[i]] > known.draws[:, drawn[leader]]).mean()) >= TIE_CHANCE]
    if not in_race:
        return known.configurations[leader] if leader in running else None
    noise = known.seed_sd**2
    ahead = np.array([noise / (len(each.figures) + each.pending) for each in contenders])
    gain = ahead - np.array([noise / (len(each.figures) + each.pending + 1) for each in contenders])
    closest: int = min(in_race, key=lambda i: ((known.mean[leader] - known.mean[i]) ** 2 / (ahead[leader] + ahead[i]), i))
    if leader in running and gain[leader] >= gain[closest]:
        return known.configurations[leader]
    return known.configurations[closest]
