"""The settings that a trial of a sweep was trained with: its searched parameters over what the sweep file fixes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from search_spaces import SpaceError, load_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.records import StudyRecord, TrialRecord

_SECTIONS = ("data", "model", "training")
_MISSING = object()


class StudySettings:
    """Looks settings up in a study's resolved sweep file, which spells every one out.

    Args:
        study: its record; without a sweep file that reads as YAML only searched settings are known.
    """

    def __init__(self, study: StudyRecord) -> None:
        self._content = _read(study.sweep_file)
        space = self._content.get("space")
        self._space: Mapping[str, Any] = space if isinstance(space, dict) else {}
        self._conditions = {parameter.name: parameter.condition or "" for parameter in study.parameters}

    def of(self, trial: TrialRecord, section: str, name: str) -> object:
        """The value of ``section.name`` in a trial, or None where it is not known."""
        searched = self.searched(trial, name)
        if searched is not None:
            return searched
        settings = self._content.get(section)
        return settings.get(name) if isinstance(settings, dict) else None

    def searched(self, trial: TrialRecord, name: str) -> object:
        """The value of a searched setting by its short name, or None where it is not searched or not active; a label stands for its value."""
        for key, value in trial.params.items():
            if _short(key) == name:
                return self._value(key, value)
        return None

    def alike_but_for(self, name: str, first: TrialRecord, second: TrialRecord) -> bool:
        """Whether two trials differ in the searched setting `name`, in what depends on it, and in nothing else."""
        keys = {*first.params, *second.params}
        for key in keys:
            if _short(key) == name or name in self._conditions.get(key, ""):
                continue
            if first.params.get(key, _MISSING) != second.params.get(key, _MISSING):
                return False
        return True

    def _value(self, key: str, label: object) -> object:
        """What a label of a choice or ordinal stands for; numbers of an ordinal are told as text."""
        entry = self._space.get(key)
        if not isinstance(entry, dict):
            return label
        for kind in ("choice", "ordinal"):
            choices = entry.get(kind)
            if isinstance(choices, dict) and label in choices:
                return choices[label]
            if isinstance(choices, list):
                return next((choice for choice in choices if str(choice) == str(label)), label)
        return label


def _short(key: str) -> str:
    section, _, name = key.rpartition(".")
    return name if section in _SECTIONS else key


def _read(text: str) -> Mapping[str, Any]:
    if not text:
        return {}
    try:
        content = load_yaml(text, "the study's sweep file").value
    except SpaceError:
        return {}
    return content if isinstance(content, dict) else {}
