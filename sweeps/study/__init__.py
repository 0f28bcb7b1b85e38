"""Study logic: what runs next, what is pruned, retried, confirmed, and when a study is done. Knows executors by their protocol alone."""

from __future__ import annotations

from sweeps.study.observer import FinishedTrial, Silent, StudyObserver, StudySnapshot, TrialProgress
from sweeps.study.outcome import EndReason, StudyOutcome, SweepAbortedError
from sweeps.study.running import run_study, storage_of
from sweeps.study.study_options import StudyOptions

__all__ = [
    "EndReason",
    "FinishedTrial",
    "Silent",
    "StudyObserver",
    "StudyOptions",
    "StudyOutcome",
    "StudySnapshot",
    "SweepAbortedError",
    "TrialProgress",
    "run_study",
    "storage_of",
]
