"""Why flags appear in a study: parameters that go with them, and which of these were tested alone."""

from reports.causes.association import Association, Causes, FlagCount
from reports.causes.find_causes import find_causes

__all__ = ["Association", "Causes", "FlagCount", "find_causes"]
