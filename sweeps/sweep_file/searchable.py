"""Which settings a space may vary, and by what names."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from search_spaces.errors import nearest
from trainer.config import DataConfig, ModelConfig, Settings, TrainingConfig, searchable_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

SECTIONS: Mapping[str, type[Settings]] = {"data": DataConfig, "model": ModelConfig, "training": TrainingConfig}
SettingPath = tuple[str, str]


@cache
def searchable_paths() -> Mapping[str, SettingPath]:
    """Every name of a searchable setting (``training.learning_rate``, and ``learning_rate`` where that is unique) to section and field."""
    full = {f"{section}.{name}": (section, name) for section, settings in SECTIONS.items() for name in searchable_settings(settings)}
    names = [name for _, name in full.values()]
    return full | {name: path for path in full.values() if names.count(name := path[1]) == 1}


def setting_path(name: str) -> SettingPath | None:
    """Section and field that a parameter of a space sets, or None where nothing searchable has that name."""
    return searchable_paths().get(name)


def not_searchable(name: str) -> str:
    """Why a space may not vary `name`, and what it may."""
    section, _, field = name.rpartition(".")
    owners = [section] if section in SECTIONS else [] if section else list(SECTIONS)
    if any(field in SECTIONS[owner].model_fields for owner in owners):
        reason = f"{field} is a setting that is never searched: it is part of what the study is"
    else:
        meant = nearest(name, searchable_paths())
        if meant:
            return f"no such setting; did you mean {meant!r}?"
        reason = "no such setting"
    return f"{reason}; a space may vary {', '.join(path for path in searchable_paths() if '.' not in path)}"
