"""Where a log's bytes come from: a file, a compressed file or standard input; decoded in pieces."""

from __future__ import annotations

import codecs
import gzip
import sys
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from reports.errors import ReportInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

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
