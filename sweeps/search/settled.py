"""Whether any configuration can credibly hold more than the best one found: the reason to end a search early.

A Gaussian process is fitted to what the finished trials hold. With ``ucb`` and ``lcb`` the mean plus and minus ``sqrt(beta)`` standard deviations of what it
believes a configuration holds (without the noise of a single training), the possible gain is the largest ``ucb`` over the space less the largest ``lcb`` over the
finished trials. The search is settled when the possible gain is below what one would not search for: by default the standard error of the best figure on this
validation set, which no further trial could tell from luck.

Source: Makarova et al., "Automatic Termination for Hyperparameter Optimization" (AutoML 2022), eq. 2 to 4, with their beta (delta = .1, divided by 5 after Srinivas et
al. 2010). Optuna's ``RegretBoundEvaluator`` is the same rule; it needs PyTorch, and sees Optuna's own trials rather than this project's view of them.

What it does not prove: that the global optimum was found. The bound is that of the fitted model; a narrow peak far from every trial is beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sweeps.search.samplers.fixed_points import random_point
from sweeps.search.samplers.gaussian_process import LARGEST_FIT, encoded, fitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from search_spaces.space import SearchSpace
    from sweeps.search.view import SeenTrial

LEAST_TRIALS = 20
"""Complete trials before the rule is asked (Optuna's default as well)."""
CANDIDATES = 2048
_DELTA = 0.1
_SCALE = 5.0


@dataclass(frozen=True)
class PossibleGain:
    """How much more an untried configuration may hold.

    Attributes:
        gain: upper bound, in the metric's units, at least 0.
        best: the best figure so far.
        trials: complete trials that the bound rests on.
    """

    gain: float
    best: float
    trials: int


def possible_gain(space: SearchSpace, trials: Sequence[SeenTrial], *, maximize: bool, seed: int) -> PossibleGain | None:
    """The possible gain over the best of `trials`, or None while there are fewer than 20 complete ones or nothing to vary.

    Pruned trials enter with the median of the complete ones: they ranked low at equal epochs and would at best have been mediocre.
    Shorter trainings of another study do not enter.

    Args:
        space: where configurations may lie.
        trials: search trials, one a configuration.
        maximize: whether more is better.
        seed: of the candidates; the same trials and seed give the same answer.
    """
    sign = 1.0 if maximize else -1.0
    complete = [trial for trial in trials if trial.state == "COMPLETE" and trial.score is not None and np.isfinite(trial.score)]
    if len(complete) < LEAST_TRIALS or not space.parameters:
        return None
    scores = [float(trial.score) for trial in complete if trial.score is not None]
    middle = float(np.median(scores))
    known = sorted(complete, key=lambda trial: -sign * (trial.score or 0.0))[:LARGEST_FIT]
    pruned = [replace(trial, score=middle) for trial in trials if trial.state == "PRUNED" and not trial.shorter and trial.score is not None]
    known += pruned[: LARGEST_FIT - len(known)]
    points = np.asarray([encoded(space, trial.point) for trial in known])
    model = fitted(points, sign * np.asarray([trial.score for trial in known]))
    generator = np.random.default_rng(seed)
    candidates = np.asarray([encoded(space, random_point(space, generator)) for _ in range(CANDIDATES)])
    noise = model.kernel_.get_params()["k2__noise_level"] * float(model._y_train_std) ** 2  # noqa: SLF001 - scikit-learn has no public name for its scale
    factor = float(np.sqrt(2 * np.log(points.shape[1] * len(known) ** 2 * np.pi**2 / (6 * _DELTA)) / _SCALE))

    def bounds(where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, deviation = model.predict(where, return_std=True)
        believed = factor * np.sqrt(np.maximum(deviation**2 - noise, 0.0))
        return mean - believed, mean + believed

    low, high = bounds(points)
    top = max(float(high.max()), float(bounds(candidates)[1].max()))
    return PossibleGain(max(top - float(low.max()), 0.0), sign * max(sign * score for score in scores), len(complete))


def worth_searching(best: float, num_val: int | None, within: float | None) -> float | None:
    """The gain below which a search is settled.

    Args:
        best: the best figure, a fraction in [0, 1] where `within` is None.
        num_val: validation images, or None when unknown.
        within: what the sweep file says, in the metric's units.

    Returns:
        `within`, else the binomial standard error ``sqrt(p (1 - p) / n)`` with p at least one image away from 0 and 1; None where neither is known.
    """
    if within is not None:
        return within
    if num_val is None or num_val < 1:
        return None
    share = min(max(best, 1.0 / num_val), 1.0 - 1.0 / num_val) if num_val > 1 else 0.5
    return float(np.sqrt(share * (1.0 - share) / num_val))
