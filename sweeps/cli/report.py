"""``steadysweep report``: the report of a study, from its storage alone."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.cli.command import Command, storage_argument, storage_url
from sweeps.errors import SweepError, SweepInputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from reports.records import StudyRecord
    from reports.verdict import ReportData


FORMATS = ("html", "json", "csv", "md")
WATCH_SECONDS = 5.0


def report(studies: Sequence[str], *, storage: str | None, output: str | None, formats: str, beside: Sequence[str], watch: bool) -> int:
    """Write the report of one study, or the comparison of several.

    Args:
        studies: names in the storage, or files, folders and addresses of sweeps that other tools ran; several are compared on one HTML page.
        storage: URL, or None for the default.
        output: file; with several formats its suffix is replaced by each format's. Default: ``STUDY.html``; stdout for a single other format.
        formats: names with commas between.
        beside: studies that the report's appendix compares it with; as `studies`.
        watch: write again every few seconds while trials are running or waiting.

    Raises:
        SweepInputError: unknown format or study, or formats that a comparison does not have.
    """
    chosen = _formats(formats)
    if beside and (len(studies) > 1 or "html" not in chosen):
        raise SweepInputError(
            "report: --beside adds other studies to the appendix of one study's html report; name one study and ask for html."
        )
    if len(studies) > 1 and chosen != ("html",):
        raise SweepInputError(f"report: several studies are compared as html only, got --format {formats}; ask for one study at a time.")
    while True:
        records = [_record(name, storage, studies[0]) for name in studies]
        others = [_record(name, storage, studies[0]) for name in beside]
        unfinished = watch and any(trial.state in ("RUNNING", "WAITING") for record in records for trial in record.trials)
        _write(records, chosen, output, others=others, refresh_seconds=int(WATCH_SECONDS) if unfinished else None)
        if not unfinished:
            return 0
        time.sleep(WATCH_SECONDS)


def _record(name: str, storage: str | None, first: str) -> StudyRecord:
    """A study of ours, or the sweep that another tool left at a place.

    A study's name comes first, so that a folder of the same name changes nothing.

    Args:
        name: a study's name, or a file, folder or address.
        storage: what was given as ``--storage``, or None.
        first: name of the first study, by which a storage is looked for.

    Raises:
        SweepInputError: there is neither.
        ReportInputError: what is there holds no learning curves.
    """
    from reports.errors import ReportInputError
    from reports.foreign_sweeps import is_place, is_sqlite, read_foreign_sweep, study_record
    from sweeps.record import read_study
    from sweeps.record.errors import SchemaError, StudyNotFoundError
    from sweeps.variables import expand, has_literal_password

    if storage is None and is_place(name):
        if "/" not in name:
            with suppress(SweepError):
                return read_study(storage_url(None, first), name)
        if has_literal_password(name):
            raise SweepInputError(
                "report: a password on the command line can be read by every user of this machine; write it as ${VARIABLE}."
            )
        place = expand(name, os.environ) if "://" in name else name
        url = place if "://" in place else f"sqlite:///{place}" if is_sqlite(Path(place)) else None
        ours = _ours_at(url) if url is not None else None
        return ours if ours is not None else _foreign(place)
    url = storage_url(storage, first)
    try:
        return read_study(url, name)
    except StudyNotFoundError as error:
        missing: Exception = error
    except SchemaError as error:
        missing = error
    try:
        sweep = read_foreign_sweep(expand(url, os.environ), study=name)
    except ReportInputError:
        if isinstance(missing, SchemaError):
            raise
        sweep = None
    if sweep is None:
        raise missing
    return study_record(sweep)


def _ours_at(url: str) -> StudyRecord | None:
    """The only study of ours in a storage, None when it is no storage of ours.

    Raises:
        SweepInputError: it holds several.
    """
    from sweeps.record import list_studies, read_study
    from sweeps.record.errors import SchemaError, StorageUrlError, StudyNotFoundError

    try:
        names = list_studies(url)
    except (StudyNotFoundError, SchemaError, StorageUrlError):
        return None
    if len(names) != 1:
        raise SweepInputError(
            f"report: {url} holds {len(names)} studies ({', '.join(names)}); name one: steadysweep report STUDY --storage {url}"
        )
    return read_study(url, names[0])


def _foreign(place: str) -> StudyRecord:
    """The record of a sweep that another tool ran.

    Raises:
        ReportInputError: there is none at this place, or it has no learning curves.
    """
    from reports.errors import ReportInputError
    from reports.foreign_sweeps import read_foreign_sweep, study_record, what_is_read
    from reports.logs import read_log

    sweep = read_foreign_sweep(place)
    if sweep is not None:
        return study_record(sweep)
    if "://" not in place:
        runs = read_log(place)  # says what is wrong with a log that cannot be read
        raise ReportInputError(
            f"{place}: {len(runs)} training{'s' if len(runs) > 1 else ''} without settings, so no sweep. "
            f"For a verdict on each: steadysweep diagnose {place} -o report.html"
        )
    raise ReportInputError(f"{place}: no sweep found. Expected {what_is_read()}.")


def _formats(text: str) -> tuple[str, ...]:
    chosen = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [part for part in chosen if part not in FORMATS]
    if unknown or not chosen:
        raise SweepInputError(f"report --format: expected one or several of {', '.join(FORMATS)}, got {text!r}.")
    return chosen


def _write(
    records: Sequence[StudyRecord],
    formats: Sequence[str],
    output: str | None,
    *,
    others: Sequence[StudyRecord],
    refresh_seconds: int | None,
) -> None:
    from reports.exports import file_stem, write_atomically
    from reports.verdict import build_report_data
    from reports.wording import harmless

    single = build_report_data(records[0]) if len(records) == 1 else None  # ranked once, whatever the number of formats
    for name in formats:
        rendered = _rendered(records, single, name, others, refresh_seconds)
        if output is None and name != "html" and len(formats) == 1:
            first, *further = rendered.values()
            shown = harmless(first.replace("\r\n", "\n")) if sys.stdout.isatty() else first  # a file or a pipe gets the data as they are
            sys.stdout.write(shown if shown.endswith("\n") else shown + "\n")
            if further:
                print(f"report: one row a configuration; -o {file_stem(records[0].name)}.csv also writes one row an epoch", file=sys.stderr)
            continue
        for suffix, text in rendered.items():
            base = Path(output) if output else Path(f"{file_stem('-'.join(record.name for record in records))}.{name}")
            path = base if len(formats) == 1 and not suffix.startswith("-") else base.with_name(f"{base.stem}{suffix}")
            write_atomically(path, text)
            print(path.resolve(), file=sys.stderr)


def _rendered(
    records: Sequence[StudyRecord], data: ReportData | None, name: str, others: Sequence[StudyRecord], refresh_seconds: int | None
) -> dict[str, str]:
    """File-name ending to text: a comparison where there is no data of a single study; CSV is two tables."""
    if data is None or name == "html":
        from reports.page import render_comparison, render_report
        from sweeps.thumbnails import report_pictures

        if data is None:
            return {".html": render_comparison(records)}
        return {".html": render_report(data, refresh_seconds=refresh_seconds, thumbnails=report_pictures(data), others=others)}
    from reports.exports import to_csv, to_json, to_markdown

    if name == "csv":
        configurations, epochs = to_csv(data)
        return {".csv": configurations, "-epochs.csv": epochs}
    return {f".{name}": to_json(data) if name == "json" else to_markdown(data)}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "studies",
        metavar="STUDY",
        nargs="+",
        help="its name in the storage, or the place of a sweep made elsewhere; several are compared on one page",
    )
    storage_argument(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="default: STUDY.html for html, else stdout (of csv the table of configurations alone)"
    )
    parser.add_argument(
        "--format",
        default="html",
        metavar="FORMATS",
        dest="formats",
        help="html, json, csv, md, or several with commas (default: %(default)s)",
    )
    parser.add_argument(
        "--beside", metavar="STUDY", action="append", default=[], help="compare it with this study in the appendix; may be given again"
    )
    parser.add_argument("--watch", action="store_true", help="write it again every few seconds until the sweep ends")


COMMAND = Command(
    name="report",
    summary="the report of a study, from its storage alone",
    description="Writes one self-contained HTML file (default STUDY.html), or JSON, CSV, Markdown.\nSeveral studies give a page that compares them.\n"
    "Also reads sweeps of Ray Tune, Optuna, KerasTuner, MLflow and W&B, and folders of logs with settings:\nname the folder, file or address.",
    examples=(
        ("steadysweep report flowers", "writes flowers.html"),
        ("steadysweep report flowers --beside ray_results/digits", "compares the two in its appendix"),
        ("steadysweep report flowers --format json", "for a program, to stdout"),
        ("steadysweep report flowers --format html,csv,md -o out/flowers.html", "several formats side by side"),
    ),
    add_arguments=_add_arguments,
    run=report,
)
