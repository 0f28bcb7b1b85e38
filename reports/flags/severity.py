"""How much a finding matters, by one figure and two bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.flags.flag import Severity


def grade(value: float, *, medium: float, high: float) -> Severity:
    """``high`` from `high` upwards, ``medium`` from `medium` upwards, else ``low``."""
    return "high" if value >= high else "medium" if value >= medium else "low"
