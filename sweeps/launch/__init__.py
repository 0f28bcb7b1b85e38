"""Everything around a run: pre-flight, executor, signals, progress, report."""

from __future__ import annotations

from sweeps.launch.launch import LaunchOptions, LaunchResult, launch

__all__ = ["LaunchOptions", "LaunchResult", "launch"]
