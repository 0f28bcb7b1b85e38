"""The sweep file: one typed YAML document."""

from sweeps.sweep_file.settings import (
    BudgetSettings,
    ConfirmSettings,
    ReportSettings,
    ResourceSettings,
    SearchSettings,
    SweepFile,
)

__all__ = ["BudgetSettings", "ConfirmSettings", "ReportSettings", "ResourceSettings", "SearchSettings", "SweepFile"]
