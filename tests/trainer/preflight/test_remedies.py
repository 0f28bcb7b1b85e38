"""What messages tell a person to write is accepted: every ``key: value`` and ``--set KEY=VALUE`` that a text of the program names, fed back to it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import reports
import search_spaces
import sweeps
import trainer
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Iterator

SWEEP = "study: a\ndata: {source: digits}\nspace: {learning_rate: {float: [1.0e-4, 1.0e-1], log: true}}\n"
NAMES_FOLDERS = {"reference.py"}
"""Files whose texts are pages and not messages."""
SECTIONS = "data|model|training|search|confirm|budget|resources|runtime|report|notify|tracking"
VALUE = r"'[^'\"]*'|\{[^{}\"]*\}|\[[^\[\]\"]*\]|[A-Za-z0-9_./%+-]*[A-Za-z0-9_%]"
NAMED = re.compile(rf"(?<=[ (\[`'])((?:{SECTIONS})\.[a-z_]+(?:\.[a-z_]+)*): ({VALUE})(?![A-Za-z0-9_:{{])")
"""Not at the beginning of a text, where a message names the setting that it is about."""
SET = re.compile(r"--set '?([a-z_.]+=[^\s'\",;)`]+)")
SHORT = re.compile(r"(?<=[ (`'])(weights|frozen_layers|pruner|confirm|allow): ([a-z_%0-9]+|\[[a-z_, ]+\])(?=[' ,.;)`])")
PATHS = {
    "weights": "model.weights",
    "frozen_layers": "model.frozen_layers",
    "pruner": "search.pruner",
    "confirm": "confirm",
    "allow": "allow",
}
UNKNOWN = "\0"
"""Stands for what a message fills in."""
ADDED = {
    "training.frozen_features=precomputed": "model.frozen_layers=all",
    "search.sampler=grid": "space.learning_rate={choice: [0.1, 0.01]}",
}
"""What a setting needs beside it."""


def texts(path: Path) -> Iterator[str]:
    """Every text of a module but its docstrings, with `UNKNOWN` where something is filled in."""
    tree = ast.parse(path.read_text())
    kinds = ast.Module | ast.FunctionDef | ast.ClassDef
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, kinds) and ast.get_docstring(node):
            inner.add(id(node.body[0].value))  # type: ignore[attr-defined]  # a docstring
        if isinstance(node, ast.Expr):  # an attribute's docstring
            inner.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else UNKNOWN for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.value


def remedies() -> dict[str, str]:
    """``KEY=VALUE`` of every setting that the texts of the program name with a value, to the file."""
    found: dict[str, str] = {}
    for package in (trainer, sweeps, reports, search_spaces):
        for path in sorted(Path(str(package.__file__)).parent.rglob("*.py")):
            for text in texts(path) if path.name not in NAMES_FOLDERS else ():
                named = [(key, value) for key, value in NAMED.findall(text)]
                named += [(PATHS[key], value) for key, value in SHORT.findall(text)]
                named += [(key, value) for key, _, value in (each.partition("=") for each in SET.findall(text)) if not value.isupper()]
                for key, value in named:
                    if UNKNOWN not in value:
                        found.setdefault(f"{key}={value.strip(chr(39)).rstrip('.')}", path.name)
    return found


def test_those_of_every_package_are_found() -> None:
    expected = {
        "model.frozen_layers=none",
        "search.metric=val_balanced_accuracy",
        "training.precise_bn=end",
        "model.weights=none",
        "search.pruner=asha",
    }
    assert expected <= remedies().keys()


@pytest.mark.parametrize("remedy", sorted(remedies()))
def test_a_remedy_is_accepted(remedy: str) -> None:
    sweep_from_text(SWEEP, "sweep.yaml", [remedy, *([ADDED[remedy]] if remedy in ADDED else [])])
