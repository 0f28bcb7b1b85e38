"""Flags of a learning curve: oscillating, spiking, collapsed, ..., each with evidence, severity and advice."""

from reports.flags.find import find_flags
from reports.flags.flag import Flag, FlagName, Severity
from reports.flags.validation_size import infer_num_val

__all__ = ["Flag", "FlagName", "Severity", "find_flags", "infer_num_val"]
