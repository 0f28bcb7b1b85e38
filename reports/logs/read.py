"""Read logs of trainings run elsewhere: formats are told apart by content, never by a file's name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reports.errors import ReportInputError
from reports.logs.assemble import assemble
from reports.logs.console import read_console
from reports.logs.event_files import is_event_file
from reports.logs.event_folder import read_event_file, read_event_folder, read_event_stream
from reports.logs.history import parse_json, parse_json_lines, read_history, read_table, table_delimiter
from reports.logs.source import HEAD_BYTES, captured_streams, is_notebook, open_log, read_notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reports.logs.fit import RawFit
    from reports.logs.run import LoggedRun

_CONSOLE: Final = "console log"
_LOOKED_FOR: Final = (
    "a Keras console log (progress bars or verbose=2: 'Epoch 1/10' and '- loss: 0.1234 - val_accuracy: 0.9876'), "
    "a CSVLogger file or another table with loss or accuracy columns, history.history as JSON, a Jupyter notebook with a training's output, "
    "or TensorBoard event files"
)
_BINARY: Final = (
    (b"\x80", "a pickle file, which is not read because loading one runs code; write history.history with json.dump instead"),
    (b"\x89HDF", "an HDF5 file (a model or weights); a model holds no learning curves"),
    (b"PK\x03\x04", "a ZIP archive (a .keras model, or a compressed log: unpack it first)"),
    (b"SQLite format 3", "an SQLite database, in which neither Optuna nor MLflow keeps anything"),
    (b"\x89PNG", "a PNG image; figures cannot be read from a picture"),
    (b"%PDF", "a PDF document"),
)


def read_log(source: str | Path) -> tuple[LoggedRun, ...]:
    """All runs in a log, in order.

    Args:
        source: a file (gzip is undone), a folder with TensorBoard event files, or ``-`` for standard input.

    Raises:
        ReportInputError: it cannot be read or holds no run; the message says what was looked for and what was found.
    """
    name = str(source)
    path = Path(name)
    if name != "-" and path.is_dir():
        return _runs(read_event_folder(path), name, "TensorBoard events", "")
    with open_log(name) as log:
        if not log.head.strip():
            raise ReportInputError(f"{name}: is empty. Expected {_LOOKED_FOR}.")
        if is_event_file(log.head):
            fits = read_event_stream(log.data()) if name == "-" else read_event_file(path)
            return _runs(fits, name, "TensorBoard events", "no scalar of an epoch's loss or accuracy in its events")
        kind = next((kind for mark, kind in _BINARY if log.head.startswith(mark)), None)
        if kind is not None:
            raise ReportInputError(f"{name}: is {kind}. Expected {_LOOKED_FOR}.")
        fits, log_format = _fits_in(log.head_text, log.text, log.chunks)
        return _runs(fits, name, log_format, _first_lines(log.head_text))


def read_text(text: str, *, source: str = "text") -> tuple[LoggedRun, ...]:
    """All runs in a log that is already in memory, e.g. pasted text.

    Raises:
        ReportInputError: it holds no run.
    """
    fits, log_format = _fits_in(text[:HEAD_BYTES], lambda: text, lambda: [text])
    return _runs(fits, source, log_format, _first_lines(text))


def _fits_in(head: str, text: Callable[[], str], chunks: Callable[[], Iterable[str]]) -> tuple[list[RawFit], str]:
    """Fits of a text and what it was read as.

    Args:
        head: its beginning, which decides on what is tried.
        text: gives all of it.
        chunks: gives it in pieces, for logs that need not fit into memory.
    """
    delimiter = table_delimiter(head)
    if not head.lstrip("\ufeff \t\r\n").startswith(("{", "[")) and delimiter is None:
        return read_console(chunks()), _CONSOLE
    whole = text()
    for reader in (_json_fits, lambda whole: (read_table(whole, delimiter) if delimiter else [], "CSV table")):
        fits, log_format = reader(whole)
        if fits:
            return fits, log_format
    return read_console([whole]), _CONSOLE


def _json_fits(text: str) -> tuple[list[RawFit], str]:
    """Fits of a JSON text and what it is; none when it is not JSON."""
    value = parse_json(text) if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")) else None
    if value is None:
        value = parse_json_lines(text)
    if isinstance(value, dict) and is_notebook(value):
        return read_notebook(value), "Jupyter notebook"
    streams = captured_streams(value)
    if streams is not None:
        return read_console([streams]), _CONSOLE
    return read_history(value), "JSON history"


def _runs(fits: list[RawFit], source: str, log_format: str, found: str) -> tuple[LoggedRun, ...]:
    """Runs of fits, named; an error when there are none."""
    problem = next((fit.problem for fit in fits if fit.problem), "") or _problem_of(found)
    if problem and (not fits or any(fit.problem for fit in fits)):
        raise ReportInputError(f"{source}: {problem}")
    runs = tuple(
        run
        for number, fit in enumerate(fits, 1)
        for run in assemble(fit, source=source, name=fit.label or f"fit {number}", log_format=log_format)
    )
    if not runs:
        raise ReportInputError(f"{source}: no training found in it. Looked for {_LOOKED_FOR}. Found {found}.")
    return runs


def _problem_of(beginning: str) -> str:
    """Why a text without fits is none: final values that Optuna printed or exported; empty where nothing is known."""
    if re.search(r"Trial \d+ finished with value|\bdatetime_start\b", beginning) is None:
        return ""
    return (
        "has Optuna's final values, no learning curves: nothing can be said about stability. Give the study's storage "
        "(steadysweep report sqlite:///study.db) with values reported by trial.report, or the trainings' own logs."
    )


def _first_lines(text: str) -> str:
    """The beginning of a text for a message: its first lines with words, shortened."""
    lines = [line.strip()[:100] for line in text.splitlines() if line.strip()][:3]
    return "as its first lines: " + " | ".join(repr(line) for line in lines) if lines else "nothing but white space"
