"""What messages tell a person to write is accepted: every ``key: value`` of a remedy, fed back to the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sweeps
import trainer
from sweeps.sweep_file import sweep_from_text

SWEEP = "study: a\ndata: {source: digits}\nspace: {learning_rate: {float: [1.0e-4, 1.0e-1], log: true}}\n"
PLACES = [
    *Path(trainer.__file__).parent.joinpath("preflight").glob("*.py"),
    *Path(trainer.__file__).parent.joinpath("network").glob("*.py"),
    *Path(sweeps.__file__).parent.joinpath("first_look").glob("*.py"),
    *Path(sweeps.__file__).parent.joinpath("launch").glob("*.py"),
]
NAMED = re.compile(r"(?:\bset |\bor |\bby |\()((?:data|model|training|search|confirm)\.[a-z_.]*[a-z_]): ([a-z0-9_.\"'/-]*[a-z0-9])")
ADDED = {"training.frozen_features": "model.frozen_layers=all"}
"""What a setting needs beside it."""


def remedies() -> dict[str, str]:
    """``KEY=VALUE`` of every setting that the words of these files name with a value, to the file."""
    found: dict[str, str] = {}
    for path in PLACES:
        for key, value in NAMED.findall(path.read_text()):
            found.setdefault(f"{key}={value.strip(chr(39))}", path.name)
    return found


def test_some_are_found() -> None:
    assert {"model.frozen_layers=none", "search.metric=val_balanced_accuracy", "training.precise_bn=end"} <= remedies().keys()


@pytest.mark.parametrize("remedy", sorted(remedies()))
def test_a_remedy_is_accepted(remedy: str) -> None:
    key = remedy.partition("=")[0]
    overrides = [remedy, *([ADDED[key]] if key in ADDED else [])]
    sweep_from_text(SWEEP, "sweep.yaml", overrides)
