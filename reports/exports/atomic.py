"""Files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

LONGEST_STEM = 180
"""Bytes; file systems take 255, and endings follow."""


def file_stem(name: str) -> str:
    """A file's name without its ending for something that is called `name`: it lies in one folder, whatever the name, and no file system finds it too long."""
    plain = "".join(each if each.isprintable() and each not in "/\\" else "-" for each in name)
    cut = plain.encode("utf-8", errors="replace")[:LONGEST_STEM].decode("utf-8", errors="ignore")
    return cut if cut.strip(". -") else f"study-{cut.strip('. ')}".rstrip("-")


def write_atomically(path: Path | str, text: str) -> Path:
    """Write `text` as UTF-8 to a temporary file beside `path` and rename it: a reader sees the old file or the new one, never half.

    The folder is made. Returns the path.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{file_stem(target.name)[:40]}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="", errors="replace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())  # noqa: PTH101 - mkstemp gives its owner alone access
        os.replace(name, target)  # noqa: PTH105 - the name is a string already
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return target


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    current = os.umask(0)
    os.umask(current)
    return current
