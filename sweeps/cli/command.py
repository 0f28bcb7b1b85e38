"""What a command is made of: its words, its arguments, its code. And the arguments that several commands share."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

KNOWN_FAILURE = 1
BAD_INPUT = 2
UNEXPECTED = 3
INTERRUPTED = 130

USUAL_EXIT_CODES = "exit codes: 0 done, 1 known failure, 2 bad input, 3 unexpected."
TRAINING_EXIT_CODES = "exit codes: 0 done, 1 given up (the message says why), 2 bad input, 3 unexpected, 130 interrupted: run it again."
WIDEST = 44
"""Characters of an example beside which its meaning still fits."""


@dataclass(frozen=True)
class Command:
    """One command. Its module imports nothing heavy: what the code needs is imported when it runs, so that ``--help`` answers at once.

    Attributes:
        name: as it is typed.
        summary: its line in ``steadysweep --help``.
        description: the first lines of its own help.
        examples: what is typed and what that does; a test parses each.
        add_arguments: declares the arguments on the command's parser.
        run: the code; each argument's ``dest`` is the name of one of its parameters. Returns the exit code.
        exit_codes: the last line of its help.
    """

    name: str
    summary: str
    description: str
    examples: tuple[tuple[str, str], ...]
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[..., int]
    exit_codes: str = USUAL_EXIT_CODES

    def epilog(self) -> str:
        """Examples, in two columns where they fit, and exit codes."""
        lines = [
            f"  {typed}\n      {meaning}" if len(typed) > WIDEST else f"  {typed:<{WIDEST}}  {meaning}" for typed, meaning in self.examples
        ]
        return "\n".join(["examples:", *lines, "", self.exit_codes])


def sweep_file_argument(parser: argparse.ArgumentParser) -> None:
    """``SWEEP.yaml`` with ``--set``."""
    parser.add_argument("sweep_file", metavar="SWEEP.yaml", help="the sweep file")
    overrides_argument(parser)


def overrides_argument(parser: argparse.ArgumentParser) -> None:
    """``--set KEY=VALUE``, any number of times."""
    parser.add_argument(
        "--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE",
        help="override one setting, e.g. training.epochs=5; a searched parameter is fixed by it (repeatable)",
    )  # fmt: skip


def execution_arguments(parser: argparse.ArgumentParser) -> None:
    """Where trials run, and how much is shown meanwhile: the fields of `sweeps.launch.LaunchOptions`."""
    from sweeps.executor.factory import DEFAULT_EXECUTOR, EXECUTORS

    choices = "; ".join(f"{name}{' (default)' if name == DEFAULT_EXECUTOR else ''}: {entry.about}" for name, entry in EXECUTORS.items())
    parser.add_argument("--address", metavar="ADDR", help="join this Ray cluster (host:port or 'auto') instead of starting one here")
    parser.add_argument("--executor", choices=tuple(EXECUTORS), default=DEFAULT_EXECUTOR, help=f"what runs the trials; {choices}")
    parser.add_argument(
        "--no-sharing",
        action="store_false",
        dest="sharing",
        help="every trial computes everything itself, such as the frozen part's activations; the results are the same",
    )
    quiet_argument(parser)


def quiet_argument(parser: argparse.ArgumentParser) -> None:
    """``--quiet``."""
    parser.add_argument("--quiet", action="store_true", help="no progress, only warnings and the result")


def trust_argument(parser: argparse.ArgumentParser) -> None:
    """``--trust``; `sweeps.trust` says what it is for."""
    parser.add_argument(
        "--trust", action="store_true",
        help="let the sweep file in the storage, which you have not run here before, run programs and code and write outside this folder",
    )  # fmt: skip


def format_argument(parser: argparse.ArgumentParser) -> None:
    """``--format text|json``."""
    parser.add_argument("--format", choices=("text", "json"), default="text", dest="output_format", help="default: %(default)s")


def print_json(document: Mapping[str, Any]) -> None:
    """What ``--format json`` prints."""
    json.dump(document, sys.stdout, indent=1, allow_nan=False)
    print()


def storage_argument(parser: argparse.ArgumentParser) -> None:
    """``--storage URL``; `storage_url` says which one is meant."""
    parser.add_argument(
        "--storage", metavar="URL",
        help="FILE.db, sqlite:///FILE.db or postgresql+psycopg://USER@HOST/DB, with ${VARIABLES} for secrets; default: $STEADYSWEEP_STORAGE, else ./STUDY.db",
    )  # fmt: skip


def storage_url(given: str | None, study: str | None) -> str:
    """The storage's URL: as given after ``--storage``, else ``$STEADYSWEEP_STORAGE``, else ``./STUDY.db``, else the only ``*.db`` here.

    Raises:
        SweepInputError: a password stands on the command line, or nothing says which storage is meant.
    """
    from sweeps.record.storage import STORAGE_VARIABLE, as_url
    from sweeps.variables import has_literal_password

    if given is not None:
        if has_literal_password(given):
            raise SweepInputError(
                "--storage: a password on the command line can be read by every user of this machine; "
                "write it as ${VARIABLE} in single quotes, e.g. --storage 'postgresql+psycopg://me:${PGPASSWORD}@host/db', "
                "or leave it out and put it in PostgreSQL's password file (~/.pgpass, mode 0600)."
            )
        return as_url(given)
    if os.environ.get(STORAGE_VARIABLE):
        return f"${{{STORAGE_VARIABLE}}}" if "${" not in os.environ[STORAGE_VARIABLE] else os.environ[STORAGE_VARIABLE]
    if study is not None and Path(f"{study}.db").is_file():
        return f"sqlite:///{study}.db"
    files = sorted(path.name for path in Path.cwd().glob("*.db"))
    if len(files) == 1:
        return f"sqlite:///{files[0]}"
    here = f"found {len(files)} (*.db: {', '.join(files)})" if files else "found no *.db file here"
    wanted = f"{study}.db" if study else "one *.db file"
    raise SweepInputError(f"storage: expected --storage URL, ${STORAGE_VARIABLE}, or {wanted} in {Path.cwd()}; {here}.")
