"""Sweeps that other tools ran, read into the record that reports are made from. Nothing foreign is executed or unpickled."""

from reports.foreign_sweeps.sources import is_place, is_sqlite, read_foreign_sweep, what_is_read
from reports.foreign_sweeps.sweep import ForeignSweep, ForeignTrial, study_record, sweep_runs

__all__ = ["ForeignSweep", "ForeignTrial", "is_place", "is_sqlite", "read_foreign_sweep", "study_record", "sweep_runs", "what_is_read"]
