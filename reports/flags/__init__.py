"""Flags of a learning curve: oscillating, spiking, collapsed, ..., each with evidence, severity and advice."""

from reports.flags.find import find_flags
from reports.flags.flag import Flag, FlagName, Severity
from reports.flags.flag_summary import FlagSummary, summarise_flags
from reports.flags.study_flags import NULL_RATE, oscillating_by_chance, study_flags, trial_flags
from reports.flags.validation_size import infer_num_val

__all__ = [
    "NULL_RATE",
    "Flag",
    "FlagName",
    "FlagSummary",
    "Severity",
    "find_flags",
    "infer_num_val",
    "oscillating_by_chance",
    "study_flags",
    "summarise_flags",
    "trial_flags",
]
