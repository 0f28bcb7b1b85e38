"""Applies a point of the space to the settings of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from search_spaces import ChoiceParameter, OrdinalParameter, PointValue, canonical_value, contains
from sweeps.errors import SweepInputError
from sweeps.sweep_file.searchable import SECTIONS, SettingPath, not_searchable, setting_path
from trainer.config import TrainConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweeps.sweep_file.settings import SweepFile


def point_settings(sweep: SweepFile, point: Mapping[str, PointValue]) -> dict[SettingPath, Any]:
    """What a point gives to which settings: labels resolved to values, steps without rounding, inactive parameters left out.

    Args:
        sweep: its space holds the parameters.
        point: parameter names to values or labels; parameters left out keep the setting of the file.

    Raises:
        SweepInputError: a parameter that the space does not have, or a label that is gone from it.
    """
    settings: dict[SettingPath, Any] = {}
    unknown = [name for name in point if name not in sweep.space.parameters]
    if unknown:
        raise SweepInputError(f"{', '.join(unknown)}: not in the space, which has {', '.join(sweep.space.parameters) or 'no parameters'}")
    for name, value in sweep.space.active(point).items():
        parameter, path = sweep.space.parameters[name], setting_path(name)
        if path is None:
            raise SweepInputError(f"space.{name}: {not_searchable(name)}")
        if not isinstance(parameter, (ChoiceParameter, OrdinalParameter)):
            settings[path] = canonical_value(parameter, value) if contains(parameter, value) else value
        elif value in parameter.labels:
            settings[path] = parameter.values.get(str(value), value)
        else:
            raise SweepInputError(f"{name}: no label {value!r}, expected one of {', '.join(parameter.labels)}")
    return settings


def train_config(sweep: SweepFile, point: Mapping[str, PointValue], seed: int) -> TrainConfig:
    """The training of one configuration with one seed.

    Args:
        sweep: what is fixed.
        point: what is varied; see `point_settings`.
        seed: of initial weights, data order, augmentation and dropout.

    Raises:
        SweepInputError: the point does not belong to the space, or its settings contradict each other.
    """
    sections = {section: getattr(sweep, section).model_dump() for section in SECTIONS}
    for (section, field), value in point_settings(sweep, point).items():
        sections[section][field] = value
    try:
        return TrainConfig(**sections, metric=sweep.search.metric, seed=seed, allow=sweep.allow)
    except ValidationError as error:
        found = [
            f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg'].removeprefix('Value error, ')}" for detail in error.errors()
        ]
        raise SweepInputError("; ".join(found)) from None
