"""Logs inside other documents: outputs of Jupyter notebooks, and captures of a program's streams as hosted notebooks save them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.logs.console import read_console
from reports.logs.data_sizes import DataSizes

if TYPE_CHECKING:
    from reports.logs.fit import RawFit


def is_notebook(value: object) -> bool:
    """Whether parsed JSON is a Jupyter notebook (format 3 keeps its cells in worksheets)."""
    return isinstance(value, dict) and ("cells" in value or "worksheets" in value)


def read_notebook(value: dict[str, object]) -> list[RawFit]:
    """Fits in the outputs of a notebook's cells, labelled by cell (counted from 1 over all cells)."""
    sizes = DataSizes()
    fits: list[RawFit] = []
    for number, cell in enumerate(_cells(value), 1):
        outputs = cell.get("outputs")
        if not isinstance(outputs, list):
            continue
        streams = [
            (output.get("name", output.get("stream")), _joined(output.get("text"))) for output in outputs if isinstance(output, dict)
        ]
        stdout = "".join(text for name, text in streams if name != "stderr")
        found = read_console([stdout], sizes) or read_console(["".join(text for _, text in streams)])
        for index, fit in enumerate(found, 1):
            fit.label = f"cell {number}" + (f", fit {index}" if len(found) > 1 else "")
        fits.extend(found)
    return fits


def captured_streams(value: object) -> str | None:
    """Text of a list of ``{"stream_name": ..., "data": ...}`` records, or None when parsed JSON is no such list."""
    if (
        not isinstance(value, list)
        or not value
        or not all(isinstance(item, dict) and "data" in item and "stream_name" in item for item in value)
    ):
        return None
    return "".join(_joined(item["data"]) for item in value)


def _cells(value: dict[str, object]) -> list[dict[str, object]]:
    """All cells of a notebook in order."""
    sheets = value.get("worksheets")
    holders: list[object] = sheets if isinstance(sheets, list) else [value]
    cells: list[dict[str, object]] = []
    for holder in holders:
        found = holder.get("cells") if isinstance(holder, dict) else None
        cells.extend(cell for cell in found if isinstance(cell, dict)) if isinstance(found, list) else None
    return cells


def _joined(text: object) -> str:
    """A notebook's text: a string, or a list of its lines."""
    if isinstance(text, list):
        return "".join(part for part in text if isinstance(part, str))
    return text if isinstance(text, str) else ""
