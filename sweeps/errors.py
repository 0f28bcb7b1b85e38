"""Errors of the orchestrator; the command line maps them to exit codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from search_spaces.errors import Problem


class SweepError(Exception):
    """Base: a known failure (exit code 1)."""


class SweepInputError(SweepError):
    """Bad input (exit code 2): what, where (file, line, key), what was expected, how to fix it.

    Attributes:
        problems: each thing that is wrong, where the input is a file or options; ``str()`` prints one line for each.
    """

    def __init__(self, message: str, problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> SweepInputError:
        """The error that reports `problems` together."""
        found = tuple(dict.fromkeys(problems))
        return cls("\n".join(str(problem) for problem in found), found)
