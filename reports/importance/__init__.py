"""Importance and marginal effects of parameters for stable accuracy and for oscillation."""

from reports.importance.effects import EffectBin, marginal_effects
from reports.importance.find_importance import ParameterImportance, StudyImportance, find_importance

__all__ = ["EffectBin", "ParameterImportance", "StudyImportance", "find_importance", "marginal_effects"]
