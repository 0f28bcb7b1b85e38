"""Bayesian optimisation with a Gaussian process, for small studies of few parameters."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from sweeps.search.samplers import Answer, require_positive
from sweeps.search.samplers.fixed_points import random_point
from sweeps.search.view import pruned_below

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from sklearn.gaussian_process import GaussianProcessRegressor

    from search_spaces.conditions import PointValue
    from search_spaces.parameters import Scale
    from search_spaces.space import SearchSpace
    from sweeps.search.samplers import Question
    from sweeps.search.view import SeenTrial

LARGEST_FIT = 300  # fitting costs the cube of the trials
_FIT_STEPS = 20
_NOISE = (1e-6, 1.0)  # variance of a score, in units of the scores' variance


class GaussianProcessSampler:
    """Matérn 5/2 kernel, expected improvement over the best score, maximised over random candidates and neighbours of the best.

    Running trials enter with the model's own mean there, so that parallel proposals keep apart ("kriging believer").
    Sources: Rasmussen & Williams 2006, eq. 4.17; Jones et al. 1998, eq. 15; Ginsbourger et al. 2010, section 4.

    Args:
        n_startup_trials: random points before the first fit.
        n_candidates: points among which the improvement is maximised.
    """

    def __init__(self, *, n_startup_trials: int = 10, n_candidates: int = 1_000) -> None:
        require_positive(n_startup_trials=n_startup_trials, n_candidates=n_candidates)
        self._n_startup_trials = n_startup_trials
        self._n_candidates = n_candidates

    def propose(self, question: Question) -> Answer:
        """The candidate with the largest expected improvement."""
        generator = np.random.default_rng(question.seed)
        space = question.space
        trials = pruned_below("median", question.trials, maximize=question.maximize)
        scored = [trial for trial in trials if _is_scored(trial)][-LARGEST_FIT:]
        if len(scored) < self._n_startup_trials:
            return Answer(random_point(space, generator))
        running = [trial for trial in question.trials if trial.state == "RUNNING"]
        sign = 1.0 if question.maximize else -1.0
        points = np.asarray([encoded(space, trial.point) for trial in scored])
        scores = sign * np.asarray([trial.score for trial in scored])
        best = scored[int(np.argmax(scores))].point
        candidates = [random_point(space, generator) for _ in range(self._n_candidates)]
        candidates += [_neighbour(space, best, generator) for _ in range(self._n_candidates // 4)]
        improvement = _expected_improvement(
            points,
            scores,
            np.asarray([encoded(space, trial.point) for trial in running]).reshape(-1, points.shape[1]),
            np.asarray([encoded(space, candidate) for candidate in candidates]),
        )
        return Answer(candidates[int(np.argmax(improvement))])


def _is_scored(trial: SeenTrial) -> bool:
    """Whether the model may learn from it: imported trials of shorter trainings would draw it down."""
    return trial.state != "RUNNING" and not trial.shorter and trial.score is not None and bool(np.isfinite(trial.score))


def encoded(space: SearchSpace, point: Mapping[str, PointValue]) -> list[float]:
    """A point as numbers in [0, 1]: a share of the range, one-hot for choices; an inactive parameter lies in the middle."""
    numbers: list[float] = []
    for name, parameter in space.parameters.items():
        scale = parameter.scale
        if scale is None:
            numbers += [float(name in point and label == point[name]) for label in parameter.labels]
        else:
            numbers.append(_share(scale, float(parameter.to_scale(point[name]))) if name in point else 0.5)
    return numbers


def _share(scale: Scale, place: float) -> float:
    """Where `place` lies on its scale, in [0, 1]."""
    low, high = float(scale.low), float(scale.high)
    if scale.log:
        low, high, place = float(np.log(low)), float(np.log(high)), float(np.log(place))
    return 0.5 if high == low else (place - low) / (high - low)


def _neighbour(space: SearchSpace, point: Mapping[str, PointValue], generator: np.random.Generator) -> dict[str, PointValue]:
    """`point` with one active parameter drawn anew."""
    changed = list(point)[int(generator.integers(len(point)))]
    return random_point(space, generator, {name: value for name, value in point.items() if name != changed})


def _few_steps(
    objective: Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]], start: NDArray[np.float64], bounds: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Fit the kernel in a few steps: its exact optimum is not worth seconds of a proposal."""
    from scipy.optimize import fmin_l_bfgs_b

    theta, value, _ = fmin_l_bfgs_b(objective, start, bounds=[(float(low), float(high)) for low, high in bounds], maxiter=_FIT_STEPS)
    return np.asarray(theta, dtype=np.float64), float(value)


def fitted(points: NDArray[np.float64], scores: NDArray[np.float64]) -> GaussianProcessRegressor:
    """A Gaussian process with a Matérn 5/2 kernel and noise, fitted to scores.

    Args:
        points: encoded trials, shape ``(num_trials, num_numbers)``.
        scores: more is better, shape ``(num_trials,)``.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern, WhiteKernel

    kernel = Matern(length_scale=np.full(points.shape[1], 0.5), length_scale_bounds=(0.05, 20.0), nu=2.5) + WhiteKernel(0.05, _NOISE)
    model = GaussianProcessRegressor(kernel, normalize_y=True, optimizer=_few_steps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(points, scores)


def _expected_improvement(
    points: NDArray[np.float64], scores: NDArray[np.float64], running: NDArray[np.float64], candidates: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Expected improvement of each candidate, shape ``(num_candidates,)``.

    Args:
        points: encoded trials, shape ``(num_trials, num_numbers)``.
        scores: more is better, shape ``(num_trials,)``.
        running: encoded running trials, shape ``(num_running, num_numbers)``.
        candidates: shape ``(num_candidates, num_numbers)``.
    """
    from scipy.stats import norm
    from sklearn.gaussian_process import GaussianProcessRegressor

    model = fitted(points, scores)
    if len(running):
        believed = GaussianProcessRegressor(model.kernel_, normalize_y=True, optimizer=None)
        model = believed.fit(np.vstack([points, running]), np.concatenate([scores, model.predict(running)]))
    mean, deviation = model.predict(candidates, return_std=True)
    gain = mean - model.predict(points).max()
    deviation = np.maximum(deviation, 1e-12)
    improvement: NDArray[np.float64] = gain * norm.cdf(gain / deviation) + deviation * norm.pdf(gain / deviation)
    return improvement
