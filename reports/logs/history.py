"""``History`` objects written as JSON: a dictionary of lists, nested, as records, as lines, or as Python prints it.

Tables of epochs: `CSVLogger` files, ``History`` frames written by pandas, and other delimited text.
"""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING, Final

from reports.logs.fit import RawEpoch, RawFit, cut_into_fits, join_single_epochs, split_fits
from reports.logs.metric_names import is_known, parse_number
from reports.logs.trial_tables import problem_of_trials, trials_in

if TYPE_CHECKING:
    from collections.abc import Sequence


_DEEPEST: Final = 8
_NO_LABEL: Final = frozenset({"history", "History", "logs", "metrics", ""})
_PYTHON_WORDS: Final = (
    (re.compile(r"\b(?:np\.|numpy\.|jnp\.)?(?:float|int|uint)\d+\(([^()]{0,64})\)"), r"\1"),
    (re.compile(r"\b(?:np\.|numpy\.)?array\((\[[^\[\]()]*\])(?:, dtype=[\w.]+)?\)"), r"\1"),
    (re.compile(r"\bnan\b"), "NaN"),
    (re.compile(r"\binf\b"), "Infinity"),
    (re.compile(r"\bNone\b"), "null"),
    (re.compile(r"\bTrue\b"), "true"),
    (re.compile(r"\bFalse\b"), "false"),
    (re.compile(r",(\s*[\]}])"), r"\1"),
    (re.compile(r"'"), '"'),
)


def parse_json(text: str) -> object | None:
    """JSON (or a dictionary as Python prints it) with numbers kept as their text; None when it is neither."""
    for candidate in (text, _as_json(text)):
        try:
            return json.loads(candidate, parse_float=str, parse_int=str, parse_constant=str)  # type: ignore[no-any-return]
        except (ValueError, RecursionError):
            continue
    return None


def parse_json_lines(text: str) -> list[object] | None:
    """One JSON object a line; None when a line other than the last (which may be cut) is none."""
    lines = [line for line in text.split("\n") if line.strip()]
    values: list[object] = []
    for number, line in enumerate(lines):
        try:
            values.append(json.loads(line, parse_float=str, parse_int=str, parse_constant=str))
        except (ValueError, RecursionError):
            if number < len(lines) - 1:
                return None
    return values or None


def read_history(value: object) -> list[RawFit]:
    """Fits in parsed JSON: every dictionary of equally meant lists, and every list of records, wherever they are; labels are their keys."""
    return _walk(value, "", 0)


def _as_json(text: str) -> str:
    """A dictionary as Python prints it, rewritten as JSON; only tried where JSON fails."""
    for pattern, replacement in _PYTHON_WORDS:
        text = pattern.sub(replacement, text)
    return text


def _walk(value: object, label: str, depth: int) -> list[RawFit]:
    """Fits at or below a value."""
    if depth > _DEEPEST:
        return []
    if isinstance(value, dict):
        fits = _from_columns(value) or _labelled(value, label, depth)
    elif isinstance(value, list):
        fits = _from_records(value) or [
            fit for number, item in enumerate(value, 1) for fit in _walk(item, f"{label} {number}".strip(), depth + 1)
        ]
    else:
        return []
    for fit in fits:
        fit.label = fit.label or label
    return fits


def _labelled(value: dict[str, object], label: str, depth: int) -> list[RawFit]:
    """Fits below a dictionary that is no history itself: models by name, or ``{"history": {...}, "params": {"epochs": 100}}``."""
    params = value.get("params")
    fits = [fit for key, item in value.items() for fit in _walk(item, label if key in _NO_LABEL else f"{label} {key}".strip(), depth + 1)]
    if isinstance(params, dict):
        planned = parse_number(str(params.get("epochs", "")))
        for fit in fits:
            fit.planned = int(planned[0]) if planned is not None and 0 < planned[0] < 1e9 else None  # noqa: PLR2004
    return fits


def _from_columns(value: dict[str, object]) -> list[RawFit]:
    """The fit of a dictionary of lists (or of dictionaries by index, as pandas writes them), or nothing."""
    columns = {key: _texts(item) for key, item in value.items()}
    kept = {key: texts for key, texts in columns.items() if texts}
    if not any(is_known(key) for key in kept):
        return []
    length = max(len(texts) for key, texts in kept.items() if is_known(key))
    epochs = kept.pop("epoch", None)
    numbers = [_whole(text) for text in epochs] if epochs and len(epochs) == length else [None] * length
    rows = [
        RawEpoch(number, {key: texts[index] for key, texts in kept.items() if index < len(texts)}) for index, number in enumerate(numbers)
    ]
    return split_fits(rows)


def _from_records(value: list[object]) -> list[RawFit]:
    """The fits of a list of dictionaries, one an epoch, or nothing."""
    records = [item for item in value if isinstance(item, dict)]
    if not records or len(records) < len(value):
        return []
    rows = [
        RawEpoch(
            _whole(str(next((record[name] for name in _EPOCH_COLUMNS if name in record), ""))),
            {key: text for key, text in record.items() if isinstance(text, str) and key not in (*_EPOCH_COLUMNS, *_STEP_COLUMNS)},
            step=_whole(str(next((record[name] for name in _STEP_COLUMNS if name in record), ""))),
        )
        for record in records
    ]
    known = [row for row in rows if any(is_known(name) and parse_number(text) is not None for name, text in row.values.items())]
    return split_fits(known) if known else []


def _texts(item: object) -> list[str]:
    """Texts of a list of numbers, or of a dictionary from index to number; empty when it is neither."""
    if isinstance(item, dict) and item and all(str(key).isdigit() for key in item):
        item = list(item.values())
    if not isinstance(item, list):
        return []
    flat = [entry[0] if isinstance(entry, list) and len(entry) == 1 else entry for entry in item]
    return ["" if entry is None else str(entry) for entry in flat] if all(isinstance(entry, str) or entry is None for entry in flat) else []


def _whole(text: str) -> int | None:
    """A whole number's value, or None."""
    number = parse_number(text)
    return int(number[0]) if number is not None and abs(number[0]) < 1e9 and number[0] == int(number[0]) else None  # noqa: PLR2004


_LINE_END = re.compile(r"[\r\n]+")
_DELIMITERS: Final = (",", ";", "\t", "|")
_DECIMAL_COMMA = re.compile(r"^\s*[-+]?\d*,\d+(?:[eE][-+]?\d+)?\s*$")
_INDEX_NAMES: Final = frozenset({"", "epoch", "epochs", "unnamed: 0", "index"})
_EPOCH_COLUMNS: Final = ("epoch", "Epoch", "epochs", "Epochs", "training_iteration")
_STEP_COLUMNS: Final = ("step", "Step", "global_step", "_step", "trainer/global_step")


def table_delimiter(head: str) -> str | None:
    """The delimiter when text begins with a header of metric names, or None: the first line decides."""
    first = next((line for line in _LINE_END.split(head[:20000].lstrip("\ufeff")) if line.strip()), "")
    for delimiter in _DELIMITERS:
        names = _cells(first, delimiter)
        if len(names) > 1 and any(is_known(name) for name in names) and all(parse_number(name) is None for name in names):
            return delimiter
    return None


def read_table(text: str, delimiter: str) -> list[RawFit]:
    r"""Fits of a table.

    A new fit begins where the header is repeated or the epoch number falls (``CSVLogger(append=True)``). Rows of one epoch that complete each
    other (PyTorch Lightning writes training and validation figures apart) are merged. A column that names the trial keeps trials apart.

    Args:
        text: the table with its header; line ends may be ``\n``, ``\r\n``, ``\r\r\n`` or ``\r``.
        delimiter: what separates cells. With ``;``, tab or ``|`` a comma within a number is a decimal comma.
    """
    blocks: list[tuple[list[str], list[list[str]]]] = [([], [])]
    for line in _LINE_END.split(text.lstrip("\ufeff")):
        if not line.strip():
            continue
        cells = _cells(line, delimiter)
        if parse_number(cells[-1] or cells[0]) is None and any(is_known(cell) for cell in cells):
            blocks.append((cells, []))
        elif 0 < len(cells) <= len(blocks[-1][0]):
            if delimiter != ",":
                cells = [cell.replace(",", ".") if _DECIMAL_COMMA.match(cell) else cell for cell in cells]
            blocks[-1][1].append(cells)
    fits: list[RawFit] = []
    for header, rows in blocks:
        problem = problem_of_trials(header, rows)
        for label, settings, of_trial in trials_in(header, rows):
            epochs = [row for cells in of_trial if (row := _row(header, cells)) is not None]
            found = cut_into_fits(epochs)
            for number, fit in enumerate(found, 1):
                fit.label = label + (f", fit {number}" if label and len(found) > 1 else "")
                fit.settings = dict(settings)
                fit.problem = problem
            fits += found
    return join_single_epochs(fits)


def _cells(line: str, delimiter: str) -> list[str]:
    """Cells of one line, quotes removed."""
    if '"' not in line:
        return [cell.strip() for cell in line.strip("\x00").split(delimiter)]
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []


def _row(header: Sequence[str], cells: Sequence[str]) -> RawEpoch | None:
    """One row as an epoch, None when it has no figures; the epoch's column is ``epoch``, or a first column of whole numbers without a name."""
    values = dict(zip(header, cells, strict=False))
    counter: str | None = next((name for name in _EPOCH_COLUMNS if name in values), None)
    if counter is None and header[0].lower() in _INDEX_NAMES:
        counter = header[0]
    number = values.pop(counter) if counter is not None else ""
    step = next((values.pop(name) for name in _STEP_COLUMNS if name in values), "")
    if not any(parse_number(text) is not None for text in values.values()):
        return None
    return RawEpoch(_whole(number), values, step=_whole(step))
