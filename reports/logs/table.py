"""Tables of epochs: `CSVLogger` files, ``History`` frames written by pandas, and other delimited text."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Final

from reports.logs.fit import RawEpoch, RawFit, join_single_epochs
from reports.logs.metric_names import is_known
from reports.logs.numbers import parse_number

if TYPE_CHECKING:
    from collections.abc import Sequence

_LINE_END = re.compile(r"[\r\n]+")
_DELIMITERS: Final = (",", ";", "\t", "|")
_DECIMAL_COMMA = re.compile(r"^\s*[-+]?\d*,\d+(?:[eE][-+]?\d+)?\s*$")
_INDEX_NAMES: Final = frozenset({"", "epoch", "epochs", "unnamed: 0", "index"})
_LARGEST_EPOCH: Final = 1e9


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
    other (PyTorch Lightning writes training and validation figures apart) are merged.

    Args:
        text: the table with its header; line ends may be ``\n``, ``\r\n``, ``\r\r\n`` or ``\r``.
        delimiter: what separates cells. With ``;``, tab or ``|`` a comma within a number is a decimal comma.
    """
    fits: list[RawFit] = [RawFit()]
    header: list[str] = []
    last: int | None = None
    for line in _LINE_END.split(text.lstrip("\ufeff")):
        if not line.strip():
            continue
        cells = _cells(line, delimiter)
        if parse_number(cells[-1] or cells[0]) is None and any(is_known(cell) for cell in cells):
            header, last = cells, None
            fits.append(RawFit())
            continue
        row = _row(header, cells, decimal_comma=delimiter != ",") if len(cells) <= len(header) else None
        if row is None:
            continue
        if row.epoch is not None and last is not None and row.epoch <= last:
            if row.epoch == last and _completes(fits[-1].rows[-1], row):
                fits[-1].rows[-1].values.update({name: cell for name, cell in row.values.items() if parse_number(cell) is not None})
                continue
            fits.append(RawFit())
        fits[-1].rows.append(row)
        last = row.epoch
    return join_single_epochs([fit for fit in fits if fit.rows])


def _cells(line: str, delimiter: str) -> list[str]:
    """Cells of one line, quotes removed."""
    if '"' not in line:
        return [cell.strip() for cell in line.strip("\x00").split(delimiter)]
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []


def _row(header: Sequence[str], cells: Sequence[str], *, decimal_comma: bool) -> RawEpoch | None:
    """One row as an epoch, None when it has no figures; the epoch's column is ``epoch``, or a first column of whole numbers without a name."""
    if decimal_comma:
        cells = [cell.replace(",", ".") if _DECIMAL_COMMA.match(cell) else cell for cell in cells]
    values = dict(zip(header, cells, strict=False))
    counter: str | None = next((name for name in ("epoch", "Epoch", "epochs", "Epochs") if name in values), None)
    if counter is None and header[0].lower() in _INDEX_NAMES:
        counter = header[0]
    number = parse_number(values.pop(counter)) if counter is not None else None
    if not any(parse_number(text) is not None for text in values.values()):
        return None
    whole = number is not None and abs(number[0]) < _LARGEST_EPOCH and number[0] == int(number[0])
    return RawEpoch(int(number[0]) if number is not None and whole else None, values)


def _completes(before: RawEpoch, row: RawEpoch) -> bool:
    """Whether two rows of one epoch are parts of it: no loss or accuracy is in both."""
    filled = {name for name, text in before.values.items() if is_known(name) and parse_number(text) is not None}
    return not any(name in filled and parse_number(text) is not None for name, text in row.values.items())
