"""Errors to messages and exit codes, in one place."""

from __future__ import annotations

import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

KNOWN_FAILURE = 1
BAD_INPUT = 2
UNEXPECTED = 3
INTERRUPTED = 130


def exit_code(error: BaseException) -> int:
    """Print `error` to stderr as a person needs it and return the exit code."""
    if isinstance(error, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    # Imported only when there is an error: they load each package's configuration, which `diagnose` has no use for and would wait for.
    from reports.errors import ReportError, ReportInputError
    from search_spaces.errors import SpaceError
    from sweeps.errors import SweepError, SweepInputError
    from trainer.errors import TrainerError, TrainerInputError

    if isinstance(error, SpaceError | SweepInputError | TrainerInputError | ReportInputError):
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    if isinstance(error, SweepError | TrainerError | ReportError):
        print(f"error: {error}", file=sys.stderr)
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
