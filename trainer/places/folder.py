"""The seam between what is kept and where: a folder whose files are written whole, read, copied and removed by name; and the local one."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from trainer.places.address import is_address, parse_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Folder(Protocol):
    """A folder or prefix. Names are paths relative to it, with ``/``.

    Every method raises `OSError` with the place in its message when the place does not answer or refuses, and `FileNotFoundError` for a name that is not there.
    """

    @property
    def place(self) -> str:
        """What a person calls it: a path or an address."""

    def files(self) -> Mapping[str, int]:
        """Every file at or below, with its size in bytes; none where the folder does not exist."""

    def folders(self) -> tuple[str, ...]:
        """Names of the folders directly in it, sorted."""

    def child(self, name: str) -> Folder:
        """The folder `name` in it, which need not exist."""

    def read(self, name: str) -> bytes:
        """A small file."""

    def write(self, name: str, content: bytes) -> None:
        """Write a small file; it is there whole or not at all."""

    def upload(self, source: Path, name: str) -> None:
        """Write the file `name` from a local one. Cut short it may leave a part behind under this name: what counts must be named by a file written last."""

    def download(self, name: str, target: Path) -> None:
        """Copy the file `name` to a local one whose folder exists."""

    def copy(self, source: str, target: str) -> None:
        """Copy one file to another name, inside the store."""

    def remove(self, names: Iterable[str]) -> None:
        """Remove files in the order given, and folders that this leaves empty; names that are not there are passed over."""

    def remove_empty(self) -> None:
        """Remove folders at or below that hold nothing, as a removal that was cut short leaves them."""


class LocalFolder:
    """A `Folder` of files at a local `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def place(self) -> str:
        """Its path."""
        return str(self.path)

    def files(self) -> Mapping[str, int]:
        """Every file at or below."""
        sizes: dict[str, int] = {}
        for folder, _, names in os.walk(self.path):
            for name in names:
                full = os.path.join(folder, name)  # noqa: PTH118 - a pathlib object for each of many files is slow
                try:
                    sizes[os.path.relpath(full, self.path).replace(os.sep, "/")] = os.stat(full).st_size  # noqa: PTH116 - as above
                except FileNotFoundError:  # removed meanwhile
                    continue
        return sizes

    def folders(self) -> tuple[str, ...]:
        """Names of the folders directly in it."""
        try:
            return tuple(sorted(entry.name for entry in os.scandir(self.path) if entry.is_dir()))
        except FileNotFoundError:
            return ()

    def child(self, name: str) -> LocalFolder:
        """The folder `name` in it."""
        return LocalFolder(self.path / name)

    def read(self, name: str) -> bytes:
        """A small file."""
        return (self.path / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        """Write a small file."""
        with _appearing(self.path / name) as partial:
            partial.write_bytes(content)

    def upload(self, source: Path, name: str) -> None:
        """Write the file `name` from another one."""
        with _appearing(self.path / name) as partial:
            shutil.copyfile(source, partial)

    def download(self, name: str, target: Path) -> None:
        """Copy the file `name` to another place."""
        shutil.copyfile(self.path / name, target)

    def copy(self, source: str, target: str) -> None:
        """Copy one file to another name."""
        self.upload(self.path / source, target)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, then folders that this leaves empty, the folder itself among them."""
        folders: set[Path] = set()
        for name in names:
            path = self.path / name
            path.unlink(missing_ok=True)
            folders |= {folder for folder in path.parents if folder == self.path or self.path in folder.parents}
        for folder in sorted(folders, key=lambda each: len(each.parts), reverse=True):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def remove_empty(self) -> None:
        """Remove folders at or below that hold nothing."""
        for folder, _, _ in os.walk(self.path, topdown=False):
            with contextlib.suppress(OSError):  # it holds something, or is gone
                os.rmdir(folder)  # noqa: PTH106 - os.walk gives texts


class _appearing:  # noqa: N801 - used like a function
    """A file that gets its name when the block ends without an error."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_name(f".partial-{os.getpid()}-{path.name}")

    def __enter__(self) -> Path:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return self._partial

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._partial.replace(self._path)
        else:
            self._partial.unlink(missing_ok=True)


def open_folder(place: str | Path, setting: str) -> Folder:
    """The folder at `place`; nothing is made or asked yet.

    Args:
        place: a path, ``s3://bucket/prefix`` or ``gs://bucket/prefix``.
        setting: what it was given as, for messages.

    Raises:
        ConfigError: an address that cannot be used.
    """
    if isinstance(place, Path) or not is_address(place):
        return LocalFolder(Path(place).expanduser())
    from trainer.places.object_folder import ObjectFolder

    return ObjectFolder(parse_address(place, setting))
