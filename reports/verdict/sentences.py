"""The answer in words, from the ranking."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal

from reports import wording
from reports.metrics import counts_images, is_fraction
from reports.ranking.choice import expected_elsewhere
from reports.ranking.race import FARTHEST, trainings_to_decide
from reports.ranking.ranked import fresh_trials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.ranking import RankedConfiguration, Ranking
    from reports.records import StudyRecord

VerdictKind = Literal["confirmed", "unconfirmed", "tied", "empty"]

SMALLEST_CHANCE = 0.1
NAMED_TIES = 3
"""Failed fresh trainings are told of so many members of a tie."""


@dataclass(frozen=True)
class Verdict:
    """The answer in words.

    Attributes:
        kind: how sure it is; ``tied`` when several cannot be separated.
        headline: one line, at most some 60 characters.
        leaders: IDs of the configuration to take for now, then of all that may be as good; empty when nothing is ranked.
        recommended: ID of the configuration to take for now; None where no usable one is finished.
        sure: how sure that is, one to four sentences.
        basis: the same without the figures: which trainings it rests on.
        probability: how probably it is the best, or close to it, and why it is the one to take; empty with nothing to compare.
        price: what knowing it with 95 % would cost, and the command; empty when it is known or still being trained.
        more_trainings: how many fresh trainings that is; 0 when it is known or cannot be asked for, None for more than the race looks ahead.
        checkpoint: how good the exported file is, or empty.
        best_epoch_pick: ID of what the best epoch would have picked, or None.
        best_epoch: what that pick would have meant, or empty.
        oscillating: IDs that oscillate, best rank first.
        steadiness: how many oscillate beside what chance would give.
        open_ends: what is unfinished, or empty.
    """

    kind: VerdictKind
    headline: str
    leaders: tuple[str, ...] = ()
    recommended: str | None = None
    sure: str = ""
    basis: str = ""
    probability: str = ""
    price: str = ""
    more_trainings: int | None = 0
    checkpoint: str = ""
    best_epoch_pick: str | None = None
    best_epoch: str = ""
    oscillating: tuple[str, ...] = ()
    steadiness: str = ""
    open_ends: str = ""


def decide(study: StudyRecord, ranking: Ranking) -> Verdict:
    """Put the ranking of a study into words."""
    configurations = ranking.configurations
    ranked = [row for row in configurations if row.stable is not None]
    oscillating = tuple(row.configuration for row in ranked if row.oscillates)
    if not ranked:
        return Verdict("empty", _nothing(study), open_ends=_open_ends(study, configurations))
    first = ranked[0]
    winner = next((row for row in ranked if row.configuration == ranking.recommended), first)
    tie = (first.configuration, *first.tied_with)
    leaders = [winner, *(row for row in ranked if row is not winner and row.configuration in tie)]
    number = _trainings_to_know(study, ranking)
    sign = 1 if study.maximize else -1
    pick = max(ranked, key=lambda row: float("-inf") if row.best is None else sign * row.best)
    return Verdict(
        kind="tied" if len(leaders) > 1 else "confirmed" if winner.confirmed else "unconfirmed",
        headline=_headline(study, leaders, len(ranking.contenders) or len(ranked)),
        leaders=tuple(row.configuration for row in leaders),
        recommended=ranking.recommended,
        sure=_sure(study, leaders),
        basis=_basis(study, leaders),
        probability=_probability(study, ranking, leaders),
        price=_price(study, number),
        more_trainings=number,
        checkpoint=_checkpoint(study, ranked, winner),
        best_epoch_pick=pick.configuration,
        best_epoch=" ".join(part for part in (_peer_winner(study, ranked), _best_epoch(study, pick, leaders)) if part),
        oscillating=oscillating,
        steadiness=_steadiness(study, ranked, ranking.oscillating_expected_by_chance),
        open_ends=_open_ends(study, configurations),
    )


def _things(study: StudyRecord, ranked: int) -> str:
    """How many configurations have a place, called finished where others have none yet."""
    some = study.kind != "logs" and ranked < len({trial.configuration for trial in study.trials})
    return wording.count(ranked, "run" if study.kind == "logs" else "finished configuration" if some else "configuration")


def _nothing(study: StudyRecord) -> str:
    if not study.trials:
        return "Nothing has been trained yet"
    all_failed = all(trial.state == "FAIL" for trial in study.trials)
    return "Every training failed" if all_failed else "No training has come to its end yet"


def _headline(study: StudyRecord, leaders: Sequence[RankedConfiguration], compared: int) -> str:
    winner = leaders[0]
    if winner.unusable:
        return f"Nothing to recommend: {winner.short} is first and {UNUSABLE_WORDS[winner.unusable]}"
    if len(leaders) > 1:
        return f"{winner.short} for now; {wording.count(len(leaders) - 1, 'other')} of {compared:,} may be as good"
    if study.kind == "study" and not winner.provisional:
        return f"{winner.short} for now: expect {wording.score(winner.reaches, study.metric)} {wording.metric_words(study.metric)}"
    verb = "holds" if winner.confirmed or compared == 1 else "leads, holding"
    return f"{winner.short} {verb} {wording.score(winner.stable, study.metric)}"


UNUSABLE_WORDS = {"collapsed": "collapsed", "broken_metric": "has a broken metric"}


def _sure(study: StudyRecord, leaders: Sequence[RankedConfiguration]) -> str:
    """What the claim rests on, and the interval of the one to take, or that there is none."""
    winner = leaders[0]
    sentences = []
    if len(leaders) > 1:
        values = [row.stable for row in leaders if row.stable is not None]
        span = wording.interval((min(values), max(values)), study.metric)
        sentences.append(f"It holds {wording.score(winner.stable, study.metric)}; all that may be as good hold {span}.")
    sentences += _reservations(study, winner)
    if winner.stable_interval is not None:
        source = f"from {_trainings_behind(winner)}" if winner.confirmed else "judging by how much others vary between seeds"
        reaches = "" if winner.reaches is None else f"; {wording.score(winner.reaches, study.metric)} is expected"
        sentences.append(f"A new training: {wording.interval(winner.stable_interval, study.metric)}, {source}{reaches}.")
    sentences += _failed(leaders)
    return " ".join(sentences)


def _basis(study: StudyRecord, leaders: Sequence[RankedConfiguration]) -> str:
    """Which trainings the claim on the one to take rests on, and which of them failed."""
    winner = leaders[0]
    sentences = _reservations(study, winner)
    if winner.confirmed:
        sentences.append(f"Its figures come from {_trainings_behind(winner)}.")
    elif winner.stable_interval is not None:
        sentences.append("Its interval is judged by how much other configurations vary between seeds.")
    return " ".join([*sentences, *_failed(leaders)])


def _reservations(study: StudyRecord, winner: RankedConfiguration) -> list[str]:
    """That it has too few epochs, or one seed."""
    sentences = [f"Provisional: only {wording.count(winner.epochs, 'epoch')} on record."] if winner.provisional else []
    if not winner.confirmed:
        sentences.append("One run: not confirmed by a second seed." if study.kind == "logs" else "One seed: not confirmed.")
    return sentences


def _trainings_behind(winner: RankedConfiguration) -> str:
    """Seeds that stand behind the figures of a configuration."""
    fresh = bool(fresh_trials(winner.trials))
    return f"{wording.count(winner.seeds, 'fresh seed')} and the search" if fresh else wording.count(winner.seeds, "seed")


def _probability(study: StudyRecord, ranking: Ranking, leaders: Sequence[RankedConfiguration]) -> str:
    """How probably the one to take is the best or close to it, and what decided where several are about as probable."""
    winner, choice = leaders[0], ranking.recommendation
    if choice is None or len(ranking.contenders) == 1:
        return ""
    if winner.probability_best is None or winner.probability_near is None:
        unknown = (
            "the number of validation images is not known"
            if counts_images(study.metric)
            else f"the number of validation images does not say how exact {wording.metric_words(study.metric)} is"
        )
        return f"How much of its lead is luck cannot be told: there is no second seed, and {unknown}."
    near = "half a point" if is_fraction(study.metric) else f"1{wording.PERCENT}"
    best, close = wording.probability(winner.probability_best), wording.probability(winner.probability_near)
    sentences = [f"{winner.short} is the best of {len(ranking.contenders):,} with {best}, within {near} of the best with {close}."]
    if len(leaders) > 1:
        together = sum(row.probability_best or 0.0 for row in leaders)
        sentences.append(f"One of these {len(leaders)} is the best with {wording.probability(together)}.")
    if choice.reason == "time" and choice.seconds_per_epoch is not None:
        sentences.append(f"Others are about as likely; it needs least time, {choice.seconds_per_epoch:.2g} s an epoch.")
    if choice.reason == "parameters" and choice.parameters is not None:
        sentences.append(f"Others are about as likely; it has fewest parameters, {choice.parameters:,}.")
    return " ".join(sentences)


def _trainings_to_know(study: StudyRecord, ranking: Ranking) -> int | None:
    """Fresh trainings until the best, or one within half a point of it, is known with 95 %; 0 where they cannot be asked for now."""
    unfinished = any(trial.state in {"RUNNING", "WAITING"} for trial in study.trials)
    if study.kind != "study" or not study.sweep_file or unfinished or ranking.recommended is None:
        return 0
    if ranking.configurations[0].probability_best is None:
        return 0
    share, num_val = is_fraction(study.metric), study.num_val if counts_images(study.metric) else None
    return trainings_to_decide(ranking.contenders, num_val=num_val, share=share, paired_sd=ranking.paired_sd)


def _price(study: StudyRecord, number: int | None) -> str:
    """What it would cost to know the best, or one within half a point of it, with 95 %."""
    if number == 0:
        return ""
    if number is None:
        return f"To know with 95{wording.PERCENT} would take more than {FARTHEST} more trainings."
    seconds = training_seconds(study)
    time = "" if seconds is None else f", {wording.duration(number * seconds)} of training"
    command = f"steadysweep confirm {shlex.quote(study.name)} --trainings {number}"
    return f"To know with 95{wording.PERCENT}: about {wording.count(number, 'more training')}{time}: {command}"


def training_seconds(study: StudyRecord) -> float | None:
    """Median seconds of a complete training, all its attempts together."""
    spans = [
        sum((run.ended - run.started).total_seconds() for run in trial.attempts if run.started is not None and run.ended is not None)
        for trial in study.trials
        if trial.state == "COMPLETE" and trial.attempts
    ]
    return median(spans) if spans else None


def _failed(leaders: Sequence[RankedConfiguration]) -> list[str]:
    """Which leaders' fresh trainings failed: the others may flatter them."""
    fresh = [(row, [trial.state for trial in row.trials if trial.role == "confirmation"]) for row in leaders[:NAMED_TIES]]
    return [
        f"{states.count('FAIL')} of {wording.count(len(states), 'fresh training')} of {row.short} failed."
        for row, states in fresh
        if "FAIL" in states
    ]


def _checkpoint(study: StudyRecord, ranked: Sequence[RankedConfiguration], winner: RankedConfiguration) -> str:
    if winner.test is not None:
        return f"Its exported file scored {wording.score(winner.test, 'accuracy')} on the test images."
    if winner.exported is not None:
        kept = any(trial.figures.get("num_test", 0) > 0 for trial in study.trials)
        test = "the test images were not looked at" if kept else "there is no test split"
        elsewhere = expected_elsewhere(study, ranked, winner)
        expect = (
            "" if elsewhere is None else f" and was chosen by it; expect about {wording.score(elsewhere, study.metric)} on other images"
        )
        return f"Its exported file scored {wording.score(winner.exported, study.metric)} on validation{expect}; {test}."
    return ""


def _peer_winner(study: StudyRecord, ranked: Sequence[RankedConfiguration]) -> str:
    """What the tool that ran the sweep names as its best, and what that holds; empty for this project's own sweeps."""
    peer = study.peer_winner
    row = next((row for row in ranked if peer is not None and row.configuration == peer.configuration), None)
    if peer is None or row is None:
        return ""
    name = "" if row.short == peer.trial else f" ({row.short})"
    flags = _swings(study, row)
    who = (
        f"{peer.tool} chooses {peer.trial}{name} by {peer.rule}"
        if peer.tool
        else f"{peer.rule.capitalize()} would choose {peer.trial}{name}"
    )
    return (
        f"{who}, {wording.score(peer.value, study.metric)}; "
        f"it holds {wording.score(row.stable, study.metric)}{flags}, rank {row.rank} of {len(ranked)}."
    )


def _best_epoch(study: StudyRecord, pick: RankedConfiguration, leaders: Sequence[RankedConfiguration]) -> str:
    """What ranking by the best epoch would have meant."""
    if pick.best is None or pick.best_epoch is None:
        return ""
    promised = f"it promised {wording.score(pick.best, study.metric)} at epoch {pick.best_epoch} and holds {wording.score(pick.stable, study.metric)}"
    flags = _swings(study, pick)
    if pick.configuration == leaders[0].configuration:
        return f"The highest peak is its own: {promised}{flags}."
    same = ", one of these" if pick.configuration in {row.configuration for row in leaders} else ""
    return f"The highest peak would have picked {pick.short}{same}: {promised}{flags}."


def _swings(study: StudyRecord, row: RankedConfiguration) -> str:
    """How a configuration swings, to follow what it holds; empty for one that does not."""
    around = f"around {wording.score(row.level, study.metric)}"
    if row.oscillates:
        return f" and oscillates {around}"
    return f" and swings {around}, which so few validation images may explain" if row.may_oscillate else ""


def _steadiness(study: StudyRecord, ranked: Sequence[RankedConfiguration], by_chance: float | None) -> str:
    """How many oscillate beside what chance would give, and of how many the validation set cannot tell."""
    oscillating, unclear = sum(row.oscillates for row in ranked), sum(row.may_oscillate for row in ranked)
    verb = "oscillates" if oscillating == 1 else "oscillate"
    expected = "" if by_chance is None else f"{by_chance:.1f}" if by_chance >= SMALLEST_CHANCE else f"fewer than {SMALLEST_CHANCE}"
    chance = f"; {expected} expected by chance" if expected else ""
    if unclear == len(ranked) == 1:
        return "It swings, but its few validation images cannot tell whether the model does."
    swing = "swings" if unclear == 1 else "swing"
    rest = f" {unclear:,} more {swing}, but so few validation images cannot tell whether the model does."
    if oscillating == 0:
        sentence = f"None of {_things(study, len(ranked))} {'is sure to oscillate' if unclear else 'oscillates'}{chance}."
        return sentence + (rest.replace(" more", "", 1) if unclear else "")
    return f"{oscillating:,} of {_things(study, len(ranked))} {verb}{chance}." + (rest if unclear else "")


def _open_ends(study: StudyRecord, configurations: Sequence[RankedConfiguration]) -> str:
    """What may still change the picture."""
    parts = []
    if waiting := sum(trial.state in {"RUNNING", "WAITING"} for trial in study.trials):
        parts.append(f"{wording.count(waiting, 'training')} still to finish")
    if rising := [row.short for row in configurations if any(flag.name == "unfinished" for flag in row.flags)]:
        verb = "is" if len(rising) == 1 else "are"
        parts.append(f"{wording.listing(rising)} {verb} still improving at the last epoch")
    if study.target_trials is not None:
        searched = len({trial.configuration for trial in study.trials if trial.role == "search"})
        if searched < study.target_trials:
            parts.append(f"{searched:,} of {wording.count(study.target_trials, 'configuration')} tried")
    if failed := sum(trial.state == "FAIL" for trial in study.trials):
        parts.append(f"{wording.count(failed, 'training')} failed")
    return "; ".join(parts) + "." if parts else ""
