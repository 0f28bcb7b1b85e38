"""Ranking the configurations of a study by what they hold."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports.flags import oscillating_by_chance, study_flags, summarise_flags
from reports.ranking.new_training import TIME_CONSTANT_EPOCHS, Shrunken, late_deviations, new_training_interval, shrink
from reports.ranking.ranked import RankedConfiguration, Ranking, by_exported_file, fresh_trials
from reports.stability import smoothed_level, stability
from reports.wording import short_ids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from reports.flags import Flag
    from reports.ranking.ranked import ConfigurationState
    from reports.records import StudyRecord, TrialRecord
    from reports.stability import StabilityScore

    Array = NDArray[np.float64]

ORDER: tuple[ConfigurationState, ...] = ("finished", "provisional", "unfinished", "pruned", "failed")
COMPLETE: tuple[ConfigurationState, ...] = ("finished", "provisional")
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
    doubt: float = 0.0
    interval: tuple[float, float] | None = None

    @property
    def complete(self) -> bool:
        """Whether a training of it came to its end: only then it holds anything."""
        return self.state in COMPLETE

    @property
    def confirmed(self) -> bool:
        """Whether its figures rest on fresh seeds."""
        return bool(fresh_trials(self.counted))


def rank(
    study: StudyRecord,
    *,
    flags: Mapping[int, tuple[Flag, ...]] | None = None,
    scores: Mapping[int, StabilityScore | None] | None = None,
) -> Ranking:
    """Rank the configurations of a study.

    Trials of one configuration are pooled: figures are means over its seeds. Of a confirmed configuration the completed confirmations alone
    count: the search's own training was chosen for being high. Of others the complete trials count; where there are none, the running,
    pruned or failed ones do: the configuration has a level at its last epoch and no stable figure, and comes below every finished one.
    Scores on fewer than five epochs are provisional and rank between. Among finished configurations the order follows `expected` (see
    `RankedConfiguration`), but one that was not confirmed ranks above the best confirmed one only where its lead is more than the data
    leaves in doubt.

    Args:
        study: the record.
        flags: trial number to flags, when already known (`reports.flags.find`); found here otherwise.
        scores: trial number to score, when already known; found here otherwise.
    """
    sign = 1.0 if study.maximize else -1.0
    curves = {trial.number: np.asarray(trial.curves.get(study.metric, ()), dtype=np.float64) for trial in study.trials}
    if scores is None:
        scores = {number: stability(curve, maximize=study.maximize) for number, curve in curves.items()}
    known = study_flags(study) if flags is None else flags
    candidates = _candidates(study.trials, scores)
    seed_sd = _expect(candidates, curves, sign)
    for candidate in candidates:
        candidate.doubt = candidate.expected_sd or _validation_noise(candidate, study)
    _sort(candidates, sign)
    ties = _ties(candidates, sign)
    short = short_ids(candidate.configuration for candidate in candidates)
    ranked = tuple(
        _ranked(place + 1, candidate, study, curves, known, short=short[candidate.configuration], ties=tuple(ties[place]))
        for place, candidate in enumerate(candidates)
    )
    return Ranking(ranked, study.metric, study.maximize, seed_sd, scores, known, oscillating_by_chance(study))


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
        counted = fresh_trials(complete) or complete or scored
        trial_scores = [score for trial in counted if (score := scores[trial.number]) is not None]
        candidates.append(_Candidate(configuration, group, _state(group, complete, trial_scores), counted, trial_scores))
    return candidates


def _state(group: Sequence[TrialRecord], complete: Sequence[TrialRecord], scores: Sequence[StabilityScore]) -> ConfigurationState:
    states = {trial.state for trial in group}
    if complete:
        return "provisional" if all(score.provisional for score in scores) else "finished"
    if states & {"RUNNING", "WAITING"}:
        return "unfinished"
    return "pruned" if "PRUNED" in states else "failed"


def _expect(candidates: Sequence[_Candidate], curves: Mapping[int, Array], sign: float) -> float | None:
    """Fill in `expected` and the interval of each candidate; return the standard deviation between seeds."""
    for candidate in candidates:
        candidate.expected = _mean([score.stable if candidate.complete else score.level for score in candidate.scores])
    finished = [candidate for candidate in candidates if candidate.state == "finished"]
    pairs = [pair for candidate in finished for pair in zip(candidate.counted, candidate.scores, strict=True)]
    stable = _shrunken(finished, {trial.number: score.stable for trial, score in pairs}, sign)
    if stable is None:
        return None
    centres = {trial.number: smoothed_level(_finite(curves[trial.number]), TIME_CONSTANT_EPOCHS) for trial, _ in pairs}
    late = _shrunken(finished, centres, sign)
    for i, candidate in enumerate(finished):
        candidate.expected, candidate.expected_sd = sign * float(stable.mean[i]), float(stable.sd[i])
        if late is not None:
            candidate.interval = _interval(candidate, curves, centres, sign * float(late.mean[i]), late, i)
    return stable.seed_sd


def _shrunken(finished: Sequence[_Candidate], figures: Mapping[int, float], sign: float) -> Shrunken | None:
    """Shrink a figure by trial of the finished configurations; trials that share a seed are one training and are averaged."""
    values = []
    for candidate in finished:
        seeds: dict[int, list[float]] = defaultdict(list)
        for trial in candidate.counted:
            seeds[trial.seed].append(figures[trial.number])
        values.append(sign * np.array([sum(each) / len(each) for each in seeds.values()]))
    return shrink(values)


def _interval(
    candidate: _Candidate, curves: Mapping[int, Array], centres: Mapping[int, float], mean: float, late: Shrunken, i: int
) -> tuple[float, float]:
    runs = [_finite(curves[trial.number]) for trial in candidate.counted]
    deviations, weights = late_deviations(runs, [centres[trial.number] for trial in candidate.counted])
    return new_training_interval(mean, math.hypot(late.seed_sd, float(late.sd[i])), late.seed_df, deviations, weights)


def _validation_noise(candidate: _Candidate, study: StudyRecord) -> float:
    """Standard deviation of a candidate's figure by the validation set alone; 0 where unknown."""
    if study.num_val is None or study.metric == "val_loss":
        return 0.0
    share = min(1.0, max(0.0, candidate.expected or 0.0))
    return math.sqrt(share * (1.0 - share) / study.num_val)


def _sort(candidates: list[_Candidate], sign: float) -> None:
    """Best first; a lead over the best confirmed configuration that may be luck counts only where it was confirmed itself."""
    confirmed = [c for c in candidates if c.state == "finished" and c.confirmed and c.expected is not None]
    best = max(confirmed, key=lambda c: sign * (c.expected or 0.0), default=None)

    def place(c: _Candidate) -> tuple[int, float, float, str]:
        state = ORDER.index(c.state)
        if c.expected is None:
            return len(ORDER), float(state), 0.0, c.configuration
        capped = own = sign * c.expected
        if best is not None and best.expected is not None and not c.confirmed and c.state == "finished":
            lead = own - sign * best.expected
            if 0.0 <= lead <= TIE_Z * math.hypot(c.doubt, best.doubt):
                capped = math.nextafter(sign * best.expected, -math.inf)
        return state, -capped, -own, c.configuration

    candidates.sort(key=place)


def _ties(candidates: Sequence[_Candidate], sign: float) -> list[list[str]]:
    """Per candidate with a complete training the neighbours of its state that cannot be separated from it, nearest first.

    With several seeds the difference is judged by what seeds show; with one seed only by the validation set's size, a lower bound on doubt.
    """
    expected = sign * np.array([c.expected if c.complete and c.expected is not None else np.nan for c in candidates])
    spread = np.array([c.doubt for c in candidates])
    state = np.array([ORDER.index(c.state) for c in candidates])
    ties: list[list[str]] = [[] for _ in candidates]
    for step in range(1, min(TIES_LISTED, len(candidates) - 1) + 1):
        lead = expected[:-step] - expected[step:]
        tied = (lead <= TIE_Z * np.hypot(spread[:-step], spread[step:])) & (state[:-step] == state[step:])
        for above in np.flatnonzero(tied).tolist():
            ties[above].append(candidates[above + step].configuration)
            ties[above + step].append(candidates[above].configuration)
    return ties


def _best_epoch(trial: TrialRecord, run: Array) -> int:
    """Number of the epoch at which a curve ``(num_epochs,)``, more is better, is highest."""
    return trial.epoch(int(np.where(np.isfinite(run), run, -np.inf).argmax()))


def _ranked(
    place: int,
    candidate: _Candidate,
    study: StudyRecord,
    curves: Mapping[int, Array],
    flags: Mapping[int, tuple[Flag, ...]],
    *,
    short: str,
    ties: tuple[str, ...],
) -> RankedConfiguration:
    sign = 1.0 if study.maximize else -1.0
    runs = [sign * curves[trial.number] for trial in candidate.counted]
    bests = [float(_finite(run).max()) for run in runs]
    place_of_best = int(np.argmax(bests)) if runs else 0
    best_epoch = _best_epoch(candidate.counted[place_of_best], runs[place_of_best]) if runs else None
    stable = _mean([score.stable for score in candidate.scores]) if candidate.complete else None
    centre = _mean([score.level for score in candidate.scores])
    seeds = len({trial.seed for trial in candidate.counted})
    files = by_exported_file(candidate.trials, study.metric, maximize=study.maximize)
    return RankedConfiguration(
        rank=place,
        configuration=candidate.configuration,
        short=short,
        params=candidate.trials[0].params,
        trials=tuple(sorted(candidate.trials, key=lambda trial: trial.number)),
        state=candidate.state,
        stable=stable,
        expected=candidate.expected if candidate.complete else None,
        stable_interval=candidate.interval,
        level=centre,
        best=sign * max(bests) if bests else None,
        best_epoch=best_epoch,
        last=_mean([float(sign * _finite(run)[-1]) for run in runs]),
        spread=abs(centre - stable) if centre is not None and stable is not None else None,
        seeds=seeds,
        epochs=max((trial.num_epochs for trial in candidate.trials), default=0),
        tied_with=ties,
        confirmed=candidate.confirmed or (study.kind == "logs" and seeds > 1),
        provisional=bool(candidate.scores) and all(score.provisional for score in candidate.scores),
        flags=summarise_flags({trial.number: flags.get(trial.number, ()) for trial in candidate.counted}),
        exported_by=files[0] if files else None,
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
