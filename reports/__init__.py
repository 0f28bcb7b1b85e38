"""Stability statistics, flags, ranking, diagnosis and the HTML report. Knows no TensorFlow and no Ray."""

from reports.stability import stable_score

__all__ = ["stable_score"]
