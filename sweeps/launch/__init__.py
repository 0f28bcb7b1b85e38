"""Everything around a run: pre-flight, executor, signals, progress, report."""

from __future__ import annotations

from sweeps.executor.factory import ExecutorKind
from sweeps.launch.launch import LaunchOptions, LaunchResult, launch

__all__ = ["ExecutorKind", "LaunchOptions", "LaunchResult", "launch"]
