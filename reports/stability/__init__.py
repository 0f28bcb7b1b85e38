"""Level, stable and spread of a learning curve: one score for sampler, pruner, ranking, early stopping and report.

NumPy only; imports nothing else of ours.
"""

from reports.stability.score import StabilityScore, level, stability, stable, stable_score

__all__ = ["StabilityScore", "level", "stability", "stable", "stable_score"]
