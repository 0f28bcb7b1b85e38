"""Applies a point of the space to the settings of a sweep.

Checks a space against the settings that it varies: names, types and ranges of every value.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from search_spaces import Parameter, PointValue, SearchSpace, continuous_parameters, key_text
from sweeps.errors import SweepInputError
from sweeps.search.samplers import SAMPLERS
from sweeps.sweep_file.problems import message_for
from sweeps.sweep_file.searchable import SECTIONS, SettingPath, not_searchable, setting_path
from trainer.config import TrainConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from search_spaces import KeyPath
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
        if parameter.labels and value not in parameter.labels:
            raise SweepInputError(f"{name}: no label {value!r}, expected one of {', '.join(parameter.labels)}")
        settings[path] = parameter.setting(value)
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


def space_messages(sweep: SweepFile) -> list[tuple[str, str]]:
    """What is wrong with the space of `sweep`, each with the parameter's name."""
    messages = [*name_messages(sweep.space), *grid_messages(sweep.space, sweep.search.sampler)]
    for name, parameter in sweep.space.parameters.items():
        path = setting_path(name)
        if path is not None:
            section: Mapping[str, Any] = getattr(sweep, path[0]).model_dump(mode="json")
            messages += [(key_text((name, *keys)), message) for keys, message in value_messages(parameter, section)]
    return messages


def name_messages(space: SearchSpace) -> Iterator[tuple[str, str]]:
    """Parameters that no searchable setting answers to, and settings that two parameters set."""
    owners: dict[tuple[str, str], str] = {}
    for name in space.parameters:
        path = setting_path(name)
        if path is None:
            yield name, not_searchable(name)
        elif path in owners:
            yield name, f"sets {'.'.join(path)}, which {owners[path]} sets already; remove one of the two"
        else:
            owners[path] = name


def grid_messages(space: SearchSpace, sampler: str) -> Iterator[tuple[str, str]]:
    """A grid needs finitely many values."""
    if sampler in SAMPLERS and SAMPLERS[sampler].finite:
        for name in continuous_parameters(space):
            yield (
                name,
                f"the {sampler} sampler needs finitely many values; give a step, or write a choice of numbers, or use another sampler",
            )


def value_messages(parameter: Parameter, section: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Values of `parameter` that its setting would refuse: every label's value, both ends of a range. Each with the keys that lead to it from the parameter.

    Args:
        parameter: its name is that of a searchable setting.
        section: plain data of the section that holds the setting, valid without the parameter.
    """
    path = setting_path(parameter.name)
    if path is None:
        return
    settings, field = SECTIONS[path[0]], path[1]
    for keys, value in parameter.tried():
        try:
            settings.model_validate_json(json.dumps({**section, field: value}), strict=True)
        except ValidationError as error:
            yield keys, message_for(error, settings.model_fields[field], ".".join(path), value)
