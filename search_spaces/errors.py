"""Errors of search spaces and of located YAML, and the words of their messages."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


KeyPath = tuple[str | int, ...]


def key_text(path: KeyPath) -> str:
    """A key path as it is written in messages, e.g. ``space.dropout.float[1]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an input.

    Attributes:
        where: ``FILE:LINE``, a file without a line, or the option of the command line.
        path: the keys that lead to it; empty for the document as a whole.
        message: what was expected, what was found, how to fix it.
    """

    where: str
    path: KeyPath
    message: str

    def __str__(self) -> str:
        key = key_text(self.path)
        named = self.where.endswith(f" {key}")  # --set training.epochs
        return ": ".join(part for part in (self.where, "" if named else key, self.message) if part)


class SpaceError(Exception):
    """Bad input: file, line and key, what was expected, what was found, how to fix it.

    Attributes:
        problems: everything that is wrong, in the order of the file; ``str()`` prints one line for each.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def nearest(word: str, known: Iterable[str], least: float = 0.6) -> str | None:
    """The word of `known` that is most like `word`, whatever the case, or None where no similarity (`SequenceMatcher.ratio`, 0 to 1) is as much as `least`."""
    lower = {each.lower(): each for each in known}
    found = difflib.get_close_matches(word.lower(), lower, 1, least)
    return lower[found[0]] if found else None


def meant(word: str, known: Iterable[str], otherwise: str) -> str:
    """The question whether the nearest word of `known` was meant, or `otherwise` where none is near."""
    near = nearest(word, known)
    return f"did you mean {near!r}?" if near else otherwise


def shown(value: object) -> str:
    """A value found in a file, as messages show it: what it is and what kind of thing that is."""
    if isinstance(value, str):
        return f"{_shortened(repr(value))} (text)"
    if value is None:
        return "nothing"
    kind = {bool: "true or false", int: "whole number", float: "number", list: "list", dict: "mapping"}.get(
        type(value), type(value).__name__
    )
    if isinstance(value, (list, dict)) and not value:
        return f"an empty {kind}"
    return f"{_shortened(json.dumps(value, ensure_ascii=False, default=str))} ({kind})"


def _shortened(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
