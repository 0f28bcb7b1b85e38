"""Errors of search spaces and of located YAML."""

from __future__ import annotations

from dataclasses import dataclass

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
        return ": ".join(part for part in (self.where, key_text(self.path), self.message) if part)


class SpaceError(Exception):
    """Bad input: file, line and key, what was expected, what was found, how to fix it.

    Attributes:
        problems: everything that is wrong, in the order of the file; ``str()`` prints one line for each.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
