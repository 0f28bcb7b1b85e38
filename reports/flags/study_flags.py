"""Flags of every trial of a study, and how many of them chance alone would raise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.flags.find import find_flags
from reports.flags.validation_size import infer_num_val

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.flags.flag import Flag
    from reports.records import StudyRecord, TrialRecord

NULL_RATE = 0.01
"""Upper bound on the share of steady runs that are flagged oscillating, from the simulations in ``benchmarks/flags.py``."""


def study_flags(study: StudyRecord) -> Mapping[int, tuple[Flag, ...]]:
    """Flags of each trial that has epochs on record, by trial number."""
    return {trial.number: trial_flags(trial, study) for trial in study.trials if trial.num_epochs > 0}


def trial_flags(trial: TrialRecord, study: StudyRecord) -> tuple[Flag, ...]:
    """Flags of one trial; the validation set's size is the trial's, the study's, or read off the values of a log."""
    num_val = int(trial.figures["num_val"]) if trial.figures.get("num_val", 0) > 0 else study.num_val
    if num_val is None and study.kind == "logs" and "val_accuracy" in trial.curves:
        num_val = infer_num_val(float(str(value)) for value in trial.curves["val_accuracy"])
    classes, frozen = trial.figures.get("num_classes"), trial.figures.get("frozen_by_batch")
    return find_flags(
        trial.curves,
        num_val=num_val,
        planned_epochs=trial.planned_epochs,
        num_classes=int(classes) if classes else None,
        frozen_by_batch=None if frozen is None else int(frozen),
        cut=trial.state in ("PRUNED", "RUNNING"),
    )


def oscillating_by_chance(study: StudyRecord) -> float:
    """Most trials that would be flagged oscillating if every one were steady: trials long enough to be judged times `NULL_RATE`."""
    return NULL_RATE * sum(trial.num_epochs > 0 for trial in study.trials)
