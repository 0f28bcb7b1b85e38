"""Pre-flight checks: what would spoil a training, found before it starts. No TensorFlow."""

from trainer.preflight.findings import Finding, Severity
from trainer.preflight.preflight import finding_names, preflight
from trainer.records import ModelFacts

__all__ = ["Finding", "ModelFacts", "Severity", "finding_names", "preflight"]
