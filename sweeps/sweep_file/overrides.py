"""Applies ``--set KEY=VALUE`` to the plain data of a sweep file."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from search_spaces import KeyPath, Located, Problem, SpaceError, load_yaml
from sweeps.sweep_file.problems import key_homes, unknown_key
from sweeps.sweep_file.searchable import searchable_paths, setting_path
from sweeps.sweep_file.settings import SweepFile

if TYPE_CHECKING:
    from collections.abc import Sequence


def apply_overrides(document: Located, overrides: Sequence[str]) -> tuple[Located, frozenset[KeyPath], list[Problem]]:
    """`document` with each override in its place.

    Args:
        document: plain data of a sweep file.
        overrides: ``KEY=VALUE``; KEY is a full path (``training.epochs``, ``space.learning_rate``) or the short name of a searchable setting, VALUE is YAML.

    Returns:
        The document, the paths that were set, and what is wrong with the overrides.
    """
    value, places = copy.deepcopy(document.value), dict(document.places)
    done: set[KeyPath] = set()
    problems: list[Problem] = []
    for override in overrides:
        key, equals, text = override.partition("=")
        where = f"--set {key.strip()}"
        if not equals or not key.strip():
            problems.append(Problem(where, (), "expected KEY=VALUE; write e.g. --set training.epochs=30"))
            continue
        path = _path(key.strip())
        if isinstance(path, str):
            problems.append(Problem(where, (), path))
            continue
        try:
            parsed = load_yaml(text, where).value
        except SpaceError as error:
            problems += [Problem(where, problem.path, problem.message) for problem in error.problems]
            continue
        refused = _set(value, path, parsed)
        if refused:
            problems.append(Problem(where, (), refused))
            continue
        for below in [place for place in places if place[: len(path)] == path]:
            del places[below]
        places[path] = where
        done.add(path)
    return Located(value, document.file, places), frozenset(done), problems


def _path(key: str) -> KeyPath | str:
    """The path that a key of the command line means, or what is wrong with it."""
    first, _, rest = key.partition(".")
    if first == "space" and rest:
        return ("space", rest)
    if first in SweepFile.model_fields:
        return tuple(key.split("."))
    path = setting_path(key)
    return path or unknown_key(key, [*SweepFile.model_fields, *searchable_paths()], key_homes(SweepFile))


def _set(value: Any, path: KeyPath, parsed: Any) -> str:  # noqa: ANN401 - plain data
    """Put `parsed` at `path`, making mappings on the way; returns why it cannot."""
    if path[0] == "space" and len(path) > 1 and isinstance(value.get("space"), str):
        value["space"] = {"extends": value["space"]}
    for index, part in enumerate(path[:-1]):
        inner = value.setdefault(part, {})
        if not isinstance(inner, dict):
            return f"{'.'.join(map(str, path[: index + 1]))} is not a mapping in the file; set it as a whole"
        value = inner
    value[path[-1]] = parsed
    return ""
