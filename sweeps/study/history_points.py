"""Trials of one study as points of another's space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from search_spaces import ChoiceParameter, OrdinalParameter, canonical_value, contains
from sweeps.configuration import effective_settings, searchable_values
from sweeps.errors import SweepInputError
from sweeps.sweep_file import setting_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from search_spaces import Parameter, PointValue
    from sweeps.sweep_file import SweepFile

OUTSIDE = "outside the new space"
RELABELLED = "values of its labels are no longer known"


class HistoryPoints:
    """Finds the point of a new sweep that trains exactly as a trial of an old one did.

    Args:
        old: the file of the study that the trials are from.
        new: the file of the new study.
        boundaries: see `sweeps.configuration.effective_settings`.
    """

    def __init__(self, old: SweepFile, new: SweepFile, boundaries: Mapping[str, str]) -> None:
        self._old = old
        self._new = new
        self._boundaries = boundaries

    def find(self, params: Mapping[str, PointValue]) -> dict[str, PointValue] | str:
        """The point of the new space, or why there is none."""
        try:
            values = searchable_values(self._old, params)
            effective = effective_settings(self._old, params, self._boundaries)
        except SweepInputError:
            return RELABELLED
        point: dict[str, PointValue] = {}
        for name, parameter in self._new.space.parameters.items():
            path = setting_path(name)
            if path is None or not (parameter.when is None or parameter.when.holds(point)):
                continue
            value = _value_in(parameter, values[".".join(path)])
            if value is None:
                return OUTSIDE
            point[name] = value
        return point if effective_settings(self._new, point, self._boundaries) == effective else OUTSIDE


def _value_in(parameter: Parameter, setting: Any) -> PointValue | None:  # noqa: ANN401 - a setting's value
    """The point's value that gives a setting this value, or None."""
    if isinstance(parameter, (ChoiceParameter, OrdinalParameter)):
        wanted = _plain(setting)
        return next((label for label in parameter.labels if _plain(parameter.values.get(label, label)) == wanted), None)
    return canonical_value(parameter, setting) if contains(parameter, setting) else None


def _plain(value: Any) -> Any:  # noqa: ANN401 - plain data
    """Lists for tuples."""
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
