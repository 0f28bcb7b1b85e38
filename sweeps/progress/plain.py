"""Progress as plain lines, for files and pipes, and the words and figures that every display uses."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from reports.logs.sweep_lines import curve_ending, epoch_text, settings_text, trial_beginning
from reports.wording import at_epoch, count, harmless, plain_score
from sweeps.observer import StudyObserver

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.ranking import RankedConfiguration
    from reports.records import TrialRecord
    from sweeps.observer import ConfirmationCost, StudySnapshot


MINUTE = 60
HOUR = 3600
JUDGED = "val_accuracy"
"""The curve that `steadysweep diagnose` judges, whatever is ranked."""


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


def counts(snapshot: StudySnapshot) -> str:
    """How many trials are done, of what kind, and how long the rest may take."""
    carried = sum(trial.carrier is not None for trial in snapshot.running)
    more = f" with {carried} more BatchNorm {'momentum' if carried == 1 else 'momenta'}" if carried else ""
    parts = [
        f"{snapshot.done}/{snapshot.target} trials",
        f"{len(snapshot.running) - carried} {'to continue' if snapshot.phase == 'over' else 'running'}{more}",
        f"{snapshot.pruned} pruned",
        *([f"{snapshot.infeasible} refused"] if snapshot.infeasible else []),
    ]
    if snapshot.failed:
        parts.append(f"{snapshot.failed} failed")
    if snapshot.confirmations_target:
        parts.append(f"{snapshot.confirmations}/{snapshot.confirmations_target} confirmations")
    parts.append(f"elapsed {duration(snapshot.elapsed)}")
    if snapshot.phase != "over":
        parts.append("paused" if snapshot.paused else f"ETA {duration(snapshot.eta)}")
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


def leader_text(leader: RankedConfiguration, metric: str) -> str:
    """The configuration that leads, on one line."""
    seeds = f", mean of {leader.seeds} fresh seeds" if leader.confirmed and leader.seeds > 1 else ""
    flags = f" [{', '.join(flag.name for flag in leader.flags)}]" if leader.flags else ""
    numbers = ", ".join(str(trial.number) for trial in leader.trials)
    trials = f"trial{'' if len(leader.trials) == 1 else 's'} {numbers}"
    return f"configuration {leader.short} ({trials}), stable {plain_score(leader.stable, metric)}{seeds}{flags}  {settings_text(leader.params)}".rstrip()


def ending(trial: TrialRecord, metric: str, *, curve: bool = False) -> str:
    """How a trial ended, on one line; with its `curve` the line can be read back (`steadysweep diagnose`)."""
    figures = {name: plain_score(value, metric) for name, value in trial.score.items()}
    said = ""
    if "stable" in figures:
        said = " stable {stable} (level {level}, best {best})".format(**figures)
    elif "best" in figures:
        said = " level {level} {at} (best {best})".format(**figures, at=at_epoch(trial.num_epochs, trial.planned_epochs))
    flags = f" [{', '.join(trial.flags)}]" if trial.flags else ""
    cause = f" {trial.cause}" if (trial.state == "FAIL" or trial.infeasible) and trial.cause else ""
    begins = trial_beginning(trial.number, trial.state, trial.num_epochs, trial.planned_epochs)
    shown = JUDGED if JUDGED in trial.curves else metric
    values = curve_ending(shown, trial.curves.get(shown, ())) if curve else ""
    return f"{begins}:{cause}{said}{flags}  {settings_text(trial.params)}".rstrip() + values


class Progress(StudyObserver):
    """What every display does: it tells failed trials and notices, takes messages, and is used as a context manager.

    Args:
        metric: that is ranked.
    """

    def __init__(self, metric: str) -> None:
        self._metric = metric

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
            self.message(ending(trial, self._metric))

    def message(self, text: str) -> None:
        """Say something to the person watching: what strangers put into it stays text."""
        print(harmless(text), file=sys.stderr, flush=True)  # noqa: T201 - the display's one way out


FIRST_SUMMARY_SECONDS = 30.0
LONGEST_SILENCE_SECONDS = 600.0


class ProgressLines(Progress):
    """One line when a trial ends, or after each epoch, and now and then a summary with the leader: after 30 s, then ever more seldom, at last every ten minutes.

    Args:
        metric: that is ranked.
        each_epoch: whether each epoch has a line of its own: of a single training.
    """

    def __init__(self, metric: str, *, each_epoch: bool = False) -> None:
        super().__init__(metric)
        self._each_epoch = each_epoch
        self._next_summary = FIRST_SUMMARY_SECONDS

    def on_epoch(self, trial: TrialRecord, figures: Mapping[str, float]) -> None:
        """Its figures, where nothing else runs."""
        if self._each_epoch:
            self.message(epoch_text(trial.num_epochs, trial.planned_epochs, figures, self._metric))

    def on_finished(self, trial: TrialRecord) -> None:
        """How it ended."""
        self.message(ending(trial, self._metric, curve=not self._each_epoch))

    def on_confirmation(self, cost: ConfirmationCost) -> None:
        """What it costs."""
        self.message(confirmation(cost))

    def on_tick(self, snapshot: StudySnapshot) -> None:
        """A summary now and then, and at the end."""
        if snapshot.phase != "over" and (self._each_epoch or snapshot.elapsed < self._next_summary):
            return
        self._next_summary = snapshot.elapsed + min(max(snapshot.elapsed, FIRST_SUMMARY_SECONDS), LONGEST_SILENCE_SECONDS)
        self.message(counts(snapshot))
        if snapshot.leaders:
            self.message(f"  leader: {leader_text(snapshot.leaders[0], self._metric)}")
