"""Logs of trainings run elsewhere, read into curves: console captures, tables, history JSON, notebooks, TensorBoard events."""

from reports.logs.read import read_log, read_text
from reports.logs.run import LoggedRun, study_from_logs

__all__ = ["LoggedRun", "read_log", "read_text", "study_from_logs"]
