"""The entry point of ``steadysweep``: parse, call one function with explicit arguments, map errors to messages and exit codes."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.cli.command import BAD_INPUT, INTERRUPTED, KNOWN_FAILURE, UNEXPECTED
from sweeps.cli.parser import build_parser, commands
from sweeps.import_order import importable
from sweeps.stop_signals import Interrupting

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""A device or a quota is full."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, by default the process's own, and return 0 done, 1 known failure, 2 bad input, 3 unexpected or 130 interrupted."""
    if sys.stdout is None:  # closed by the caller, `>&-`: nobody reads
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    parser = build_parser()
    arguments = vars(parser.parse_args(argv))
    name = arguments.pop("command")
    if name is None:
        parser.print_help(sys.stderr)
        return BAD_INPUT
    try:
        beside = [str(Path(given).resolve().parent) for given in [arguments.get("sweep_file")] if isinstance(given, str)]
        with Interrupting(), importable([str(Path.cwd()), *beside]):  # a person's own modules lie here, or beside their sweep file
            code = commands()[name].run(**arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of a pipe went away, e.g. `steadysweep status | head`
        _discard_output()
        return 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the one place that maps errors to exit codes
        return exit_code(error)
    return code


def _discard_output() -> None:
    """What is still to be written to stdout goes nowhere: Python would complain of it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def exit_code(error: BaseException) -> int:
    """Print `error` to stderr as a person needs it and return the exit code."""
    if isinstance(error, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    # Imported only when there is an error: they load each package's configuration, which `diagnose` does not need and would wait for.
    from reports.errors import ReportError, ReportInputError
    from reports.wording import harmless
    from search_spaces.errors import SpaceError
    from sweeps.errors import SweepError, SweepInputError
    from trainer.errors import TrainerError, TrainerInputError

    if isinstance(error, SpaceError | SweepInputError | TrainerInputError | ReportInputError):
        print(f"error: {harmless(str(error))}", file=sys.stderr)
        return BAD_INPUT
    if isinstance(error, SweepError | TrainerError | ReportError):
        print(f"error: {harmless(str(error))}", file=sys.stderr)
        return KNOWN_FAILURE
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        place = error.filename or "standard output, or a file that this command writes"
        _discard_output()
        print(
            f"error: cannot write to {place}: {error.strerror}. Make room there, or write elsewhere, and run the command again.",
            file=sys.stderr,
        )
        return KNOWN_FAILURE
    saved = _save_traceback(error)
    print(
        f"unexpected error: {type(error).__name__}: {error}\nThe traceback is in {saved}; please report it with that file.", file=sys.stderr
    )
    return UNEXPECTED


def _save_traceback(error: BaseException) -> Path:
    """Write the traceback to a private file in the system's temporary folder."""
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    with tempfile.NamedTemporaryFile("w", prefix=f"steadysweep-{moment}-", suffix=".txt", delete=False, encoding="utf-8") as file:
        file.write("".join(traceback.format_exception(error)))
    return Path(file.name)
