"""The reference of the command line, ``docs/cli.md``, written from the parser.

Write it anew with ``python -m sweeps.cli.reference docs/cli.md``; a test compares it with the parser.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.cli.parser import build_parser, commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweeps.cli.command import Command

_INTRODUCTION = """# The command line

`steadysweep COMMAND`; `steadysweep COMMAND --help` prints what stands here. Data goes to stdout, progress and messages to stderr, so that
`steadysweep report flowers --format json > flowers.json` holds JSON and nothing else.

| exit code | means |
|---|---|
| 0 | done |
| 1 | a known failure: the sweep was given up, a database is away; the message says why |
| 2 | bad input: a file, an option, images or a log that cannot be used; the message says where, what was expected and how to mend it |
| 3 | unexpected: a mistake of ours; the message names a file with the traceback |
| 130 | interrupted by Ctrl-C, SIGTERM or a closed terminal; the same command goes on where it stopped |

Where a command takes `--storage`, it may be left out: then `$STEADYSWEEP_STORAGE` counts, else `./STUDY.db`, else the only `*.db` file in the current folder.
"""


def reference_markdown() -> str:
    """The whole page."""
    subparsers = next(action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))  # noqa: SLF001 - no public name
    known = commands()
    overview = ["| command | |", "|---|---|", *(f"| [`{name}`](#{name}) | {command.summary} |" for name, command in known.items())]
    sections = [line for name, command in known.items() for line in _section(command, subparsers.choices[name])]
    return "\n".join([_INTRODUCTION, *overview, "", *sections])


def _section(command: Command, parser: argparse.ArgumentParser) -> Iterator[str]:
    """One command: what it does, its arguments, its exit codes, examples."""
    yield f"## `{command.name}`\n"
    yield f"{' '.join(command.description.split())}\n"
    yield "| argument | meaning |"
    yield "|---|---|"
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list
        if not isinstance(action, argparse._HelpAction):  # noqa: SLF001 - as above
            yield f"| {_argument(action)} | {_meaning(action)} |"
    yield ""
    width = max(len(typed) for typed, _ in command.examples)
    yield "```sh"
    yield from (f"{typed:<{width}}  # {meaning}" for typed, meaning in command.examples)
    yield "```\n"
    yield f"{command.exit_codes[0].upper()}{command.exit_codes[1:]}\n"


def _argument(action: argparse.Action) -> str:
    metavar = action.metavar if isinstance(action.metavar, str) else "|".join(map(str, action.choices or ())) or action.dest.upper()
    if not action.option_strings:
        shown = f"{metavar}..." if action.nargs == "+" else metavar
        return f"`[{shown}]`" if action.nargs == "?" else f"`{shown}`"
    value = "" if action.nargs == 0 else f" {metavar}"
    return ", ".join(f"`{option}{value}`" for option in action.option_strings).replace("|", r"\|")


def _meaning(action: argparse.Action) -> str:
    text = (action.help or "").replace("%(default)s", str(action.default))
    required = " (required)" if action.option_strings and action.required else ""
    return " ".join(text.split()).replace("|", r"\|") + required


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference_markdown(), encoding="utf-8")
