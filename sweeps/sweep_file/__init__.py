"""The sweep file: one typed YAML document."""

from sweeps.record.storage import check_storage
from sweeps.sweep_file.comparison import Comparison, Difference, compare, history_obstacles
from sweeps.sweep_file.configuration import absolute_config, configuration_id, effective_settings, point_settings, train_config
from sweeps.sweep_file.loading import load_sweep_file, sweep_from_text
from sweeps.sweep_file.runtime import RuntimeSettings, duration_text, parse_duration
from sweeps.sweep_file.searchable import searchable_paths, setting_path
from sweeps.sweep_file.settings import (
    BudgetSettings,
    ConfirmSettings,
    NotifySettings,
    ReportSettings,
    ResourceSettings,
    SearchSettings,
    SweepFile,
    TrackingSettings,
)
from sweeps.variables import expand, has_literal_password, masked

__all__ = [
    "BudgetSettings",
    "Comparison",
    "ConfirmSettings",
    "Difference",
    "NotifySettings",
    "ReportSettings",
    "ResourceSettings",
    "RuntimeSettings",
    "SearchSettings",
    "SweepFile",
    "TrackingSettings",
    "absolute_config",
    "check_storage",
    "compare",
    "configuration_id",
    "duration_text",
    "effective_settings",
    "expand",
    "has_literal_password",
    "history_obstacles",
    "load_sweep_file",
    "masked",
    "parse_duration",
    "point_settings",
    "searchable_paths",
    "setting_path",
    "sweep_from_text",
    "train_config",
]
