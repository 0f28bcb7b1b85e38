"""A prefix on an object store, through pyarrow's file systems."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING, Any

from trainer.places.address import connect, explained

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from trainer.places.address import Address

CHUNK = 8 << 20
"""Bytes that are read and sent at a time."""


class ObjectFolder:
    """A `Folder` of the objects at an `address`. Stores have no real folders: one appears with its first object and is gone with its last."""

    def __init__(self, address: Address) -> None:
        self.address = address

    @property
    def place(self) -> str:
        """Its address."""
        return str(self.address)

    def files(self) -> Mapping[str, int]:
        """Every object below."""
        return {name: size for name, (size, _) in self.listing().items()}

    def listing(self) -> Mapping[str, tuple[int, int]]:
        """Every object below, with its size in bytes and when it was written (nanoseconds since 1970)."""
        from pyarrow import fs

        start = len(self.address.path) + 1
        with self._asking("be listed"):
            entries = self._store.get_file_info(fs.FileSelector(self.address.path, recursive=True, allow_not_found=True))
        return {info.path[start:]: (info.size, info.mtime_ns or 0) for info in entries if info.type is fs.FileType.File}

    def facts(self, name: str) -> tuple[int, int] | None:
        """Bytes and time of one object, as in `listing`; None when there is none."""
        from pyarrow import fs

        with self._asking(f"be looked at: {name}"):
            info = self._store.get_file_info((self.address / name).path)
        return (info.size, info.mtime_ns or 0) if info.type is fs.FileType.File else None

    def folders(self) -> tuple[str, ...]:
        """First parts of the names that have more than one."""
        from pyarrow import fs

        with self._asking("be listed"):
            entries = self._store.get_file_info(fs.FileSelector(self.address.path, allow_not_found=True))
        return tuple(sorted(info.base_name for info in entries if info.type is fs.FileType.Directory))

    def child(self, name: str) -> ObjectFolder:
        """The prefix below."""
        return ObjectFolder(self.address / name)

    def read(self, name: str) -> bytes:
        """A small object."""
        with self._asking(f"be read: {name}"), self._store.open_input_stream((self.address / name).path) as stream:
            content: bytes = stream.read()
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a small object in one request, which an object store does whole or not at all."""
        with self._asking(f"be written: {name}"), self._store.open_output_stream((self.address / name).path) as stream:
            stream.write(content)

    def upload(self, source: Path, name: str) -> None:
        """Write an object from a local file."""
        with (
            self._asking(f"be written: {name}"),
            source.open("rb") as file,
            self._store.open_output_stream((self.address / name).path) as stream,
        ):
            shutil.copyfileobj(file, stream, CHUNK)

    def download(self, name: str, target: Path) -> None:
        """Copy an object to a local file."""
        with (
            self._asking(f"be read: {name}"),
            self._store.open_input_stream((self.address / name).path) as stream,
            target.open("wb") as file,
        ):
            shutil.copyfileobj(stream, file, CHUNK)

    def copy(self, source: str, target: str) -> None:
        """Copy an object inside the store."""
        with self._asking(f"be written: {target}"):
            self._store.copy_file((self.address / source).path, (self.address / target).path)

    def remove_empty(self) -> None:
        """Nothing to do: a store has objects and no folders."""

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects, and the empty ones that stand for folders which pyarrow leaves in their place."""
        from pyarrow import fs

        folders: set[str] = set()
        for name in names:
            with self._asking(f"be removed: {name}"), contextlib.suppress(FileNotFoundError):
                self._store.delete_file((self.address / name).path)
            parts = name.split("/")[:-1]
            folders |= {"/".join(parts[: length + 1]) for length in range(len(parts))}
        for folder in sorted(folders, key=len, reverse=True):
            path = (self.address / folder).path
            with self._asking(f"be removed: {folder}"), contextlib.suppress(FileNotFoundError):
                if not self._store.get_file_info(fs.FileSelector(path, allow_not_found=True)):
                    self._store.delete_dir(path)

    @property
    def _store(self) -> Any:  # noqa: ANN401 - pyarrow.fs.FileSystem, which has no types
        return connect(self.address.scheme, self.address.bucket)

    @contextlib.contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Errors of the store name the place, what was asked and what to do."""
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise explained(error, f"{self.address} could not {what}") from error
