"""Points that somebody asks to be trained, by ``steadysweep add`` or by Optuna's ``enqueue_trial``: read as the space reads its starting points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from search_spaces.errors import meant, shown
from search_spaces.label_parameters import label_of
from search_spaces.narrowing import inactive
from sweeps.errors import SweepInputError
from sweeps.sweep_file.searchable import setting_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from search_spaces.conditions import PointValue
    from search_spaces.space import SearchSpace


def point_asked_for(space: SearchSpace, given: Mapping[str, Any]) -> dict[str, PointValue]:
    """The values that are asked for, as a part of a point; what it leaves open is drawn.

    Args:
        space: the study's.
        given: name of a parameter, or of the setting that it gives, to a value or a label.

    Raises:
        SweepInputError: everything that is not of the space.
    """
    names = {path: name for name in space.parameters if (path := setting_path(name)) is not None}
    point: dict[str, PointValue] = {}
    problems: list[str] = []
    for key, value in given.items():
        path = setting_path(str(key))
        name = str(key) if str(key) in space.parameters else names.get(path, "") if path is not None else ""
        if not name:
            there = f"the space varies {', '.join(space.parameters) or 'nothing'}"
            problems.append(f"{key}: no parameter of the study's space; {meant(str(key), space.parameters, there)}")
            continue
        parameter = space.parameters[name]
        value_or_label = label_of(value) if parameter.labels else value
        if not parameter.contains(value_or_label):
            problems.append(f"{key}: expected {parameter.allowed}, got {shown(value)}")
            continue
        point[name] = parameter.canonical(value_or_label)
    for name in inactive(point, space.parameters):
        when = space.parameters[name].when
        problems.append(f"{name}: is not active in this point (when: {when.text if when else ''}); leave it out")
    if problems:
        raise SweepInputError("; ".join(problems))
    return point
