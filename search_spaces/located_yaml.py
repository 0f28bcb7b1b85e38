"""YAML that remembers where each key stands, read by the rules of YAML 1.2.

PyYAML reads YAML 1.1, where ``1e-5`` is text, ``no`` and ``on`` are booleans and ``12:30`` is 750. Only its parser is used here; scalars are read by the
core schema of YAML 1.2.2 (https://yaml.org/spec/1.2.2/#103-core-schema). Keys of mappings are always text: they name settings and labels.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from search_spaces.errors import KeyPath, Problem, SpaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_NODES = 100_000
_CORE_SCHEMA: tuple[tuple[re.Pattern[str], Callable[[str], int | float | bool | None]], ...] = (
    (re.compile(r"(?:null|Null|NULL|~|)\Z"), lambda _: None),
    (re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), lambda text: text.lower() == "true"),
    (re.compile(r"[-+]?[0-9]+\Z"), int),
    (re.compile(r"(?:0o[0-7]+|0x[0-9a-fA-F]+)\Z"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z"), float),
    (re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"), lambda text: float(text.replace(".", ""))),
)


@dataclass(frozen=True)
class Located:
    """Plain data (dict, list, str, int, float, bool, None) with the place of each key.

    Attributes:
        value: the document; keys of mappings are text.
        file: name used in messages.
        places: key path to ``FILE:LINE``, or to the command-line option that set it.
    """

    value: Any
    file: str
    places: Mapping[KeyPath, str] = field(default_factory=dict)

    def where(self, path: KeyPath) -> str:
        """The place of `path`, or of the nearest key above it that is known."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return self.file

    def problem(self, path: KeyPath, message: str) -> Problem:
        """A problem at `path`."""
        return Problem(self.where(path), path, message)


def load_yaml(text: str, file: str) -> Located:
    """Read one YAML document, called `file` in messages.

    Raises:
        SpaceError: bad syntax, a duplicate key, a tag, an alias that contains itself, more than one document.
    """
    builder = _Builder(file)
    try:
        root = _compose(text)
        value = None if root is None else builder.build(root, (), frozenset())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{file}:{mark.line + 1}" if mark else file
        raise SpaceError(Problem(where, (), _syntax_message(error, text, mark.line if mark else None))) from None
    except yaml.YAMLError as error:
        raise SpaceError(Problem(file, (), f"not valid YAML: {str(error).splitlines()[0]}; save the file as UTF-8 text")) from None
    except RecursionError:
        raise SpaceError(Problem(file, (), "lists or mappings are nested too deeply; write them flatter")) from None
    if builder.problems:
        raise SpaceError(*builder.problems)
    return Located(value, file, builder.places)


def load_yaml_file(path: str | Path) -> Located:
    """Read one YAML file; see `load_yaml`.

    Raises:
        SpaceError: as `load_yaml`, or the file cannot be read.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SpaceError(Problem(str(path), (), "no such file; check the path, which is relative to the current folder")) from None
    except IsADirectoryError:
        raise SpaceError(Problem(str(path), (), "expected a YAML file, got a folder")) from None
    except UnicodeDecodeError as error:
        raise SpaceError(Problem(str(path), (), f"not UTF-8 text (byte {error.start}); save the file as UTF-8")) from None
    except OSError as error:
        raise SpaceError(Problem(str(path), (), f"cannot be read: {error.strerror or error}")) from None
    return load_yaml(text, str(path))


def scalar(text: str) -> str | int | float | bool | None:
    """What a plain (unquoted) scalar means by the YAML 1.2 core schema."""
    for pattern, meaning in _CORE_SCHEMA:
        if pattern.match(text):
            return meaning(text)
    return text


class _Scalars(yaml.SafeLoader):
    """PyYAML's loader without its YAML 1.1 rules: every plain scalar stays text until `scalar` reads it."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own class attribute


def _compose(text: str) -> yaml.Node | None:
    """The nodes of one document: by libyaml where PyYAML has it (ten times as fast), by Python for the messages of a document that is wrong."""
    if yaml.__with_libyaml__:
        with contextlib.suppress(yaml.YAMLError):
            return yaml.compose(text, Loader=_fast_loader())
    return yaml.compose(text, Loader=_Scalars)


@cache
def _fast_loader() -> type[yaml.CSafeLoader]:
    class FastScalars(yaml.CSafeLoader):
        """As `_Scalars`."""

        yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own class attribute

    return FastScalars


class _Builder:
    """Turns PyYAML's nodes into plain data and notes the place of each key."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[KeyPath, str] = {}
        self.problems: list[Problem] = []
        self.nodes = 0

    def build(self, node: yaml.Node, path: KeyPath, above: frozenset[int]) -> Any:  # noqa: ANN401 - a YAML document holds anything
        self.places.setdefault(path, self._place(node))
        self.nodes += 1
        if id(node) in above:
            return self._refuse(node, path, "an alias inside its own anchor; write the values out")
        if self.nodes > MOST_NODES:
            if self.nodes == MOST_NODES + 1:
                self._refuse(node, path, f"more than {MOST_NODES:,} values; aliases multiply them, write fewer")
            return None
        if node.tag not in _PLAIN_TAGS:
            return self._refuse(node, path, f"expected no tag, got {node.tag!r}; remove it")
        below = above | {id(node)}
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, below)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index), below) for index, item in enumerate(node.value)]
        return node.value if getattr(node, "style", None) else scalar(node.value)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath, below: frozenset[int]) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(key_node, path, "expected a name before the colon, got a list or a mapping")
                continue
            key = key_node.value
            if key in built:
                first = self.places[*path, key].rsplit(":", 1)[-1]
                self._refuse(key_node, (*path, key), f"duplicate key, first given in line {first}; remove one of the two")
                continue
            self.places[*path, key] = self._place(key_node)
            built[key] = self.build(value_node, (*path, key), below)
        return built

    def _refuse(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(self._place(node), path, message))

    def _place(self, node: yaml.Node) -> str:
        return f"{self.file}:{node.start_mark.line + 1}"


_PLAIN_TAGS = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"}


def _syntax_message(error: yaml.MarkedYAMLError, text: str, line: int | None) -> str:
    """What is wrong with the syntax, in one line, with the two usual causes named."""
    lines = text.splitlines()
    found = lines[line] if line is not None and line < len(lines) else ""
    if "\t" in found[: len(found) - len(found.lstrip())]:
        return "a tab in the indentation, which YAML forbids; indent with spaces"
    context = f"{error.context}, " if error.context else ""
    return f"not valid YAML: {context}{error.problem}; look for a missing bracket, quote or colon, or uneven indentation, at or above this line"
