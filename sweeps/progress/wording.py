"""Words and figures that every display uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweeps.study.confirmation import ConfirmationCost
    from sweeps.study.observer import FinishedTrial, StudySnapshot, TrialProgress

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


def short(value: object) -> str:
    """A parameter's value in few characters."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def params(values: Mapping[str, object]) -> str:
    """Parameters on one line."""
    return "  ".join(f"{name}={short(value)}" for name, value in values.items())


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
    """What the confirmation of the leaders will take."""
    time = "" if cost.seconds is None else f", about {duration(cost.seconds)}"
    leaders, each = ("the leader", "") if cost.leaders == 1 else (f"the {cost.leaders} leaders", " each")
    trainings = "1 training" if cost.trials == 1 else f"{cost.trials} trainings"
    seeds = "1 fresh seed" if cost.seeds == 1 else f"{cost.seeds} fresh seeds"
    return f"confirming {leaders} with {seeds}{each}: {trainings} to go, at most {cost.epochs} epochs{time}"


def ending(trial: FinishedTrial) -> str:
    """How a trial ended, on one line."""
    verb = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}.get(trial.state, trial.state.lower())
    score = "" if trial.stable is None else f" stable {trial.stable:.4f} (level {trial.level:.4f}, best {trial.best:.4f})"
    flags = f" [{', '.join(trial.flags)}]" if trial.flags else ""
    cause = f" {trial.cause}" if trial.state == "FAIL" and trial.cause else ""
    epochs = f"{trial.epochs} epoch{'' if trial.epochs == 1 else 's'}"
    return f"trial {trial.number} {verb} after {epochs}:{cause}{score}{flags}  {params(trial.params)}".rstrip()


def notice(trial: TrialProgress, text: str) -> str:
    """What a trial's worker told, on one line."""
    return f"trial {trial.number}: {text}"
