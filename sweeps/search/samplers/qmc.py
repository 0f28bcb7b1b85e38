"""Quasi-random points: evenly spread, whatever came before."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Literal

from sweeps.search.samplers.protocol import Answer
from sweeps.search.samplers.random_points import point_at

if TYPE_CHECKING:
    from sweeps.search.samplers.protocol import Question

_SKIPPED = 1_000_003  # a duplicate's next draw comes from far along the sequence


class QmcSampler:
    """A scrambled Sobol' or Halton sequence; proposal i is its i-th point.

    Source: Owen, "Scrambled Sobol' and Niederreiter-Xing points" (1998); `scipy.stats.qmc`.

    Args:
        sequence: ``sobol`` or ``halton``.
        scramble: False gives the plain sequence, whose first Sobol' point is the corner of the space.
    """

    def __init__(self, *, sequence: Literal["sobol", "halton"] = "sobol", scramble: bool = True) -> None:
        self._sequence = sequence
        self._scramble = scramble

    def propose(self, question: Question) -> Answer:
        """The point of the sequence that belongs to the proposal."""
        from scipy.stats import qmc

        kind = qmc.Sobol if self._sequence == "sobol" else qmc.Halton
        engine = kind(d=len(question.space.parameters), scramble=self._scramble, rng=question.study_seed)
        skipped = (question.proposal + question.draw * _SKIPPED) % (1 << 29)
        if skipped:
            engine.fast_forward(skipped)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # one point at a time is no power of 2
            units = engine.random(1)[0]
        return Answer(point_at(question.space, dict(zip(question.space.parameters, units.tolist(), strict=True))))
