"""``steadysweep diagnose``: score, flags and verdict for logs of trainings run elsewhere."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Literal

from sweeps.cli.command import BAD_INPUT, Command
from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from reports.diagnosis import Verdict
    from reports.logs import LoggedRun


Format = Literal["text", "json", "html"]
MOST_COLUMNS = 120


def diagnose(logs: Sequence[str], *, output: str | None, output_format: Format, num_val: int | None) -> int:
    """Diagnose every run in some logs.

    Args:
        logs: files, folders of TensorBoard events, or ``-`` for standard input (once).
        output: HTML file to write besides, or None.
        output_format: what goes to stdout; ``html`` with ``output`` writes the file only.
        num_val: validation images of every run; None: what each log states or its values reveal.

    Returns:
        0; 2 when some logs could be read and others could not (those are named on stderr).

    Raises:
        ReportInputError: no log could be read.
        SweepInputError: ``num_val`` is not positive, or standard input is named twice.
    """
    from reports.errors import ReportInputError

    if num_val is not None and num_val < 1:
        raise SweepInputError(f"diagnose --num-val: expected a positive number of validation images, got {num_val}.")
    if list(logs).count("-") > 1:
        raise SweepInputError("diagnose: '-' (standard input) can be read once only; name it once.")
    verdicts, problems = _diagnosed(list(dict.fromkeys(logs)), num_val)
    if not verdicts:
        raise ReportInputError("\n".join(problems))
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    if output is not None:
        from reports.exports.atomic import write_atomically

        print(write_atomically(output, _html(verdicts)).resolve(), file=sys.stderr)
    if output_format == "json":
        from reports.diagnosis import to_json

        print(to_json(verdicts))
    elif output_format == "text":
        from reports.diagnosis import to_text

        print(to_text(verdicts, width=min(shutil.get_terminal_size((100, 24)).columns, MOST_COLUMNS)), end="")
    elif output is None:
        print(_html(verdicts))
    return BAD_INPUT if problems else 0


def _diagnosed(logs: Sequence[str], num_val: int | None) -> tuple[list[Verdict], list[str]]:
    """Verdicts of all logs that can be read, and what is wrong with the others."""
    from reports.diagnosis import diagnose_run
    from reports.errors import ReportInputError

    verdicts: list[Verdict] = []
    problems: list[str] = []
    for log in logs:
        try:
            verdicts.extend(diagnose_run(run, num_val=num_val) for run in _runs(log))
        except ReportInputError as error:
            problems.append(str(error))
    return verdicts, problems


def _runs(log: str) -> Sequence[LoggedRun]:
    """Runs of a log, or of the sweep that another tool left in a folder or database, which is said on stderr."""
    import os
    from pathlib import Path

    from reports.logs import read_log
    from sweeps.variables import expand, has_literal_password

    is_address = "://" in log
    if log == "-" or not (is_address or Path(log).exists()):
        return read_log(log)
    if is_address and has_literal_password(log):
        raise SweepInputError(
            "diagnose: a password on the command line can be read by every user of this machine; write it as ${VARIABLE}."
        )
    from reports.errors import ReportInputError
    from reports.foreign_sweeps import read_foreign_sweep, sweep_runs, what_is_read

    sweep = read_foreign_sweep(expand(log, os.environ) if is_address else log)
    if sweep is None and is_address:
        raise ReportInputError(f"{log}: no sweep found. Expected {what_is_read()}.")
    if sweep is None:
        return read_log(log)
    runs = sweep_runs(sweep)
    print(
        f"note: {log}: {sweep.tool}, {len(sweep.trials)} trial{'' if len(sweep.trials) == 1 else 's'}. Their ranking: steadysweep report {log}",
        file=sys.stderr,
    )
    return runs


def _html(verdicts: Sequence[Verdict]) -> str:
    """The HTML report of all runs."""
    from reports.logs import study_from_logs
    from reports.page import render_report
    from reports.verdict import build_report_data

    sizes = {number: verdict.num_val for number, verdict in enumerate(verdicts)}
    study = study_from_logs([verdict.run for verdict in verdicts], num_val=sizes)
    checks = {trial.configuration: verdict.causes for trial, verdict in zip(study.trials, verdicts, strict=True)}
    return render_report(build_report_data(study, cause_checks=checks))


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "logs",
        metavar="LOG",
        nargs="+",
        help="a file, a folder of TensorBoard events, a sweep made elsewhere (folder or database address), or - for standard input",
    )
    parser.add_argument("-o", "--output", metavar="FILE.html", help="also write the HTML report")
    parser.add_argument(
        "--format",
        choices=("text", "json", "html"),
        default="text",
        dest="output_format",
        help="what goes to stdout (default: %(default)s)",
    )
    parser.add_argument("--num-val", type=int, metavar="N", help="validation images; default: inferred from the values where possible")


COMMAND = Command(
    name="diagnose",
    summary="score, flags and verdict for logs of trainings run elsewhere",
    description="Reads console logs of Keras 1, 2, tf.keras and 3, CSVLogger and History files, Jupyter notebooks\n"
    "and TensorBoard event files; '-' is standard input.",
    examples=(
        ("steadysweep diagnose train.log", "a verdict for each training in it"),
        ("steadysweep diagnose run1.csv run2.csv -o report.html", "several logs, and an HTML report"),
        ("steadysweep diagnose - < train.log", "standard input"),
    ),
    add_arguments=_add_arguments,
    run=diagnose,
    exit_codes="exit codes: 0 every log was read, 2 a log could not be read (the verdicts of the others are printed), 3 unexpected.",
)
