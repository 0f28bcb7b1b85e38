"""Flags of a learning curve: oscillating, spiking, collapsed, ..., each with evidence, severity and advice."""

from reports.flags.flag import Flag, FlagName, Severity

__all__ = ["Flag", "FlagName", "Severity"]
