"""Entry point of ``steadysweep``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.cli.dispatch import dispatch
from sweeps.cli.error_handler import BAD_INPUT, exit_code
from sweeps.cli.parser import build_parser
from sweeps.import_order import importable

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: words after ``steadysweep``; default: the process's.

    Returns:
        0 done, 1 known failure, 2 bad input, 3 unexpected, 130 interrupted.
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return BAD_INPUT
    try:
        with importable([str(Path.cwd())]):
            code = dispatch(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of a pipe went away, e.g. `steadysweep status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the one place that maps errors to exit codes
        return exit_code(error)
    return code
