"""Ranking the configurations of a study by what they hold."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports.flags import oscillating_by_chance, study_flags, summarise_flags
from reports.ranking.new_training import TIME_CONSTANT_EPOCHS, late_deviations, new_training_interval
from reports.ranking.ranked import RankedConfiguration, Ranking
from reports.ranking.shrinkage import Shrunken, shrink
from reports.stability import stability
from reports.stability.smoothing import smoothed_level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from reports.flags import Flag
    from reports.ranking.ranked import ConfigurationState
    from reports.records import StudyRecord, TrialRecord
    from reports.stability import StabilityScore

    Array = NDArray[np.float64]

ORDER: tuple[ConfigurationState, ...] = ("finished", "provisional", "unfinished", "pruned", "failed")
TIE_Z = 1.645
"""Two configurations are tied while the better one's lead is below this many standard deviations of the difference: 5 % one-sided."""
TIES_LISTED = 20
"""Neighbours named on either side at most."""


@dataclass
class _Candidate:
    """A configuration while it is being ranked; scores are those of the trials that count for its state."""

    configuration: str
    trials: list[TrialRecord]
    state: ConfigurationState
    counted: list[TrialRecord]
    scores: list[StabilityScore]
    expected: float | None = None
    expected_sd: float = 0.0
    interval: tuple[float, float] | None = None


def rank(study: StudyRecord, *, flags: Mapping[int, tuple[Flag, ...]] | None = None) -> Ranking:
    """Rank the configurations of a study.

    Trials of one configuration are pooled: figures are means over its seeds. A configuration's complete trials count; where it has none, its
    running, pruned or failed ones do, and it ranks below every finished one. Scores on fewer than five epochs are provisional and rank
    between. Among finished configurations the order follows `expected` (see `RankedConfiguration`).

    Args:
        study: the record.
        flags: trial number to flags, when already known (`reports.flags.study_flags`); found here otherwise.
    """
    sign = 1.0 if study.maximize else -1.0
    curves = {trial.number: _curve(trial, study.metric) for trial in study.trials}
    scores = {number: stability(curve, maximize=study.maximize) for number, curve in curves.items()}
    known = study_flags(study) if flags is None else flags
    candidates = _candidates(study.trials, scores)
    seed_sd = _expect(candidates, curves, sign)
    candidates.sort(key=lambda c: (ORDER.index(c.state), -sign * c.expected if c.expected is not None else math.inf, c.configuration))
    noise = _validation_noise(candidates, study)
    ties = _ties(candidates, noise, sign)
    ranked = tuple(_ranked(place + 1, c, curves, known, ties[place], sign) for place, c in enumerate(candidates))
    return Ranking(ranked, study.metric, study.maximize, seed_sd, seed_sd is None, scores, known, oscillating_by_chance(study))


def _curve(trial: TrialRecord, metric: str) -> Array:
    return np.asarray(trial.curves.get(metric, ()), dtype=np.float64)


def _finite(curve: Array) -> Array:
    return curve[np.isfinite(curve)]


def _candidates(trials: Sequence[TrialRecord], scores: Mapping[int, StabilityScore | None]) -> list[_Candidate]:
    """Group trials by configuration and settle which of them count."""
    groups: dict[str, list[TrialRecord]] = defaultdict(list)
    for trial in trials:
        groups[trial.configuration].append(trial)
    candidates = []
    for configuration, group in groups.items():
        scored = [trial for trial in group if scores.get(trial.number) is not None]
        complete = [trial for trial in scored if trial.state == "COMPLETE"]
        counted = complete or scored
        found = [score for trial in counted if (score := scores[trial.number]) is not None]
        candidates.append(_Candidate(configuration, group, _state(group, complete, found), counted, found))
    return candidates


def _state(group: Sequence[TrialRecord], complete: Sequence[TrialRecord], found: Sequence[StabilityScore]) -> ConfigurationState:
    states = {trial.state for trial in group}
    if complete:
        return "provisional" if all(score.provisional for score in found) else "finished"
    if states & {"RUNNING", "WAITING"}:
        return "unfinished"
    return "pruned" if "PRUNED" in states else "failed"


def _expect(candidates: Sequence[_Candidate], curves: Mapping[int, Array], sign: float) -> float | None:
    """Fill in `expected` and the interval of each candidate; return the standard deviation between seeds."""
    for candidate in candidates:
        candidate.expected = _mean([score.stable for score in candidate.scores])
    finished = [candidate for candidate in candidates if candidate.state == "finished"]
    stable = _shrunken(finished, {number: score.stable for c in finished for number, score in _numbered(c)}, sign)
    if stable is None:
        return None
    centres = {
        trial.number: smoothed_level(_finite(curves[trial.number]), TIME_CONSTANT_EPOCHS)
        for candidate in finished
        for trial in candidate.counted
    }
    late = _shrunken(finished, centres, sign)
    for i, candidate in enumerate(finished):
        candidate.expected, candidate.expected_sd = sign * float(stable.mean[i]), float(stable.sd[i])
        if late is not None:
            candidate.interval = _interval(candidate, curves, centres, sign * float(late.mean[i]), late, i)
    return stable.seed_sd


def _shrunken(finished: Sequence[_Candidate], figures: Mapping[int, float], sign: float) -> Shrunken | None:
    """Shrink a figure by trial of the finished configurations; where there are two confirmations, these alone show seed variance.

    The search trial of a confirmed configuration was chosen for being high and lies too far from its repeats.
    """
    values = [sign * _by_seed(candidate, figures) for candidate in finished]
    fresh = [sign * _by_seed(candidate, figures, role="confirmation") for candidate in finished]
    return shrink(values, [again if again.size > 1 else every for every, again in zip(values, fresh, strict=True)])


def _by_seed(candidate: _Candidate, figures: Mapping[int, float], role: str | None = None) -> Array:
    """One value a seed, of one role or all: trials that share a seed are one training and are averaged, ``(num_seeds,)``."""
    seeds: dict[int, list[float]] = defaultdict(list)
    for trial in candidate.counted:
        if role is None or trial.role == role:
            seeds[trial.seed].append(figures[trial.number])
    return np.array([sum(values) / len(values) for values in seeds.values()])


def _numbered(candidate: _Candidate) -> list[tuple[int, StabilityScore]]:
    return [(trial.number, score) for trial, score in zip(candidate.counted, candidate.scores, strict=True)]


def _interval(
    candidate: _Candidate, curves: Mapping[int, Array], centres: Mapping[int, float], mean: float, late: Shrunken, i: int
) -> tuple[float, float]:
    runs = [_finite(curves[trial.number]) for trial in candidate.counted]
    deviations, weights = late_deviations(runs, [centres[trial.number] for trial in candidate.counted])
    return new_training_interval(mean, math.hypot(late.seed_sd, float(late.sd[i])), late.seed_df, deviations, weights)


def _validation_noise(candidates: Sequence[_Candidate], study: StudyRecord) -> Array:
    """Standard deviation of each candidate's figure by the validation set alone, ``(num_candidates,)``; 0 where unknown."""
    if study.num_val is None or study.metric == "val_loss":
        return np.zeros(len(candidates))
    share = np.array([min(1.0, max(0.0, c.expected if c.expected is not None else 0.0)) for c in candidates])
    return np.sqrt(share * (1.0 - share) / study.num_val)


def _ties(candidates: Sequence[_Candidate], noise: Array, sign: float) -> list[tuple[str, ...]]:
    """Per candidate the neighbours of its state that cannot be told from it, nearest first.

    With several seeds the difference is judged by what seeds show; with one seed only by the validation set's size, a lower bound on doubt.
    """
    expected = sign * np.array([c.expected if c.expected is not None else np.nan for c in candidates])
    spread = np.array([c.expected_sd for c in candidates])
    spread = np.where(spread > 0.0, spread, noise)
    state = np.array([ORDER.index(c.state) for c in candidates])
    found: list[list[str]] = [[] for _ in candidates]
    for step in range(1, min(TIES_LISTED, len(candidates) - 1) + 1):
        lead = expected[:-step] - expected[step:]
        tied = (lead <= TIE_Z * np.hypot(spread[:-step], spread[step:])) & (state[:-step] == state[step:])
        for above in np.flatnonzero(tied).tolist():
            found[above].append(candidates[above + step].configuration)
            found[above + step].append(candidates[above].configuration)
    return [tuple(names) for names in found]


def _ranked(
    place: int,
    candidate: _Candidate,
    curves: Mapping[int, Array],
    flags: Mapping[int, tuple[Flag, ...]],
    ties: tuple[str, ...],
    sign: float,
) -> RankedConfiguration:
    runs = [sign * curves[trial.number] for trial in candidate.counted]
    bests = [float(_finite(run).max()) for run in runs]
    best_run = runs[int(np.argmax(bests))] if runs else None
    stable = _mean([score.stable for score in candidate.scores])
    centre = _mean([score.level for score in candidate.scores])
    return RankedConfiguration(
        rank=place,
        configuration=candidate.configuration,
        params=candidate.trials[0].params,
        trials=tuple(sorted(candidate.trials, key=lambda trial: trial.number)),
        state=candidate.state,
        stable=stable,
        expected=candidate.expected,
        stable_interval=candidate.interval,
        level=centre,
        best=sign * max(bests) if bests else None,
        best_epoch=int(np.where(np.isfinite(best_run), best_run, -np.inf).argmax()) + 1 if best_run is not None else None,
        last=_mean([float(sign * _finite(run)[-1]) for run in runs]),
        spread=abs(centre - stable) if centre is not None and stable is not None else None,
        seeds=len({trial.seed for trial in candidate.counted}),
        epochs=max((trial.num_epochs for trial in candidate.trials), default=0),
        tied_with=ties,
        confirmed=any(trial.role == "confirmation" and trial.state == "COMPLETE" for trial in candidate.trials),
        provisional=all(score.provisional for score in candidate.scores),
        flags=summarise_flags({trial.number: flags.get(trial.number, ()) for trial in candidate.counted}),
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
