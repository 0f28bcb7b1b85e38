"""Everything around a run: pre-flight, executor, signals, progress, report."""

from __future__ import annotations

from sweeps.launch.launch import LaunchResult, launch
from sweeps.launch.launch_options import ExecutorKind, LaunchOptions

__all__ = ["ExecutorKind", "LaunchOptions", "LaunchResult", "launch"]
