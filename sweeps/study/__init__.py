"""Study logic: what runs next, what is pruned, retried, confirmed, and when a study is done. Knows executors by their protocol alone."""

from __future__ import annotations

from sweeps.observer import ConfirmationCost, EndReason, StudyObserver, StudyOutcome, StudySnapshot
from sweeps.study.continuing import (
    ExistingStudy,
    OtherSweepError,
    look_at_study,
    record_without_running,
    storage_of,
    with_kept_trials,
)
from sweeps.study.finishing import SweepAbortedError
from sweeps.study.history_import import look_at_history
from sweeps.study.plan import StudyOptions
from sweeps.study.running import run_study

__all__ = [
    "ConfirmationCost",
    "EndReason",
    "ExistingStudy",
    "OtherSweepError",
    "StudyObserver",
    "StudyOptions",
    "StudyOutcome",
    "StudySnapshot",
    "SweepAbortedError",
    "look_at_history",
    "look_at_study",
    "record_without_running",
    "run_study",
    "storage_of",
    "with_kept_trials",
]
