"""Files that are whole or not there."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from reports.errors import ReportInputError

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

    Raises:
        ReportInputError: this user may write no such file there.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{file_stem(target.name)[:40]}.", suffix=".part")
    except OSError as error:
        raise _refused(target, error) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="", errors="replace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())  # noqa: PTH101 - mkstemp gives its owner alone access
        os.replace(name, target)  # noqa: PTH105 - the name is a string already
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _refused(target, error) from error
        raise
    return target


NOT_HERE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR, errno.ENOTDIR, errno.EEXIST)


def _refused(target: Path, error: OSError) -> Exception:
    """What to raise where a file cannot be written: a place that is wrong is bad input, anything else (a full disk) stays as it is."""
    if error.errno not in NOT_HERE:
        return error
    return ReportInputError(
        f"{target} cannot be written: {error.strerror}. Name a file in a folder of yours (-o FILE, or report.path in the sweep file)."
    )


def check_place(path: Path) -> None:
    """Find out before a long run that its report could not be written.

    Raises:
        ReportInputError: this user may write no such file there.
    """
    folder = next(each for each in path.absolute().parents if each.exists())
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise _refused(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    if path.is_dir():
        raise _refused(path, IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)))


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    current = os.umask(0)
    os.umask(current)
    return current
