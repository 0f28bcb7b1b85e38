"""Sweeps in other people's tools: TensorBoard and MLflow, each through its own library."""

from sweeps.tracking.tracker import Tracker, check_trackers, open_trackers

__all__ = ["Tracker", "check_trackers", "open_trackers"]
