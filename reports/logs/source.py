"""Where a log's bytes come from: a file, a compressed file or standard input; decoded in pieces.

Logs inside other documents: outputs of Jupyter notebooks, and captures of a program's streams as hosted notebooks save them.
"""

from __future__ import annotations

import codecs
import gzip
import sys
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from reports.errors import ReportInputError
from reports.logs.assemble import DataSizes
from reports.logs.console import read_console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.logs.fit import RawFit


HEAD_BYTES: Final = 1 << 16
_CHUNK_BYTES: Final = 1 << 20
_ZEROS_OF_UTF_16: Final = 0.1
_GZIP: Final = b"\x1f\x8b"
_ENCODINGS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@contextmanager
def open_log(source: str) -> Iterator[LogBytes]:
    """Open a log: a path, or ``-`` for standard input; gzip is undone.

    Raises:
        ReportInputError: it does not exist or cannot be read.
    """
    try:
        if source == "-":
            yield LogBytes(sys.stdin.buffer)
            return
        with Path(source).open("rb") as file:
            if file.read(2) == _GZIP:
                file.seek(0)
                with gzip.open(file) as unzipped:
                    yield LogBytes(unzipped)
            else:
                file.seek(0)
                yield LogBytes(file)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ReportInputError(f"{source}: cannot be read: {reason}.") from error


def _encoding_of(head: bytes) -> str:
    """Encoding by byte order mark; without one UTF-16 shows by its zero bytes (PowerShell's ``>``), anything else is UTF-8."""
    marked = next((encoding for mark, encoding in _ENCODINGS if head.startswith(mark)), None)
    if marked is not None:
        return marked
    beginning = head[:1000]
    zeros = beginning[::2].count(0), beginning[1::2].count(0)
    if max(zeros) < _ZEROS_OF_UTF_16 * len(beginning) or min(zeros) > max(zeros) / 2:
        return "utf-8"
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


class _Readable(Protocol):
    """An open binary file."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""


class LogBytes:
    """A log's bytes, read once, with their beginning at hand for deciding on a format."""

    def __init__(self, file: _Readable) -> None:
        """Read the head of an open binary file."""
        self._file = file
        self.head = file.read(HEAD_BYTES)
        self._encoding = _encoding_of(self.head)

    @property
    def head_text(self) -> str:
        """The beginning as text."""
        return codecs.getincrementaldecoder(self._encoding)("replace").decode(self.head)

    def chunks(self) -> Iterator[str]:
        """The whole text in pieces; bytes that are no text become U+FFFD."""
        decoder = codecs.getincrementaldecoder(self._encoding)("replace")
        piece = self.head
        while piece:
            yield decoder.decode(piece)
            piece = self._file.read(_CHUNK_BYTES)
        yield decoder.decode(b"", final=True)

    def text(self) -> str:
        """The whole text."""
        return "".join(self.chunks())

    def data(self) -> Iterator[bytes]:
        """The whole log as bytes, in pieces."""
        piece = self.head
        while piece:
            yield piece
            piece = self._file.read(_CHUNK_BYTES)


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
