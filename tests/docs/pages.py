"""The pages of the documentation and the fenced blocks in them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FIRST = ("README.md", "docs/index.md")
PAGES = (*_FIRST, *sorted({str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md")} - set(_FIRST)))
PROGRAM = "steadysweep"
OPERATORS = frozenset({"|", ">", ">>", "<", "2>&1", "&&", ";", ">&"})


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: relative to the repository.
        language: after the opening fence.
        text: between the fences.
    """

    page: str
    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """A line of a shell block.

    Attributes:
        page: where it stands.
        line: as typed, without its comment.
    """

    page: str
    line: str

    @property
    def words(self) -> list[str]:
        """All words; operators are words of their own."""
        return shlex.split(self.line)

    @property
    def plain(self) -> bool:
        """Whether no pipe or redirection stands in it."""
        return not OPERATORS & set(self.words)

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of each call of our program in it."""
        segments: list[list[str]] = [[]]
        skip = False
        for word in self.words:
            if word in OPERATORS:
                skip = word in {">", ">>", "<", ">&"}
                if not skip and word != "2>&1":
                    segments.append([])
            elif skip:
                skip = False
            else:
                segments[-1].append(word)
        return [segment[1:] for segment in segments if segment[:1] == [PROGRAM]]


def blocks(page: str, *languages: str) -> list[Block]:
    """The fenced blocks of a page in these languages, in order; indented fences (in lists, tabs, admonitions) too."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(r"^( *)```([\w-]+)[^\n]*\n(.*?)^\1```", text, flags=re.DOTALL | re.MULTILINE)
    return [
        Block(page, language, "\n".join(line.removeprefix(indent) for line in body.splitlines()) + "\n")
        for indent, language, body in found
        if language in languages
    ]


def commands(page: str) -> list[Command]:
    """The lines of a page's shell blocks; lines that end with a backslash are joined, comments and prompts removed."""
    lines: list[str] = []
    for block in blocks(page, "sh", "bash", "shell", "console"):
        for line in block.text.replace("\\\n", " ").splitlines():
            typed = re.sub(r"(^|\s)#.*", "", line).strip().removeprefix("$ ")
            if typed:
                lines.append(" ".join(typed.split()))
    return [Command(page, line) for line in lines]
