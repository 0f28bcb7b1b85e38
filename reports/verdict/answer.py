"""What to take, with which settings, and what that is worth: the figure that a new training is expected to reach, what guessing reaches, what it costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from reports import wording
from reports.ranking.recommendation import num_parameters, peak_memory_mb, seconds_per_epoch
from reports.verdict.sentences import UNUSABLE_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.ranking import RankedConfiguration, Ranking
    from reports.records import StudyRecord
    from reports.verdict.mistakes import Mistakes
    from reports.verdict.progress import Progress

AnswerState = Literal["take", "unusable", "early", "failed", "nothing"]
COUNTED = frozenset({"val_accuracy", "val_acc"})
"""Metrics that count right images, so that always naming the largest class has a figure too."""
LEVEL = 0.05
"""Chance that the best of as many configurations as were compared is called clearly above guessing while all of them guess."""


@dataclass(frozen=True)
class Guess:
    """What always naming one class reaches on the validation images.

    Attributes:
        label: the largest class; empty where only the number of classes is known: every class then counts as equally large.
        share: its share of the validation images.
        images: validation images, or None.
    """

    label: str
    share: float
    images: int | None


@dataclass(frozen=True)
class Costs:
    """What the configuration to take costs, each None where it is not on record.

    Attributes:
        seconds_per_epoch: of its trainings.
        parameters: of its network.
        memory_mb: peak memory of a training, MB.
    """

    seconds_per_epoch: float | None = None
    parameters: int | None = None
    memory_mb: float | None = None


@dataclass(frozen=True)
class Answer:
    """The first thing that a reader is told.

    Attributes:
        state: ``take`` with a recommendation; ``unusable`` where the first collapsed or has a broken metric; ``early`` while too few epochs
            are on record; ``failed`` where every training failed; ``nothing`` before the first.
        configuration: ID of the configuration to take, or of the first; None where there is none.
        sentence: the same in one to three sentences.
        guess: what guessing reaches; None where it is not known, or the metric does not count images.
        above_guess: whether what it reaches is clearly above that; None where that cannot be told.
        costs: of the configuration.
        seconds_left: of a search that is not over, about; None where that cannot be told.
    """

    state: AnswerState
    configuration: str | None = None
    sentence: str = ""
    guess: Guess | None = None
    above_guess: bool | None = None
    costs: Costs = Costs()
    seconds_left: float | None = None


def find_answer(study: StudyRecord, ranking: Ranking, progress: Progress, mistakes: Mistakes | None) -> Answer:
    """The answer of a study, from its ranking."""
    left = _seconds_left(study, progress)
    ranked = ranking.finished
    if not ranked or (study.kind == "study" and all(row.provisional for row in ranked)):
        return Answer(_without_ranking(study), sentence=_no_ranking(study, ranked), seconds_left=left)
    row = next((row for row in ranked if row.configuration == ranking.recommended), ranked[0])
    guess = _guess(study, row, mistakes)
    above = None if guess is None else _above(study, row, guess, compared=max(1, len(ranking.contenders)))
    costs = Costs(seconds_per_epoch(row), num_parameters(row), peak_memory_mb(row))
    state: AnswerState = "unusable" if row.unusable else "take"
    return Answer(state, row.configuration, _sentence(study, ranking, row, guess, above=above), guess, above, costs, left)


def guess_sentence(guess: Guess, metric: str) -> str:
    """What guessing reaches, in words."""
    share = wording.score(guess.share, metric)
    return (
        f"always naming {guess.label} reaches {share}" if guess.label else f"guessing reaches {share} where all classes are equally large"
    )


def guess_warning(guess: Guess | None, metric: str, *, above: bool | None) -> str:
    """That a configuration is not clearly `above` guessing; empty where it is, and where that cannot be told."""
    return "" if guess is None or above is not False else f"Not clearly better than guessing: {guess_sentence(guess, metric)}."


def odds_sentence(row: RankedConfiguration, compared: int) -> str:
    """How probably a configuration is the best of those that were compared; empty where that is not known."""
    if row.probability_best is None or compared <= 1:
        return ""
    return f"Best of {compared:,} with {wording.probability(row.probability_best)}."


def _sentence(study: StudyRecord, ranking: Ranking, row: RankedConfiguration, guess: Guess | None, *, above: bool | None) -> str:
    who = f"{row.short} ({row.name})" if row.name else row.short
    metric = wording.metric_words(study.metric)
    warning = guess_warning(guess, study.metric, above=above)
    if row.unusable:
        return f"{warning} Nothing to recommend: the first, {who}, {UNUSABLE_WORDS[row.unusable]}.".lstrip()
    take = f"Take {who} for now: {wording.score(row.reaches, study.metric)} {metric}"
    if row.stable_interval is not None:
        take += f"; expect {wording.interval(row.stable_interval, study.metric)} if you train it again"
    return " ".join(filter(None, (warning, f"{take}.", odds_sentence(row, len(ranking.contenders)))))


def _without_ranking(study: StudyRecord) -> AnswerState:
    if not study.trials:
        return "nothing"
    return "failed" if all(trial.state == "FAIL" for trial in study.trials) else "early"


def _no_ranking(study: StudyRecord, ranked: Sequence[RankedConfiguration]) -> str:
    """Why there is no ranking yet."""
    if not study.trials:
        return "Nothing has been trained yet."
    if all(trial.state == "FAIL" for trial in study.trials):
        return f"{wording.count(len(study.trials), 'training')} failed, and none came to its end."
    if ranked:
        epochs = max(row.epochs for row in ranked)
        return f"Too few epochs for a ranking: {wording.count(epochs, 'epoch')} at most, five are needed."
    if any(trial.state in {"RUNNING", "WAITING"} for trial in study.trials):
        return "No training has come to its end yet: no ranking yet."
    return "No training came to its end: there is nothing to rank."


def _guess(study: StudyRecord, row: RankedConfiguration, mistakes: Mistakes | None) -> Guess | None:
    """The largest class among the validation images; without a record of them, one of as many equally large classes."""
    if study.metric not in COUNTED:
        return None
    if mistakes is not None and mistakes.file is not None:
        largest = max(mistakes.file.classes, key=lambda each: each.images)
        return Guess(largest.name, largest.images / mistakes.file.images, mistakes.file.images)
    classes = next((trial.figures["num_classes"] for trial in row.trials if trial.figures.get("num_classes")), None)
    return None if classes is None else Guess("", 1.0 / classes, study.num_val)


def _above(study: StudyRecord, row: RankedConfiguration, guess: Guess, *, compared: int) -> bool | None:
    """Whether a configuration that was chosen among `compared` is above guessing by more than the images explain.

    One-sided exact binomial, at the level that the choice leaves: the best of many that guess is above it by luck (Bonferroni).
    """
    images = guess.images or study.num_val
    if row.reaches is None or not images:
        return None
    return chance_of_right(math.floor(row.reaches * images + 1e-9), images, guess.share) <= LEVEL / compared


def chance_of_right(right: int, images: int, share: float) -> float:
    """Probability that at least `right` of `images` are right where each is with probability `share`, in (0, 1)."""
    if right <= 0 or share >= 1.0:
        return 1.0
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, images + 1)))])
    k = np.arange(min(right, images), images + 1)
    terms = logs[images] - logs[k] - logs[images - k] + k * math.log(share) + (images - k) * math.log1p(-share)
    return float(min(1.0, np.exp(terms).sum()))


def _seconds_left(study: StudyRecord, progress: Progress) -> float | None:
    """Of the search: what a configuration took so far, times those that are missing, over the trainings that run at a time."""
    if study.target_trials is None:
        return None
    over = [trial for trial in study.trials if trial.role == "search" and trial.state not in {"RUNNING", "WAITING"}]
    running = sum(run.cause == "running" for run in progress.runs)
    missing = study.target_trials - len({trial.configuration for trial in over})
    if not over or not running or missing <= 0 or not progress.worker_seconds:
        return None
    each = progress.worker_seconds / (len(over) + running / 2)
    return missing * each / min(running, missing)
