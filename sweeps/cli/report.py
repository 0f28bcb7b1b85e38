"""``steadysweep report``: the report of a study, from its storage alone."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.cli.command import Command, storage_argument, storage_url
from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from reports.records import StudyRecord
    from reports.verdict import ReportData


FORMATS = ("html", "json", "csv", "md")
WATCH_SECONDS = 5.0


def report(studies: Sequence[str], *, storage: str | None, output: str | None, formats: str, watch: bool) -> int:
    """Write the report of one study, or the comparison of several.

    Args:
        studies: names in the storage; several are compared on one HTML page.
        storage: URL, or None for the default.
        output: file; with several formats its suffix is replaced by each format's. Default: ``STUDY.html``; stdout for a single other format.
        formats: names with commas between.
        watch: write again every few seconds while trials are running or waiting.

    Raises:
        SweepInputError: unknown format or study, or formats that a comparison does not have.
    """
    from sweeps.record import read_study

    chosen = _formats(formats)
    if len(studies) > 1 and chosen != ("html",):
        raise SweepInputError(f"report: several studies are compared as html only, got --format {formats}; ask for one study at a time.")
    url = storage_url(storage, studies[0])
    while True:
        records = [read_study(url, name) for name in studies]
        unfinished = watch and any(trial.state in ("RUNNING", "WAITING") for record in records for trial in record.trials)
        _write(records, chosen, output, refresh_seconds=int(WATCH_SECONDS) if unfinished else None)
        if not unfinished:
            return 0
        time.sleep(WATCH_SECONDS)


def _formats(text: str) -> tuple[str, ...]:
    chosen = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [part for part in chosen if part not in FORMATS]
    if unknown or not chosen:
        raise SweepInputError(f"report --format: expected one or several of {', '.join(FORMATS)}, got {text!r}.")
    return chosen


def _write(records: Sequence[StudyRecord], formats: Sequence[str], output: str | None, *, refresh_seconds: int | None) -> None:
    from reports.exports import write_atomically
    from reports.verdict import build_report_data

    single = build_report_data(records[0]) if len(records) == 1 else None  # ranked once, whatever the number of formats
    for name in formats:
        for suffix, text in _rendered(records, single, name, refresh_seconds).items():
            if output is None and name != "html" and len(formats) == 1:
                sys.stdout.write(text if text.endswith("\n") else text + "\n")
                continue
            base = Path(output) if output else Path(f"{'-'.join(record.name for record in records)}.{name}")
            path = base if len(formats) == 1 and not suffix.startswith("-") else base.with_name(f"{base.stem}{suffix}")
            write_atomically(path, text)
            print(path.resolve(), file=sys.stderr)


def _rendered(records: Sequence[StudyRecord], data: ReportData | None, name: str, refresh_seconds: int | None) -> dict[str, str]:
    """File-name ending to text: a comparison where there is no data of a single study; CSV is two tables."""
    if data is None or name == "html":
        from reports.page import render_comparison, render_report

        return {".html": render_report(data, refresh_seconds=refresh_seconds) if data else render_comparison(records)}
    from reports.exports import to_csv, to_json, to_markdown

    if name == "csv":
        configurations, epochs = to_csv(data)
        return {".csv": configurations, "-epochs.csv": epochs}
    return {f".{name}": to_json(data) if name == "json" else to_markdown(data)}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("studies", metavar="STUDY", nargs="+", help="its name in the storage; several are compared on one page")
    storage_argument(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="default: STUDY.html for html, else stdout")
    parser.add_argument(
        "--format",
        default="html",
        metavar="FORMATS",
        dest="formats",
        help="html, json, csv, md, or several with commas (default: %(default)s)",
    )
    parser.add_argument("--watch", action="store_true", help="write it again every few seconds until the sweep ends")


COMMAND = Command(
    name="report",
    summary="the report of a study, from its storage alone",
    description="Writes one self-contained HTML file (default STUDY.html), or JSON, CSV, Markdown.\nSeveral studies give a page that compares them.",
    examples=(
        ("steadysweep report flowers", "writes flowers.html"),
        ("steadysweep report flowers --format json", "for a program, to stdout"),
        ("steadysweep report flowers --format html,csv,md -o out/flowers.html", "several formats side by side"),
    ),
    add_arguments=_add_arguments,
    run=report,
)
