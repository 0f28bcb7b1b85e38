"""Reads a sweep file and applies ``--set KEY=VALUE``: defaults < shipped space < file < ``--set``. Every problem of a file is reported at once."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from search_spaces.errors import KeyPath, Problem, SpaceError, shown
from search_spaces.located_yaml import Located, load_yaml, load_yaml_file
from search_spaces.narrowing import fix
from search_spaces.parsing import RESERVED, parse_space
from search_spaces.space import SearchSpace
from sweeps.errors import SweepInputError
from sweeps.sweep_file.configuration import train_config
from sweeps.sweep_file.problems import key_homes, problems_of, unknown_key, without_problem
from sweeps.sweep_file.searchable import (
    SECTIONS,
    grid_messages,
    name_messages,
    not_searchable,
    searchable_paths,
    setting_path,
    value_messages,
)
from sweeps.sweep_file.settings import SPACE_OF_CONTEXT, SweepFile, combination_problems
from sweeps.variables import IN_THE_CLEAR, has_literal_password

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


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
    if path[0] == "confirm" and len(path) > 1 and isinstance(value.get("confirm"), str):
        value["confirm"] = {}
    for index, part in enumerate(path[:-1]):
        inner = value.setdefault(part, {})
        if not isinstance(inner, dict):
            return f"{'.'.join(map(str, path[: index + 1]))} is not a mapping in the file; set it as a whole"
        value = inner
    value[path[-1]] = parsed
    return ""


def load_sweep_file(path: str | Path, overrides: Sequence[str] = ()) -> SweepFile:
    """Read and check a sweep file.

    Args:
        path: the YAML file; space files it names are relative to its folder, other paths to the current folder.
        overrides: ``KEY=VALUE`` texts, which win over the file; a fixed value takes its parameter out of the space.

    Raises:
        SweepInputError: with every problem found, one line each: ``FILE:LINE: KEY: what was expected, what was found``.
    """
    return _resolve(partial(load_yaml_file, path), Path(path).parent, overrides)


def sweep_from_text(text: str, file: str = "sweep file", overrides: Sequence[str] = ()) -> SweepFile:
    """Read and check the text of a sweep file, called `file` in messages, e.g. the resolved one that a study keeps.

    As `load_sweep_file`; space files it names are relative to the current folder.
    """
    return _resolve(partial(load_yaml, text, file), Path(), overrides)


@dataclass(frozen=True)
class PartlyRead:
    """A sweep file as far as it can be read.

    Attributes:
        sweep: the file without what is wrong in it; None where too little is left to be looked at.
        error: everything that is wrong; None where nothing is.
        assumed: what `sweep` has in place of that, e.g. ``training.learnig_rate read as learning_rate``.
    """

    sweep: SweepFile | None
    error: SweepInputError | None = None
    assumed: tuple[str, ...] = ()


MOST_ROUNDS = 5
"""Problems may hide others: a section that is no mapping, and what is wrong inside."""


def read_in_part(file: str | Path, overrides: Sequence[str] = ()) -> PartlyRead:
    """Read a sweep file; with problems, read what is left without them, so that the data and the model can be looked at in the same run.

    Args:
        file: the YAML file.
        overrides: ``KEY=VALUE`` texts.
    """
    try:
        return PartlyRead(load_sweep_file(file, overrides))
    except SweepInputError as error:
        first = error
    try:
        document, overridden, problems = apply_overrides(_mapping(load_yaml_file(file)), overrides)
    except (SpaceError, SweepInputError):
        return PartlyRead(None, first)
    found: Sequence[Problem] = first.problems
    told, assumed, renamed = list(found), list[str](), set[KeyPath]()
    for _ in range(MOST_ROUNDS):
        for problem in found:
            if problem in problems:
                continue  # of an option that cannot be applied: the document is without it
            change, path = without_problem(document.value, problem.path, SweepFile)
            if not change:
                return PartlyRead(None, first)
            assumed.append(change)
            if path is not None:
                renamed.add(path)
                document.places[path] = problem.where  # type: ignore[index]  # of ours: `apply_overrides` copied it
        problems = []
        try:
            return PartlyRead(_resolved(document, overridden, [], Path(file).parent), SweepInputError.of(told), tuple(assumed))
        except SweepInputError as error:
            found = error.problems
            told += [problem for problem in found if problem.path in renamed]
    return PartlyRead(None, first)


def _mapping(document: Located) -> Located:
    if not isinstance(document.value, dict):
        message = f"expected a mapping with study, data and space, got {shown(document.value)}; start from 'steadysweep init DATA_DIR'"
        raise SweepInputError.of([document.problem((), message)])
    return document


def _resolve(read: Callable[[], Located], folder: Path, overrides: Sequence[str]) -> SweepFile:
    try:
        document = read()
    except SpaceError as error:
        raise SweepInputError.of(error.problems) from None
    return _resolved(*apply_overrides(_mapping(document), overrides), folder)


def _resolved(document: Located, overridden: frozenset[KeyPath], problems: list[Problem], folder: Path) -> SweepFile:
    """The sweep file of a document; `problems` are those of the options."""
    document = Located(copy.deepcopy(document.value), document.file, dict(document.places))
    space = None
    if "space" in document.value:
        try:
            # an empty mapping is a study of one configuration
            space = SearchSpace({}) if document.value["space"] == {} else parse_space(document, ("space",), folder=folder)
        except SpaceError as error:
            problems += error.problems
            problems += _unknown_names(document, {problem.path for problem in error.problems})
    if space is not None:
        problems += [document.problem(("space", name), message) for name, message in name_messages(space)]
        space, refused = _unfixed(document, space, overridden)
        problems += refused
    sweep, refused = _validated(document, space or SearchSpace({}))
    problems += [*refused, *_secret_problems(document)]
    if space is not None:
        problems += _value_problems(document, space, {problem.path[0] for problem in refused if problem.path})
        sampler = sweep.search.sampler if sweep else ""
        problems += [document.problem(("space", name), message) for name, message in grid_messages(space, sampler)]
    if sweep is not None:
        problems += _pruner_problems(document, sweep)
        problems += [document.problem(keys, message) for keys, message in combination_problems(sweep)]
    if problems or sweep is None:
        raise SweepInputError.of(sorted(problems, key=lambda problem: _order(document, problem)))
    _check_points(document, sweep)
    return sweep


def _secret_problems(document: Located) -> list[Problem]:
    """Passwords in places of data, which are stored with the study too; those of ``storage`` and ``storage_path`` are refused by their types."""
    data = document.value.get("data")
    found = [(key, data.get(key)) for key in ("source", "cache_path")] if isinstance(data, dict) else []
    given = [(key, url) for key, value in found for url in (value if isinstance(value, list) else [value]) if isinstance(url, str)]
    return [document.problem(("data", key), IN_THE_CLEAR) for key, url in given if has_literal_password(url)]


def _unknown_names(document: Located, refused: set[KeyPath]) -> list[Problem]:
    """Parameters of a space that cannot be read whose names mean no setting, unless they are refused already."""
    given = document.value["space"]
    names = [name for name in given if name not in RESERVED and ("space", name) not in refused] if isinstance(given, dict) else []
    return [document.problem(("space", name), not_searchable(name)) for name in names if setting_path(name) is None]


def _unfixed(document: Located, space: SearchSpace, overridden: frozenset[KeyPath]) -> tuple[SearchSpace, list[Problem]]:
    """`space` without the parameters whose setting is given a value; the document's value goes where ``--set space.NAME`` wins over it.

    A setting in the file wins over a shipped or extended space. Given beside a parameter of the file's own space it is a contradiction.
    """
    given = document.value["space"]
    problems: list[Problem] = []
    for name in list(space.parameters):
        path = setting_path(name)
        section = document.value.get(path[0]) if path else None
        if path is None or name not in space.parameters or not isinstance(section, dict) or path[1] not in section:
            continue
        own = isinstance(given, dict) and name in given
        searched_by_option = own and bool(overridden & {("space",), ("space", name)})
        fixed_by_option = bool(overridden & {path, path[:1]})
        if searched_by_option and not fixed_by_option:
            del section[path[1]]
        elif own and (searched_by_option or not fixed_by_option):
            searched = document.where(("space", name))
            message = f"is given a value here and is searched too ({searched}: space.{name}); remove one of the two"
            problems.append(document.problem(path, message))
        else:
            space = fix(space, name, section[path[1]])
    return space, problems


def _validated(document: Located, space: SearchSpace) -> tuple[SweepFile | None, list[Problem]]:
    """The document as a `SweepFile`. Strict JSON rules: text is not a number, true is not 1, 3.0 is not a whole number."""
    data = dict(document.value)
    if "space" in data:
        data["space"] = SPACE_OF_CONTEXT
    try:
        return SweepFile.model_validate_json(json.dumps(data), strict=True, context={"space": space}), []
    except ValidationError as error:
        return None, problems_of(error, document, SweepFile)


def _value_problems(document: Located, space: SearchSpace, broken: set[str | int]) -> list[Problem]:
    """Values of the space that their settings refuse. A section that is wrong itself is replaced by its defaults."""
    problems: list[Problem] = []
    for name, parameter in space.parameters.items():
        path = setting_path(name)
        if path is None:
            continue
        section = _plain_section(document.value, path[0], broken)
        problems += [document.problem(("space", name, *keys), message) for keys, message in value_messages(parameter, section)]
    return problems


def _plain_section(data: Mapping[str, Any], section: str, broken: set[str | int]) -> Mapping[str, Any]:
    if section not in broken and isinstance(given := data.get(section, {}), dict):
        return given
    return dict.fromkeys((name for name, field in SECTIONS[section].model_fields.items() if field.is_required()), "digits")


def _pruner_problems(document: Located, sweep: SweepFile) -> list[Problem]:
    from sweeps.search.pruning import make_pruner

    try:
        make_pruner(sweep.search.pruner, sweep.search.pruner_options, sweep.training.epochs)
    except SweepInputError as error:
        return [document.problem(("search", "pruner_options"), str(error).removeprefix("search.pruner_options: "))]
    return []


def _check_points(document: Located, sweep: SweepFile) -> None:
    """Settings that agree one by one may still contradict each other: the plain settings and every starting point must make a training."""
    for index, point in enumerate(({}, *sweep.space.starting_points)):
        try:
            train_config(sweep, point, sweep.search.seed)
        except SweepInputError as error:
            path: KeyPath = ("space", "starting_points", index - 1) if index else ()
            raise SweepInputError.of([document.problem(path, str(error))]) from None


def _order(document: Located, problem: Problem) -> tuple[bool, int]:
    """Problems of the file by line, then those of options and other files."""
    file, _, line = problem.where.rpartition(":")
    return (file != document.file, int(line) if line.isdigit() else 0)
