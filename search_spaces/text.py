"""Spaces as plain data and YAML: the inverse of `search_spaces.parsing`, and the fingerprint."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from search_spaces.parameters import ChoiceParameter, FloatParameter, OrdinalParameter, Parameter, label_of

if TYPE_CHECKING:
    from search_spaces.space import SearchSpace


def space_to_mapping(space: SearchSpace) -> dict[str, Any]:
    """Plain data in the syntax of the file; `space_from_mapping` reads it back to an equal space."""
    mapping: dict[str, Any] = {}
    if space.name != "inline":
        mapping["name"] = space.name
    if space.description:
        mapping["description"] = space.description
    mapping |= {name: parameter_to_mapping(parameter) for name, parameter in space.parameters.items()}
    if space.starting_points:
        mapping["starting_points"] = [dict(point) for point in space.starting_points]
    return mapping


def parameter_to_mapping(parameter: Parameter) -> dict[str, Any]:
    """One parameter in the syntax of the file, defaults left out."""
    mapping: dict[str, Any]
    if isinstance(parameter, (ChoiceParameter, OrdinalParameter)):
        kind = "choice" if isinstance(parameter, ChoiceParameter) else "ordinal"
        values = {label: parameter.values.get(label, label) for label in parameter.labels}
        plain = all(label_of(value) == label for label, value in values.items())
        mapping = {kind: list(values.values()) if plain else values}
    else:
        kind = "float" if isinstance(parameter, FloatParameter) else "int"
        mapping = {kind: [parameter.low, parameter.high]}
        if parameter.log:
            mapping["log"] = True
        if parameter.step is not None and (kind == "float" or parameter.step != 1):
            mapping["step"] = parameter.step
    if parameter.when is not None:
        mapping["when"] = parameter.when.text
    if parameter.description:
        mapping["description"] = parameter.description
    return mapping


def space_fingerprint(space: SearchSpace) -> str:
    """16 hexadecimal digits that are equal for spaces with the same parameters, values and conditions.

    Names, descriptions, starting points, the order of parameters and the order of a choice's labels do not matter.
    """
    canonical = {}
    for name, parameter in space.parameters.items():
        mapping = parameter_to_mapping(parameter)
        mapping.pop("description", None)
        if isinstance(parameter, (ChoiceParameter, OrdinalParameter)):
            pairs = [[label, parameter.values.get(label, label)] for label in parameter.labels]
            kind = "choice" if isinstance(parameter, ChoiceParameter) else "ordinal"
            mapping[kind] = sorted(pairs, key=lambda pair: str(pair[0])) if kind == "choice" else pairs
        canonical[name] = mapping
    return hashlib.sha256(json.dumps(canonical, sort_keys=True).encode()).hexdigest()[:16]
