"""The spaces that ship with the product, as YAML files beside this module."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from search_spaces.located_yaml import load_yaml

_FOLDER = Path(__file__).parent / "spaces"


@cache
def shipped_names() -> tuple[str, ...]:
    """Names of the shipped spaces, sorted."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.yaml")))


def shipped_text(name: str) -> str:
    """The YAML of a shipped space, comments and all; `name` is one of `shipped_names`."""
    return (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def shipped() -> dict[str, str]:
    """Name to description (its first paragraph) of each shipped space."""
    documents = {name: load_yaml(shipped_text(name), f"{name}.yaml").value for name in shipped_names()}
    return {name: " ".join(document["description"].strip().split("\n\n")[0].split()) for name, document in documents.items()}
