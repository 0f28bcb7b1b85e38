"""Progress as plain lines, for files and pipes, and the words and figures that every display uses."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from reports.wording import at_epoch, count
from sweeps.observer import StudyObserver

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.ranking import RankedConfiguration
    from reports.records import TrialRecord
    from sweeps.observer import ConfirmationCost, StudySnapshot


MINUTE = 60
HOUR = 3600


def duration(seconds: float | None) -> str:
    """E.g. ``3 h 05 min``, ``2 min 10 s``, ``8 s``; an ellipsis while unknown."""
    if seconds is None:
        return "…"
    whole = round(seconds)
    if whole >= HOUR:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02d} min"
    if whole >= MINUTE:
        return f"{whole // MINUTE} min {whole % MINUTE:02d} s"
    return f"{whole} s"


def params(values: Mapping[str, object]) -> str:
    """Parameters on one line."""
    return "  ".join(f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}" for name, value in values.items())


def counts(snapshot: StudySnapshot) -> str:
    """How many trials are done, of what kind, and how long the rest may take."""
    parts = [f"{snapshot.done}/{snapshot.target} trials", f"{len(snapshot.running)} running", f"{snapshot.pruned} pruned"]
    if snapshot.failed:
        parts.append(f"{snapshot.failed} failed")
    if snapshot.confirmations_target:
        parts.append(f"{snapshot.confirmations}/{snapshot.confirmations_target} confirmations")
    parts.append(f"elapsed {duration(snapshot.elapsed)}")
    if snapshot.phase != "over":
        parts.append(f"ETA {duration(snapshot.eta)}")
    if snapshot.trial_hours:
        parts.append(
            f"{snapshot.gpu_hours:.2f} GPU-hours" if snapshot.gpu_hours else f"worker time {duration(snapshot.trial_hours * HOUR)}"
        )
    return " · ".join(parts)


def confirmation(cost: ConfirmationCost) -> str:
    """What the confirmation will take."""
    time = "" if cost.seconds is None else f", about {duration(cost.seconds)}"
    trainings = count(cost.trials, "training")
    if cost.race:
        may_be = "1 configuration leads" if cost.leaders == 1 else f"{cost.leaders} configurations may be the best"
        return (
            f"confirming: {may_be}; at most {count(cost.trials, 'fresh training')} to go, each where it helps most to tell which: "
            f"{cost.epochs} epochs{time}; fewer if the best, or one within half a point of it, is known before with 95 %"
        )
    if cost.seeds is None:
        return f"confirming {count(cost.leaders, 'configuration')}: {trainings} to go, at most {cost.epochs} epochs{time}"
    leaders, each = ("the leader", "") if cost.leaders == 1 else (f"the {cost.leaders} leaders", " each")
    return f"confirming {leaders} with {count(cost.seeds, 'fresh seed')}{each}: {trainings} to go, at most {cost.epochs} epochs{time}"


def leader_text(leader: RankedConfiguration) -> str:
    """The configuration that leads, on one line."""
    seeds = f", mean of {leader.seeds} fresh seeds" if leader.confirmed and leader.seeds > 1 else ""
    flags = f" [{', '.join(flag.name for flag in leader.flags)}]" if leader.flags else ""
    numbers = ", ".join(str(trial.number) for trial in leader.trials)
    trials = f"trial{'' if len(leader.trials) == 1 else 's'} {numbers}"
    return f"configuration {leader.configuration} ({trials}), stable {leader.stable:.4f}{seeds}{flags}  {params(leader.params)}".rstrip()


def ending(trial: TrialRecord) -> str:
    """How a trial ended, on one line."""
    verb = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}.get(trial.state, trial.state.lower())
    score = ""
    if "stable" in trial.score:
        score = " stable {stable:.4f} (level {level:.4f}, best {best:.4f})".format(**trial.score)
    elif "best" in trial.score:
        at = at_epoch(trial.num_epochs, trial.planned_epochs)
        score = " level {level:.4f} {at} (best {best:.4f})".format(**trial.score, at=at)
    flags = f" [{', '.join(trial.flags)}]" if trial.flags else ""
    cause = f" {trial.cause}" if trial.state == "FAIL" and trial.cause else ""
    epochs = f"{trial.num_epochs} epoch{'' if trial.num_epochs == 1 else 's'}"
    return f"trial {trial.number} {verb} after {epochs}:{cause}{score}{flags}  {params(trial.params)}".rstrip()


class Progress(StudyObserver):
    """What every display does: it tells failed trials and notices, takes messages, and is used as a context manager."""

    def __enter__(self) -> Self:
        """Begin to show."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop showing."""

    def on_notice(self, trial: TrialRecord, text: str) -> None:
        """Say it."""
        self.message(f"trial {trial.number}: {text}")

    def on_finished(self, trial: TrialRecord) -> None:
        """Name a failure."""
        if trial.state == "FAIL":
            self.message(ending(trial))

    def message(self, text: str) -> None:
        """Say one line to the person watching."""
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - the display's one way out


SUMMARY_SECONDS = 30.0


class ProgressLines(Progress):
    """One line when a trial ends, and a summary with the leader every half minute."""

    def __init__(self) -> None:
        self._next_summary = SUMMARY_SECONDS

    def on_finished(self, trial: TrialRecord) -> None:
        """How it ended."""
        self.message(ending(trial))

    def on_confirmation(self, cost: ConfirmationCost) -> None:
        """What it costs."""
        self.message(confirmation(cost))

    def on_tick(self, snapshot: StudySnapshot) -> None:
        """A summary now and then, and at the end."""
        if snapshot.elapsed < self._next_summary and snapshot.phase != "over":
            return
        self._next_summary = snapshot.elapsed + SUMMARY_SECONDS
        self.message(counts(snapshot))
        if snapshot.leaders:
            self.message(f"  leader: {leader_text(snapshot.leaders[0])}")
