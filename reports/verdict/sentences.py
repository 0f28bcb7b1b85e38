"""The answer in words, from the ranking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reports import wording
from reports.ranking.ranked import fresh_trials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.ranking import RankedConfiguration, Ranking
    from reports.records import StudyRecord

VerdictKind = Literal["confirmed", "unconfirmed", "tied", "empty"]

SMALLEST_CHANCE = 0.1
NAMED_TIES = 3
"""A tie larger than this names no winner: its members are listed, in the order of the table, as equals."""


@dataclass(frozen=True)
class Verdict:
    """The answer in words.

    Attributes:
        kind: how sure it is; ``tied`` when several cannot be separated.
        headline: one line, at most some 60 characters.
        leaders: IDs of the winner and of all that are tied with it; empty when nothing is ranked.
        sure: how sure that is, one or two sentences.
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
    sure: str = ""
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
    winner = ranked[0]
    equals = [row for row in ranked[1:] if row.configuration in winner.tied_with]
    tied = [row for row in equals if row.confirmed or not winner.confirmed]  # a claim of fresh seeds is not shared with one that has none
    leaders = [winner, *tied]
    sign = 1 if study.maximize else -1
    pick = max(ranked, key=lambda row: float("-inf") if row.best is None else sign * row.best)
    return Verdict(
        kind="tied" if len(leaders) > 1 else "confirmed" if winner.confirmed else "unconfirmed",
        headline=_headline(study, leaders, len(ranked)),
        leaders=tuple(row.configuration for row in leaders),
        sure=_sure(study, leaders, unconfirmed_equals=len(equals) - len(tied)),
        checkpoint=_checkpoint(study, winner) if len(leaders) <= NAMED_TIES else "",
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


def _headline(study: StudyRecord, leaders: Sequence[RankedConfiguration], ranked: int) -> str:
    names = [row.short for row in leaders]
    if len(leaders) > NAMED_TIES:
        return f"{len(leaders)} of {_things(study, ranked)} cannot be separated"
    if len(leaders) > 1:
        return f"{wording.listing(names)} cannot be separated"
    verb = "holds" if leaders[0].confirmed or ranked == 1 else "leads, holding"
    return f"{names[0]} {verb} {wording.score(leaders[0].stable, study.metric)}"


def _sure(study: StudyRecord, leaders: Sequence[RankedConfiguration], *, unconfirmed_equals: int) -> str:
    """What the claim rests on, and the interval of the leader, or that there is none."""
    winner = leaders[0]
    sentences = []
    if len(leaders) > NAMED_TIES:
        values = [row.stable for row in leaders if row.stable is not None]
        span = wording.interval((min(values), max(values)), study.metric)
        sentences.append(f"They hold {span}. Choose among them by cost or simplicity, or confirm with more seeds.")
    elif len(leaders) > 1:
        sentences.append(f"{winner.short} holds {wording.score(winner.stable, study.metric)}.")
    if winner.provisional:
        sentences.append(f"Provisional: only {wording.count(winner.epochs, 'epoch')} on record.")
    if not winner.confirmed:
        each = " each" if len(leaders) > 1 else ""
        sentences.append(f"One run{each}: not confirmed by a second seed." if study.kind == "logs" else f"One seed{each}: not confirmed.")
    fresh = bool(fresh_trials(winner.trials))
    source = f"from {wording.count(winner.seeds, 'fresh seed')} alone" if fresh else f"from {wording.count(winner.seeds, 'seed')}"
    if winner.stable_interval is not None and len(leaders) <= NAMED_TIES:
        source = source if winner.confirmed else "judging by how much others vary between seeds"
        sentences.append(f"A new training: {wording.interval(winner.stable_interval, study.metric)}, {source}.")
    elif fresh:
        sentences.append(f"Judged {source}." if len(leaders) == 1 else "Judged from fresh seeds alone.")
    sentences += _failed(leaders)
    if unconfirmed_equals:
        others = wording.count(unconfirmed_equals, "configuration that was", "configurations that were")
        sentences.append(f"{others} not confirmed may hold as much, judging by one training each.")
    return " ".join(sentences)


def _failed(leaders: Sequence[RankedConfiguration]) -> list[str]:
    """Which leaders' fresh trainings failed: the others may flatter them."""
    fresh = [(row, [trial.state for trial in row.trials if trial.role == "confirmation"]) for row in leaders[:NAMED_TIES]]
    return [
        f"{states.count('FAIL')} of {wording.count(len(states), 'fresh training')} of {row.short} failed."
        for row, states in fresh
        if "FAIL" in states
    ]


def _checkpoint(study: StudyRecord, winner: RankedConfiguration) -> str:
    if winner.test is not None:
        return f"Its exported file scored {wording.score(winner.test, 'accuracy')} on the test images."
    if winner.exported is not None:
        kept = any(trial.figures.get("num_test", 0) > 0 for trial in study.trials)
        test = "the test images were not looked at" if kept else "there is no test split"
        return f"Its exported file scored {wording.score(winner.exported, study.metric)} on validation; {test}."
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
    peak = f"{wording.score(pick.best, study.metric)} at epoch {pick.best_epoch}"
    held = wording.score(pick.stable, study.metric)
    flags = _swings(study, pick)
    if pick.configuration == leaders[0].configuration and len(leaders) <= NAMED_TIES:
        return f"The best epoch says {peak}; it holds {held}{flags}."
    same = ", one of these," if pick.configuration in {row.configuration for row in leaders} else ""
    return f"The best epoch would have picked {pick.short}{same} for {peak}; it holds {held}{flags}."


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
