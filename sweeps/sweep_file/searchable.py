"""Which settings a space may vary, by what names, and whether a space fits them: names, types and ranges of every value."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from search_spaces.errors import key_text, nearest
from search_spaces.space import SearchSpace, continuous_parameters
from sweeps.search.samplers import SAMPLERS
from sweeps.sweep_file.problems import message_for
from trainer.config.settings import DataConfig, ModelConfig, Settings, TrainingConfig, searchable_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from search_spaces.errors import KeyPath
    from search_spaces.parameters import Parameter

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
        if meant := nearest(name, searchable_paths()):
            return f"no such setting; did you mean {meant!r}?"
        reason = "no such setting"
    return f"{reason}; a space may vary {', '.join(path for path in searchable_paths() if '.' not in path)}"


def space_messages(space: SearchSpace, sampler: str, sections: Mapping[str, Settings]) -> list[tuple[str, str]]:
    """What is wrong with a space, each with the key that it is about; `sections` are ``data``, ``model`` and ``training`` of the same sweep."""
    messages = [*name_messages(space), *grid_messages(space, sampler)]
    for name, parameter in space.parameters.items():
        if path := setting_path(name):
            section: Mapping[str, Any] = sections[path[0]].model_dump(mode="json")
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
        message = f"the {sampler} sampler needs finitely many values; give a step, or write a choice of numbers, or use another sampler"
        yield from ((name, message) for name in continuous_parameters(space))


def parts_messages(space: SearchSpace, training: Settings) -> Iterator[tuple[str, str]]:
    """A range of batch sizes with one between its ends that the file's micro-batches do not divide."""
    accumulate: int = training.model_dump()["accumulate"]
    for name, parameter in space.parameters.items():
        if setting_path(name) == ("training", "batch_size") and not parameter.labels:
            inner = [int(value) for value in (parameter.finite_values() or ())[1:-1]]
            if odd := next((value for value in inner if value % accumulate), None):
                yield (
                    name,
                    f"reaches {odd}, which {accumulate} micro-batches (training.accumulate) do not divide; give a step that is a multiple of {accumulate}, or a choice",
                )


def value_messages(parameter: Parameter, section: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Values of `parameter` that its setting would refuse: every label's value, both ends of a range. Each with the keys that lead to it from the parameter.

    `section` is plain data of the section that holds the setting, valid without the parameter.
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
