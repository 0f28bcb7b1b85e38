"""Importance and marginal effects of parameters for stable accuracy and for oscillation."""

from reports.importance.find_importance import EffectBin, ParameterImportance, StudyImportance, find_importance, marginal_effects

__all__ = ["EffectBin", "ParameterImportance", "StudyImportance", "find_importance", "marginal_effects"]
