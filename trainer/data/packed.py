"""Images that lie in a file with many others: read one at a time, in any order, like image files.

Where a source can only be read from its beginning (a stream of batches, a compressed file), its images are first put into a temporary file on the node's disk
(`Spool`), so that data larger than memory needs none.
"""

from __future__ import annotations

import io
import os
import tempfile
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, eq=False)
class Packed:
    """One image in a file of many.

    Attributes:
        name: where it lies, e.g. ``train-00000.parquet#17``; unique in its source.
        read: its bytes, as an image file would hold them; called from several threads.
    """

    name: str
    read: Callable[[], bytes]

    def __str__(self) -> str:
        """Its name: messages and records name it as they name a file."""
        return self.name


def readable(file: Path | Packed) -> Path | io.BytesIO:
    """An image as Pillow opens it."""
    return io.BytesIO(file.read()) if isinstance(file, Packed) else file


class Spool:
    """A temporary file of images, gone when nothing refers to it any more."""

    def __init__(self, folder: Path | None) -> None:
        """Args: folder: on a local disk with room, made if needed; None: the system's temporary folder."""
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - open as long as its images are wanted
        weakref.finalize(self, self._file.close)
        self._end = 0

    def add(self, name: str, content: bytes) -> Packed:
        """Append an image.

        Args:
            name: of the image.
            content: as an image file would hold it.
        """
        start, length = self._end, len(content)
        self._file.write(content)
        self._end += length
        return Packed(name, lambda: self._read(start, length))

    def _read(self, start: int, length: int) -> bytes:
        self._file.flush()
        return os.pread(self._file.fileno(), length, start)
