"""Flags of a learning curve: oscillating, spiking, collapsed, ..., each with evidence, severity and advice."""

from reports.flags.find import NULL_RATE, find_flags, flag_meaning, oscillating_by_chance, study_flags, trial_flags
from reports.flags.flag import Flag, FlagName, FlagSummary, Forecast, Severity, summarise_flags
from reports.flags.run_curves import infer_num_val

__all__ = [
    "NULL_RATE",
    "Flag",
    "FlagName",
    "FlagSummary",
    "Forecast",
    "Severity",
    "find_flags",
    "flag_meaning",
    "infer_num_val",
    "oscillating_by_chance",
    "study_flags",
    "summarise_flags",
    "trial_flags",
]
