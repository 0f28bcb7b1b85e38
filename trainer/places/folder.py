"""The seam between what is kept and where: a folder whose files are written whole, read, copied and removed by name."""

from __future__ import annotations

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
        ...

    def files(self) -> Mapping[str, int]:
        """Every file at or below, with its size in bytes; none where the folder does not exist."""
        ...

    def folders(self) -> tuple[str, ...]:
        """Names of the folders directly in it, sorted."""
        ...

    def child(self, name: str) -> Folder:
        """The folder `name` in it, which need not exist."""
        ...

    def read(self, name: str) -> bytes:
        """A small file."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Write a small file; it is there whole or not at all."""
        ...

    def upload(self, source: Path, name: str) -> None:
        """Write the file `name` from a local one. Cut short it may leave a part behind under this name: what counts must be named by a file written last."""
        ...

    def download(self, name: str, target: Path) -> None:
        """Copy the file `name` to a local one whose folder exists."""
        ...

    def copy(self, source: str, target: str) -> None:
        """Copy one file to another name, inside the store."""
        ...

    def remove(self, names: Iterable[str]) -> None:
        """Remove files in the order given, and folders that this leaves empty; names that are not there are passed over."""
        ...

    def remove_empty(self) -> None:
        """Remove folders at or below that hold nothing, as a removal that was cut short leaves them."""
        ...


def open_folder(place: str | Path, setting: str) -> Folder:
    """The folder at `place`; nothing is made or asked yet.

    Args:
        place: a path, ``s3://bucket/prefix`` or ``gs://bucket/prefix``.
        setting: what it was given as, for messages.

    Raises:
        ConfigError: an address that cannot be used.
    """
    if isinstance(place, Path) or not is_address(place):
        from trainer.places.local_folder import LocalFolder

        return LocalFolder(Path(place).expanduser())
    from trainer.places.object_folder import ObjectFolder

    return ObjectFolder(parse_address(place, setting))
