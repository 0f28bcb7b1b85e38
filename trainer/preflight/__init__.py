"""Pre-flight checks: what would spoil a training, found before it starts."""

from trainer.preflight.facts import ModelFacts
from trainer.preflight.finding import Finding, Severity

__all__ = ["Finding", "ModelFacts", "Severity"]
