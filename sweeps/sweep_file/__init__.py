"""The sweep file: one typed YAML document."""

from sweeps.sweep_file.loading import load_sweep_file, sweep_from_text
from sweeps.sweep_file.settings import SweepFile

__all__ = ["SweepFile", "load_sweep_file", "sweep_from_text"]
