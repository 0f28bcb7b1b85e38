"""The ranking of a study as data: which trainings of a configuration count, and whose exported file stands for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Literal

from reports.folds import by_fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reports.flags import Flag, FlagSummary
    from reports.ranking.belief import Contender
    from reports.records import ParameterValue, TrialRecord, TrialState
    from reports.stability import StabilityScore


RecommendationReason = Literal["only", "near", "time", "parameters"]
ConfigurationState = Literal["finished", "provisional", "unfinished", "pruned", "infeasible", "failed"]
ORDER: tuple[ConfigurationState, ...] = ("finished", "provisional", "unfinished", "pruned", "infeasible", "failed")
COMPLETE = ORDER[:2]
"""States of configurations with a complete training: only they hold anything."""
BEST_STATE: tuple[TrialState, ...] = ("COMPLETE", "RUNNING", "PRUNED", "WAITING", "FAIL")


@dataclass(frozen=True, repr=False)
class RankedConfiguration:
    """One configuration in its place.

    Attributes:
        rank: counted from 1; configurations without a complete training come after all others.
        short: shortest prefix of the ID (at least 6 characters) that is unique in the study; for logs the run's name.
        name: its settings that vary in a few words, to stand beside `short`; empty where nothing is on record.
        params: searched parameters that are active.
        trials: its trials by number, confirmations and failures included.
        state: ``finished``; ``provisional`` when scored on fewer than five epochs; ``unfinished`` while none of its trials has ended;
            ``pruned``; ``infeasible`` when a limit refused its network before an epoch; ``failed``. Finished ones come first, whatever the scores.
        stable: stable accuracy, mean over the seeds that count: of a confirmed configuration the fresh ones alone. None while no training of it
            has come to its end: a running or pruned one has a `level` at its last epoch and holds nothing yet.
        expected: what a new training is expected to hold: the figures of all its trainings drawn towards the other configurations as far as
            they may be luck (`reports.ranking.belief`); the order follows it. Equals `stable` for a provisional one, and where nothing is
            known of noise; None where `stable` is.
        stable_interval: 95 % interval for the validation accuracy of a *new training* of this configuration stopped at a random late epoch,
            on this validation set; None while every configuration has one seed ("this run only").
        level: centre of the late epochs, mean over seeds; None when no epoch is on record. So are `best` and `last`.
        best: value of the best epoch of any of its trials.
        best_epoch: that epoch, as the trial counts.
        last: last epoch's value, mean over seeds.
        spread: |level - stable|; None where `stable` is.
        seeds: seeds that entered the figures.
        epochs: epochs on record of its longest trial.
        tied_with: of one that may be the best: IDs of the others that may be, nearest first (`reports.ranking.belief.Belief.may_be_best`).
        confirmed: whether the figures rest on fresh seeds, or, of logs, on more than one run.
        provisional: scored on fewer than five epochs.
        flags: its flags, summarised over trials.
        exported_by: the trial whose exported file stands for it, or None while none is complete.
        probability_best: probability that no other finished configuration holds more on average over new trainings; None where it is not
            in the comparison (unfinished, provisional or unusable), or nothing is known of noise: one seed each on an unknown number of images.
        probability_near: probability that it is within half a point of the best (1 % of its value, where the metric is no share).
        unusable: why it can never be recommended, e.g. ``collapsed``; empty where it can. It ranks below every usable one.
    """

    rank: int
    configuration: str
    short: str
    params: Mapping[str, ParameterValue]
    trials: tuple[TrialRecord, ...]
    state: ConfigurationState
    stable: float | None
    expected: float | None
    stable_interval: tuple[float, float] | None
    level: float | None
    best: float | None
    best_epoch: int | None
    last: float | None
    spread: float | None
    seeds: int
    epochs: int
    tied_with: tuple[str, ...]
    confirmed: bool
    provisional: bool
    flags: tuple[FlagSummary, ...] = ()
    exported_by: TrialRecord | None = None
    probability_best: float | None = None
    probability_near: float | None = None
    unusable: str = ""
    name: str = ""

    def __repr__(self) -> str:
        """Its place, figures and settings; not its curves."""
        figures = [f"{name} {value}" for name, value in self._figures() if value]
        settings = [f"{name}={_plain(value)}" for name, value in self.params.items()]
        return f"<configuration {self.short}: {', '.join([f'rank {self.rank}', self.state, *figures, *settings])}>"

    def _repr_html_(self) -> str:
        """The same as a table, for notebooks."""
        lines = [
            ("rank", str(self.rank)),
            ("state", self.state),
            *self._figures(),
            *((name, _plain(value)) for name, value in self.params.items()),
        ]
        rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in lines if value)
        return f"<table><caption>configuration {escape(self.short)}</caption><tbody>{rows}</tbody></table>"

    def _figures(self) -> list[tuple[str, str]]:
        figures = (("stable", self.stable), ("level", self.level), ("best", self.best))
        return [
            *((name, "" if value is None else _plain(value)) for name, value in figures),
            ("a new training", "" if self.stable_interval is None else " to ".join(map(_plain, self.stable_interval))),
            ("fresh seeds", str(self.seeds) if self.confirmed else ""),
            ("flags", ", ".join(flag.name for flag in self.flags)),
        ]

    @property
    def oscillates(self) -> bool:
        """Whether its validation curve swings through its late epochs, beyond what few images may explain."""
        return any(flag.name == "oscillating" and not flag.cannot_tell for flag in self.flags)

    @property
    def may_oscillate(self) -> bool:
        """Whether its validation curve swings, but has too few images to tell whether the model does."""
        return any(flag.name == "oscillating" and flag.cannot_tell for flag in self.flags)

    @property
    def trial_state(self) -> TrialState:
        """The best state among its trials."""
        return min((trial.state for trial in self.trials), key=BEST_STATE.index)

    @property
    def planned_epochs(self) -> int:
        """Epochs of a complete training."""
        return max(trial.planned_epochs for trial in self.trials)

    @property
    def reaches(self) -> float | None:
        """What a new training is expected to reach on average over late epochs: what it is expected to hold and what its trainings lie above that.

        Closer to what other seeds reach than `level`, which the fresh seeds themselves helped to choose (`benchmarks/selection.py`: .3 against .9
        points too much).
        """
        if self.expected is None or self.level is None or self.stable is None:
            return None
        return self.expected + self.level - self.stable

    @property
    def exported(self) -> float | None:
        """Validation accuracy of its exported file."""
        return None if self.exported_by is None else file_accuracy(self.exported_by.figures)

    @property
    def test(self) -> float | None:
        """Accuracy of its exported file on the test images; None where it was not measured."""
        return None if self.exported_by is None else self.exported_by.figures.get("test_accuracy")


@dataclass(frozen=True)
class Recommendation:
    """The configuration to take for now.

    Attributes:
        configuration: its ID.
        reason: what decided: ``only`` where nothing else may be as good, ``near`` where it is most probably within half a point of the best,
            ``time`` or ``parameters`` where others are about as probable and cost more.
        others: IDs of those that may be as good, by rank.
        seconds_per_epoch: of its trainings, or None where not on record.
        parameters: of its network, or None.
    """

    configuration: str
    reason: RecommendationReason
    others: tuple[str, ...] = ()
    seconds_per_epoch: float | None = None
    parameters: int | None = None


@dataclass(frozen=True)
class Ranking:
    """The configurations of a study, best first.

    Attributes:
        configurations: in order of rank.
        metric: the metric that is ranked.
        maximize: whether more is better.
        seed_sd: standard deviation between seeds of one configuration; None while every configuration has one seed.
        scores: trial number to its score, None where no epoch is on record.
        flags: trial number to its flags.
        oscillating_expected_by_chance: trials expected to be flagged oscillating if none were, or None when no validation size is known.
        contenders: what the belief was formed from: finished, usable configurations; `reports.ranking.race` goes on from it.
        recommendation: the configuration to take for now, or None while no usable one is finished.
        paired_sd: noise of a training's figure by paired comparison of the leaders on the same images; None without a ledger.
    """

    configurations: tuple[RankedConfiguration, ...]
    metric: str
    maximize: bool
    seed_sd: float | None
    scores: Mapping[int, StabilityScore | None] = field(default_factory=dict)
    flags: Mapping[int, tuple[Flag, ...]] = field(default_factory=dict)
    oscillating_expected_by_chance: float | None = None
    contenders: tuple[Contender, ...] = ()
    recommendation: Recommendation | None = None
    paired_sd: float | None = None

    @property
    def recommended(self) -> str | None:
        """ID of the configuration to take for now, or None while no usable one is finished."""
        return None if self.recommendation is None else self.recommendation.configuration

    @property
    def this_run_only(self) -> bool:
        """Whether no configuration has two seeds: figures describe these runs, not a retraining."""
        return self.seed_sd is None

    @property
    def finished(self) -> tuple[RankedConfiguration, ...]:
        """Configurations with a complete training, provisional ones last."""
        return tuple(each for each in self.configurations if each.state in COMPLETE)


def _plain(value: ParameterValue) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def fresh_trials(trials: Iterable[TrialRecord]) -> list[TrialRecord]:
    """The completed confirmations among `trials`: trainings from fresh seeds, which nothing was chosen by."""
    return [trial for trial in trials if trial.role == "confirmation" and trial.state == "COMPLETE"]


def file_accuracy(figures: Mapping[str, float]) -> float | None:
    """Validation accuracy of a training's exported file; None when it has none.

    Where BatchNorm statistics were recomputed after training (``precise_bn: end``) the file holds them, and its accuracy is the one measured then.
    Of a training with folds it is that of the first one's model on the images of this fold.
    """
    figures = by_fold(figures).get(1, figures)
    return figures.get("precise_bn_val_accuracy", figures.get("exported_val_accuracy"))


def by_exported_file(trials: Sequence[TrialRecord], metric: str, *, maximize: bool) -> list[TrialRecord]:
    """The complete trainings whose exported file may stand for their configuration, the best validated file first; the earlier of equals.

    Once a configuration is confirmed only its confirmations may: their files alone are measured on the test images.

    Args:
        trials: of one configuration.
        metric: that is ranked; files are chosen by its validation value, else by accuracy.
        maximize: whether more is better.
    """
    complete = [trial for trial in trials if trial.state == "COMPLETE"]
    sign = 1.0 if maximize else -1.0

    def value(trial: TrialRecord) -> tuple[float, int]:
        ranked = trial.figures.get(f"exported_{metric}")
        score = trial.figures.get("exported_val_accuracy", float("-inf")) if ranked is None else sign * ranked
        return -score, trial.number

    return sorted(fresh_trials(complete) or complete, key=value)
