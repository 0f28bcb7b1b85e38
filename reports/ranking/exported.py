"""Which trainings of a configuration speak for it, and whose exported file stands for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reports.records import TrialRecord


def fresh_trials(trials: Iterable[TrialRecord]) -> list[TrialRecord]:
    """The completed confirmations among `trials`: trainings from fresh seeds, which nothing was chosen by."""
    return [trial for trial in trials if trial.role == "confirmation" and trial.state == "COMPLETE"]


def file_accuracy(figures: Mapping[str, float]) -> float | None:
    """Validation accuracy of a training's exported file; None when it has none.

    Where BatchNorm statistics were recomputed after training (``precise_bn: end``) the file holds them, and its accuracy is the one measured then.
    """
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
        found = trial.figures.get(f"exported_{metric}")
        score = trial.figures.get("exported_val_accuracy", float("-inf")) if found is None else sign * found
        return -score, trial.number

    return sorted(fresh_trials(complete) or complete, key=value)
