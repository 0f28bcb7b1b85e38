"""Ranking the configurations of a study by what they hold."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports.flags import oscillating_by_chance, study_flags, summarise_flags
from reports.metrics import counts_images, is_fraction, limits
from reports.naming import readable_names
from reports.ranking.belief import Contender, belief
from reports.ranking.new_training import late_deviations, new_training_intervals
from reports.ranking.paired import paired_sd
from reports.ranking.ranked import COMPLETE, ORDER, RankedConfiguration, Ranking, by_exported_file, fresh_trials
from reports.ranking.recommendation import recommend
from reports.stability import stability
from reports.wording import short_ids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from reports.flags import Flag, FlagName
    from reports.ranking.belief import Belief
    from reports.ranking.ranked import ConfigurationState
    from reports.records import StudyRecord, TrialRecord
    from reports.stability import StabilityScore

    Array = NDArray[np.float64]

UNUSABLE: tuple[FlagName, ...] = ("broken_metric", "collapsed")
"""Findings that make a figure mean nothing, however high it is."""
ACCURACIES = ("val_accuracy", "val_acc")
"""Metrics that count right images, as the ledger does."""
PAIRED = 8
"""Configurations whose ledgers are read: as many as the ratio to the noise between seeds was measured with."""


@dataclass
class _Candidate:
    """A configuration while it is being ranked; scores are those of the trials that count for its figures."""

    configuration: str
    trials: list[TrialRecord]
    state: ConfigurationState
    counted: list[TrialRecord]
    scores: list[StabilityScore]
    unusable: str = ""
    expected: float | None = None
    interval: tuple[float, float] | None = None
    probability_best: float | None = None
    probability_near: float | None = None
    ties: tuple[str, ...] = ()

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
    make the figures: the search's own training was chosen for being high. Of others the complete trials do; where there are none, the running,
    pruned or failed ones: the configuration has a level at its last epoch and no stable figure, and comes below every finished one. Scores on
    fewer than five epochs are provisional and rank between. Finished configurations stand in the order of what a new training is expected to
    hold (`reports.ranking.belief`, which all their trainings enter); ties, intervals and probabilities come from the same belief. Collapsed
    ones and those with a broken metric rank below.

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
    candidates = _candidates(study.trials, scores, known)
    compared = [candidate for candidate in candidates if candidate.state == "finished" and not candidate.unusable]
    contenders = tuple(_contender(candidate, scores, sign) for candidate in compared)
    noise = _paired_sd(compared, study)
    seed_sd = _believe(compared, contenders, curves, study, noise)
    candidates.sort(key=lambda candidate: _place(candidate, sign))
    short = short_ids(candidate.configuration for candidate in candidates)
    names = readable_names([candidate.trials[0].params for candidate in candidates], study.parameters)
    ranked = tuple(
        _ranked(place + 1, candidate, study, curves, known, names=(short[candidate.configuration], name))
        for place, (candidate, name) in enumerate(zip(candidates, names, strict=True))
    )
    recommendation = recommend(ranked)
    by_chance = oscillating_by_chance(study)
    return Ranking(ranked, study.metric, study.maximize, seed_sd, scores, known, by_chance, contenders, recommendation, noise)


def _finite(curve: Array) -> Array:
    return curve[np.isfinite(curve)]


def _candidates(
    trials: Sequence[TrialRecord], scores: Mapping[int, StabilityScore | None], flags: Mapping[int, tuple[Flag, ...]]
) -> list[_Candidate]:
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
        state = _state(group, complete, trial_scores)
        candidates.append(_Candidate(configuration, group, state, counted, trial_scores, _unusable(counted, flags)))
    return candidates


def _state(group: Sequence[TrialRecord], complete: Sequence[TrialRecord], scores: Sequence[StabilityScore]) -> ConfigurationState:
    states = {trial.state for trial in group}
    if complete:
        return "provisional" if all(score.provisional for score in scores) else "finished"
    if states & {"RUNNING", "WAITING"}:
        return "unfinished"
    if any(trial.infeasible for trial in group):
        return "infeasible"
    return "pruned" if "PRUNED" in states else "failed"


def _unusable(counted: Sequence[TrialRecord], flags: Mapping[int, tuple[Flag, ...]]) -> str:
    """The finding that at least half of its trainings share and that makes their figures mean nothing; empty where there is none."""
    names = [{*trial.flags, *(flag.name for flag in flags.get(trial.number, ()))} for trial in counted]
    return next((name for name in UNUSABLE if counted and 2 * sum(name in each for each in names) >= len(names)), "")


def _contender(candidate: _Candidate, scores: Mapping[int, StabilityScore | None], sign: float) -> Contender:
    """A configuration's figures by seed: trials that share a seed are one training and are averaged."""
    seeds: dict[tuple[bool, int], list[float]] = defaultdict(list)
    for trial in candidate.trials:
        score = scores.get(trial.number)
        if trial.state == "COMPLETE" and score is not None and not score.provisional:
            seeds[trial.role == "confirmation", trial.seed].append(sign * score.stable)
    figures = {fresh: tuple(sum(each) / len(each) for (role, _), each in seeds.items() if role is fresh) for fresh in (False, True)}
    confirmations = [trial.state for trial in candidate.trials if trial.role == "confirmation"]
    pending = sum(state in {"RUNNING", "WAITING"} for state in confirmations)
    fruitless = sum(state in {"FAIL", "PRUNED"} for state in confirmations)  # one that a person stopped is as good as failed
    return Contender(candidate.configuration, figures[False], figures[True], pending, fruitless)


def _paired_sd(compared: Sequence[_Candidate], study: StudyRecord) -> float | None:
    """Noise of a figure by the ledgers of one training each of the configurations that did best; None where there are none."""
    if study.metric not in ACCURACIES:
        return None
    best = sorted(compared, key=lambda candidate: -(_mean([score.stable for score in candidate.scores]) or 0.0))[:PAIRED]
    first = [next(trial.number for trial in candidate.trials if trial.state == "COMPLETE") for candidate in best]
    return paired_sd(list(study.ledgers.read(first).values()))


def _believe(
    compared: Sequence[_Candidate], contenders: tuple[Contender, ...], curves: Mapping[int, Array], study: StudyRecord, noise: float | None
) -> float | None:
    """Fill in what the belief says about each candidate; return the standard deviation between seeds."""
    for candidate in compared:
        candidate.expected = _mean([score.stable for score in candidate.scores])
    known = belief(
        contenders, num_val=study.num_val if counts_images(study.metric) else None, share=is_fraction(study.metric), paired_sd=noise
    )
    if known is None or not known.measured:
        return None
    sign = 1.0 if study.maximize else -1.0
    several = any(len(each.figures) > 1 for each in contenders)
    tied = [known.configurations[place] for place in known.may_be_best]
    for i, candidate in enumerate(compared):
        candidate.expected = sign * float(known.mean[i])
        candidate.probability_best, candidate.probability_near = float(known.probability_best[i]), float(known.probability_near[i])
        if candidate.configuration in tied:
            candidate.ties = _nearest_first(tied, tied.index(candidate.configuration))
    if several:
        _find_intervals(compared, known, curves, bounds=limits(study.metric))
    return known.seed_sd if several else None


def _nearest_first(tied: Sequence[str], place: int) -> tuple[str, ...]:
    """The others of a tie, given by rank, by their distance to one of them."""
    return tuple(tied[i] for i in sorted(range(len(tied)), key=lambda i: (abs(i - place), i)) if i != place)


def _find_intervals(compared: Sequence[_Candidate], known: Belief, curves: Mapping[int, Array], *, bounds: tuple[float, float]) -> None:
    """Fill in the interval for a new training of each candidate, within what the metric can be; those with as many late epochs are done together."""
    alike: dict[int, list[tuple[int, Array, Array]]] = defaultdict(list)
    for i, candidate in enumerate(compared):
        runs = [_finite(curves[trial.number]) for trial in candidate.counted]
        deviations, weights = late_deviations(runs, [score.stable for score in candidate.scores])
        alike[deviations.size].append((i, deviations, weights))
    for group in alike.values():
        places = [i for i, _, _ in group]
        deviations, weights = np.stack([each for _, each, _ in group]), np.stack([each for _, _, each in group])
        sd = np.hypot(known.seed_sd, known.sd[places])
        centre = np.array([compared[i].expected for i in places], dtype=np.float64)
        ends = new_training_intervals(centre, sd, round(known.seed_freedom), deviations, weights)
        for i, (low, high) in zip(places, ends.tolist(), strict=True):
            compared[i].interval = max(low, bounds[0]), min(high, bounds[1])


def _place(candidate: _Candidate, sign: float) -> tuple[float, float, float, str]:
    """Where a candidate stands: usable finished ones by what is expected of them, then provisional, unusable and unfinished ones."""
    state = ORDER.index(candidate.state)
    own = _mean([score.stable if candidate.complete else score.level for score in candidate.scores])
    figure = own if candidate.expected is None else candidate.expected
    if figure is None or own is None:
        return len(ORDER), float(state), 0.0, candidate.configuration
    return (1.5 if candidate.unusable and candidate.complete else state), -sign * figure, -sign * own, candidate.configuration


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
    names: tuple[str, str],
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
        short=names[0],
        params=candidate.trials[0].params,
        trials=tuple(sorted(candidate.trials, key=lambda trial: trial.number)),
        state=candidate.state,
        stable=stable,
        expected=(stable if candidate.expected is None else candidate.expected) if candidate.complete else None,
        stable_interval=candidate.interval,
        level=centre,
        best=sign * max(bests) if bests else None,
        best_epoch=best_epoch,
        last=_mean([float(sign * _finite(run)[-1]) for run in runs]),
        spread=abs(centre - stable) if centre is not None and stable is not None else None,
        seeds=seeds,
        epochs=max((trial.num_epochs for trial in candidate.trials), default=0),
        tied_with=candidate.ties,
        confirmed=candidate.confirmed or (study.kind == "logs" and seeds > 1),
        provisional=bool(candidate.scores) and all(score.provisional for score in candidate.scores),
        flags=summarise_flags({trial.number: flags.get(trial.number, ()) for trial in candidate.counted}),
        exported_by=files[0] if files else None,
        probability_best=candidate.probability_best,
        probability_near=candidate.probability_near,
        unusable=candidate.unusable,
        name=names[1],
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
