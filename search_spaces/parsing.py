"""Reads search spaces: a shipped one by name, a file, or a mapping inside a sweep file.

A space is a mapping of parameter names to parameters, with four more keys: ``extends`` (a shipped space or a file to start from), ``starting_points``,
``description`` and ``name``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.conditions import ConditionError, names_in, parse_condition
from search_spaces.errors import KeyPath, Problem, SpaceError, nearest, shown
from search_spaces.label_parameters import ChoiceParameter, OrdinalParameter, label_of
from search_spaces.located_yaml import Located, load_yaml, load_yaml_file
from search_spaces.narrowing import fitting_points, inactive, restate
from search_spaces.number_parameters import FloatParameter, IntParameter
from search_spaces.parameters import Parameter, RefusedError
from search_spaces.space import SearchSpace, shipped_names, shipped_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from search_spaces.conditions import PointValue, When

KINDS: dict[str, type[Parameter]] = {kind.kind: kind for kind in (FloatParameter, IntParameter, ChoiceParameter, OrdinalParameter)}
"""Kinds of parameters by the word that says them in a file; a further kind is its class and its name here."""

EXAMPLE = "write e.g. {float: [1.0e-5, 1.0e-2], log: true}, {int: [1, 8]}, {choice: [adam, sgd]} or {ordinal: [none, 50%, all]}"

RESERVED = ("extends", "starting_points", "description", "name")


def parse_space(document: Located, path: KeyPath = (), *, folder: Path | None = None, name: str = "inline") -> SearchSpace:
    """The space at `path` of a document: the name of a shipped space, the path of a file, or the space itself.

    Args:
        document: plain data with places.
        path: keys to the space; empty when the document is the space.
        folder: what the path of a space file is relative to; default: the current folder.
        name: name of a space that does not give its own.

    Raises:
        SpaceError: with every problem found.
    """
    return _parse(document, path, folder or Path(), name, ())


def load_space(name_or_path: str, folder: Path | None = None) -> SearchSpace:
    """A shipped space by name, or a space file.

    Raises:
        SpaceError: there is none of this name, or the file is wrong.
    """
    return parse_space(Located(name_or_path, name_or_path), folder=folder)


def space_from_mapping(mapping: Mapping[str, Any], file: str = "inline") -> SearchSpace:
    """A space from plain Python data in the syntax of the file.

    Raises:
        SpaceError: with every problem found.
    """
    return parse_space(Located(dict(mapping), file))


def _parse(document: Located, path: KeyPath, folder: Path, name: str, opened: tuple[str, ...]) -> SearchSpace:
    given = _below(document, path)
    if isinstance(given, str):
        return _referenced(document, path, given, folder, opened)
    if not isinstance(given, dict) or not given:
        known = ", ".join(shipped_names())
        raise SpaceError(
            document.problem(path, f"expected a shipped space ({known}), a file or a mapping of parameters, got {shown(given)}; {EXAMPLE}")
        )
    base = SearchSpace({})
    if "extends" in given:
        if not isinstance(given["extends"], str):
            raise SpaceError(document.problem((*path, "extends"), f"expected a shipped space or a file, got {shown(given['extends'])}"))
        base = _referenced(document, (*path, "extends"), given["extends"], folder, opened)
        name = base.name
    return _Space(document, path, given, base).read(name)


def _referenced(document: Located, path: KeyPath, given: str, folder: Path, opened: tuple[str, ...]) -> SearchSpace:
    """A shipped space, or a space file."""
    if given in opened:
        chain = " -> ".join((*opened[opened.index(given) :], given))
        raise SpaceError(document.problem(path, f"spaces extend each other in a circle: {chain}"))
    if given in shipped_names():
        return _parse(load_yaml(shipped_text(given), f"{given}.yaml (shipped)"), (), folder, given, (*opened, given))
    if given.endswith((".yaml", ".yml")) or "/" in given:
        file = folder / given
        if not file.is_file():
            raise SpaceError(document.problem(path, f"no space file {str(file)!r}; its path is relative to the file that names it"))
        return _parse(load_yaml_file(file), (), file.parent, file.stem, (*opened, given))
    meant = nearest(given, shipped_names())
    hint = f"did you mean {meant!r}?" if meant else "a file's name ends in .yaml"
    message = f"expected a shipped space ({', '.join(shipped_names())}), a file or a mapping of parameters, got {given!r}; {hint}"
    raise SpaceError(document.problem(path, message))


class _Space:
    """Reads the keys of one space and gathers its problems."""

    def __init__(self, document: Located, path: KeyPath, given: Mapping[str, Any], base: SearchSpace) -> None:
        self.document = document
        self.path = path
        self.given = given
        self.base = base
        self.problems: list[Problem] = []

    def read(self, name: str) -> SearchSpace:
        """The space, or all problems at once."""
        parameters = self._parameters()
        if not parameters and not self.problems:
            self._refuse((), f"expected at least one parameter; {EXAMPLE}")
        points = fitting_points(self.base.starting_points, parameters)
        if "starting_points" in self.given and not self.problems:
            points = self._starting_points(parameters)
        space = SearchSpace(parameters, points, self._text("name", name), self._text("description", self.base.description))
        if self.problems:
            raise SpaceError(*self.problems)
        return space

    def _parameters(self) -> dict[str, Parameter]:
        """Inherited parameters in their order, replaced where given anew; then the new ones."""
        parameters: dict[str, Parameter] = {}
        own = [key for key in self.given if key not in RESERVED]
        broken: set[str] = set()
        for name in dict.fromkeys((*self.base.parameters, *own)):
            if name not in own:
                self._inherit(self.base.parameters[name], parameters)
                continue
            meant = nearest(name, RESERVED, 0.7)
            if meant and not isinstance(self.given[name], dict):
                self._refuse((name,), f"unknown key; did you mean {meant!r}?")
                continue
            parsed = _parse_parameter(self.document, (*self.path, name), self.given[name], parameters)
            if not isinstance(parsed, list):
                parameters[name] = parsed
                continue
            broken.add(name)
            blamed = names_in(str(when)) if isinstance(self.given[name], dict) and (when := self.given[name].get("when")) else ()
            if not broken.intersection(blamed) - {name}:  # a condition on a parameter that is wrong itself says nothing new
                self.problems += [self._explained(problem, name, own) for problem in parsed]
            else:
                self.problems += [problem for problem in parsed if problem.path[-1] != "when"]
        return parameters

    def _explained(self, problem: Problem, name: str, own: list[str]) -> Problem:
        """Adds to the problem of a condition that it is cyclic, or names a later parameter."""
        if problem.path[-1] != "when" or "not a parameter defined above" not in problem.message:
            return problem
        needs = {key: names_in(str(self.given[key].get("when", ""))) for key in own if isinstance(self.given[key], dict)}
        cycle = _cycle(name, needs)
        if cycle:
            return replace(problem, message=f"conditions depend on each other in a circle: {' -> '.join(cycle)}; remove one of them")
        later = [needed for needed in needs.get(name, ()) if needed in own and own.index(needed) > own.index(name)]
        if later:
            return replace(problem, message=f"names {later[0]!r}, which is defined later; move {later[0]} above {name}")
        return problem

    def _inherit(self, parameter: Parameter, parameters: dict[str, Parameter]) -> None:
        try:
            when = restate(parameter.when, parameters) if parameter.when else None
        except ValueError as error:
            self._refuse((), f"inherited parameter {parameter.name}: {error}; define {parameter.name} here too")
            return
        if parameter.when is None or when is not None:
            parameters[parameter.name] = parameter.with_condition(when)

    def _starting_points(self, parameters: Mapping[str, Parameter]) -> tuple[Mapping[str, PointValue], ...]:
        given = self.given["starting_points"]
        if not isinstance(given, list):
            self._refuse(("starting_points",), f"expected a list of points, got {shown(given)}; write e.g. [{{learning_rate: 1.0e-3}}]")
            return ()
        return tuple(self._starting_point(index, point, parameters) for index, point in enumerate(given))

    def _starting_point(self, index: int, given: object, parameters: Mapping[str, Parameter]) -> Mapping[str, PointValue]:
        keys: KeyPath = ("starting_points", index)
        if not isinstance(given, dict):
            self._refuse(keys, f"expected a mapping of parameter to value, got {shown(given)}; write e.g. {{learning_rate: 1.0e-3}}")
            return {}
        point: dict[str, PointValue] = {}
        for name, value in given.items():
            parameter = parameters.get(name)
            if parameter is None:
                meant = nearest(name, parameters)
                hint = f"did you mean {meant!r}?" if meant else f"it has {', '.join(parameters)}"
                self._refuse((*keys, name), f"no parameter of this space; {hint}")
                continue
            found = label_of(value) if parameter.labels else value
            if not parameter.contains(found):
                self._refuse((*keys, name), f"expected {parameter.allowed}, got {shown(value)}")
                continue
            point[name] = parameter.canonical(found)
        for name in inactive(point, parameters):
            when = parameters[name].when
            self._refuse((*keys, name), f"is not active in this point (when: {when.text if when else ''}); remove it")
        return {name: point[name] for name in parameters if name in point}

    def _text(self, key: str, default: str) -> str:
        text = self.given.get(key, default)
        if isinstance(text, str):
            return text.strip()
        self._refuse((key,), f"expected text, got {shown(text)}")
        return default

    def _refuse(self, keys: KeyPath, message: str) -> None:
        self.problems.append(self.document.problem((*self.path, *keys), message))


def _below(document: Located, path: KeyPath) -> Any:  # noqa: ANN401 - unchecked input
    value = document.value
    for key in path:
        value = value[key]
    return value


def _cycle(start: str, needs: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """A chain of conditions that leads from `start` back to it, or nothing."""
    chains: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while chains:
        chain = chains.pop()
        for needed in needs.get(chain[-1], ()):
            if needed == start:
                return (*chain, start)
            if needed not in seen:
                seen.add(needed)
                chains.append((*chain, needed))
    return ()


def _parse_parameter(document: Located, path: KeyPath, value: Any, earlier: Mapping[str, Parameter]) -> Parameter | list[Problem]:  # noqa: ANN401 - unchecked input
    """Read one parameter.

    Args:
        document: where `value` was found; for messages.
        path: keys to it; the last one is the parameter's name.
        value: the plain data below `path`.
        earlier: parameters that its condition may name.

    Returns:
        The parameter, or everything that is wrong with it.
    """
    name = str(path[-1])
    kinds = [kind for kind in KINDS if isinstance(value, dict) and kind in value]
    if len(kinds) != 1:
        got = f"got {' and '.join(kinds)}" if kinds else f"got {shown(value)}"
        return [document.problem(path, f"expected a mapping with one of {', '.join(KINDS)}, {got}; {EXAMPLE}")]
    kind = kinds[0]
    problems = [document.problem((*path, key), _unknown_option(key, kind)) for key in value if key not in (kind, *KINDS[kind].options)]
    readers: dict[str, Callable[[], dict[str, Any]]] = {
        "when": lambda: {"when": _when(value.get("when"), earlier)},
        "description": lambda: {"description": _description(value.get("description", ""))},
        kind: lambda: KINDS[kind].read(value),
    }
    arguments: dict[str, Any] = {"name": name}
    for read in readers.values():
        try:
            arguments |= read()
        except RefusedError as refused:
            problems.append(document.problem((*path, *refused.keys), str(refused)))
    return problems or KINDS[kind](**arguments)


def _unknown_option(key: str, kind: str) -> str:
    known = (kind, *KINDS[kind].options)
    meant = nearest(key, known)
    hint = f"did you mean {meant!r}?" if meant else f"{kind} takes {', '.join(KINDS[kind].options)}"
    return f"unknown key; {hint}"


def _when(text: object, earlier: Mapping[str, Parameter]) -> When | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise RefusedError(("when",), f"expected a condition as text, got {shown(text)}; write e.g. 'frozen_layers != all'")
    try:
        return parse_condition(text, earlier)
    except ConditionError as error:
        raise RefusedError(("when",), str(error)) from None


def _description(text: object) -> str:
    if not isinstance(text, str):
        raise RefusedError(("description",), f"expected text, got {shown(text)}")
    return text
