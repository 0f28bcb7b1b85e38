"""Checks a space against the settings that it varies: names, types and ranges of every value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from search_spaces import ChoiceParameter, IntParameter, OrdinalParameter, Parameter, SearchSpace, continuous_parameters, key_text
from search_spaces.labels import label_of
from sweeps.sweep_file.problems import message_for
from sweeps.sweep_file.searchable import SECTIONS, not_searchable, setting_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from search_spaces import KeyPath
    from sweeps.sweep_file.settings import SweepFile


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
    if sampler == "grid":
        for name in continuous_parameters(space):
            yield name, "the grid sampler needs finitely many values; give a step, or write a choice of numbers, or use another sampler"


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
    for keys, value in _tried(parameter):
        try:
            settings.model_validate_json(json.dumps({**section, field: value}), strict=True)
        except ValidationError as error:
            yield keys, message_for(error, settings.model_fields[field], ".".join(path), value)


def _tried(parameter: Parameter) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(parameter, (ChoiceParameter, OrdinalParameter)):
        kind = "choice" if isinstance(parameter, ChoiceParameter) else "ordinal"
        values = [parameter.values.get(label, label) for label in parameter.labels]
        listed = all(label_of(value) == label for label, value in zip(parameter.labels, values, strict=True))
        for index, (label, value) in enumerate(zip(parameter.labels, values, strict=True)):
            yield (kind, index if listed else label), value
        return
    kind = "int" if isinstance(parameter, IntParameter) else "float"
    for index, end in enumerate((parameter.low, parameter.high)):
        yield (kind, index), int(end) if kind == "int" else float(end)
