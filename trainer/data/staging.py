"""A source on an object store, copied to the node's disk once, so that the loaders read local files.

The copy is named after the address and the names, sizes and times of its objects: where something changed there, it is brought anew. What the images *are* is
said by their fingerprint alone, wherever they lie.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from trainer.data.cache import SIZE_NOTE, STAGED, cache_folder, hold
from trainer.data.pixels import SUFFIXES
from trainer.data.sources import KINDS, TABLES
from trainer.data.sources.files import collect_manifest, is_of_system
from trainer.data.sources.shards import has_images, is_record_file
from trainer.errors import DataError
from trainer.places import is_address, parse_address
from trainer.places.object_folder import ObjectFolder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trainer.config import DataConfig
    from trainer.places import Address

GIGABYTE = 1e9
DOWNLOADS = 16
"""Objects that are fetched at the same time."""
_DATA = "data"


@dataclass(frozen=True)
class _Remote:
    """What is to be brought here.

    Attributes:
        folder: on the store.
        objects: name in `folder` to bytes and time.
        source: the name that the loaders are given, empty for the folder.
    """

    folder: ObjectFolder
    objects: Mapping[str, tuple[int, int]]
    source: str = ""

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(size for size, _ in self.objects.values())

    @property
    def key(self) -> str:
        """Names this state of it."""
        text = json.dumps([self.folder.place, self.source, sorted((name, *facts) for name, facts in self.objects.items())])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@contextlib.contextmanager
def local_source(config: DataConfig) -> Iterator[str | tuple[str, ...]]:
    """`data.source` as the loaders read it; one on an object store is on this node's disk inside the block, brought by the first process that needs it.

    Raises:
        DataError: it is not there, cannot be read, or does not fit the cache.
    """
    with contextlib.ExitStack() as held:
        places = tuple(held.enter_context(_local(source, config)) for source in config.sources)
        yield places[0] if len(places) == 1 else places


@contextlib.contextmanager
def _local(source: str, config: DataConfig) -> Iterator[str]:
    if not is_address(source):
        yield source
        return
    cache, limit = cache_folder(config.cache_path), config.cache_disk_gb * GIGABYTE
    try:
        remote = _look_at(parse_address(source, "data.source"))
        if remote.size > limit:
            raise DataError(
                f"data.source: {source} holds {remote.size / GIGABYTE:.3g} GB, the cache on this node may take {config.cache_disk_gb:g}; "
                "raise data.cache_disk_gb if the disk of data.cache_path has room"
            )
        held = hold(cache, f"{remote.key}{STAGED}", remote.size, limit, lambda path: _bring(remote, path))
    except OSError as error:
        raise DataError(f"data.source: {source} cannot be brought to {cache} ({error})") from error
    try:
        yield str(held.path / _DATA / remote.source)
    finally:
        held.release()


def name_in_source(path: str) -> str:
    """A file's name below the source's folder on the store, from its path in a copy on this node's disk; another path as it is."""
    _, copied, name = path.partition(f"{STAGED}/{_DATA}/")
    return name if copied else path


def _look_at(address: Address) -> _Remote:
    """What an address holds of a source."""
    suffix = PurePosixPath(address.name).suffix.lower()
    if suffix == ".npz" or suffix in TABLES or is_record_file(Path(address.name)):
        folder = ObjectFolder(address.parent)
        facts = folder.facts(address.name)
        if facts is None:
            raise DataError(f"data.source: {address} does not exist")
        objects = {address.name: facts}
        if suffix in TABLES:
            objects |= _named_by_table(folder, address.name)
        return _Remote(folder, objects, address.name)
    folder = ObjectFolder(address)
    images = {
        name: facts
        for name, facts in folder.listing().items()
        if name.lower().endswith(SUFFIXES) and not any(map(is_of_system, name.split("/")))
    }
    if not images:  # shards: the loaders tell tables with images from others
        images = {name: facts for name, facts in folder.listing().items() if is_record_file(Path(name)) or name.endswith(".parquet")}
    if not images:
        raise DataError(
            f"data.source: there are no images at {address}; expected {KINDS}, of which files and folders may lie at s3:// or gs://"
        )
    return _Remote(folder, images)


def _named_by_table(folder: ObjectFolder, name: str) -> dict[str, tuple[int, int]]:
    """The objects that a table names; those that are not there are missed by the loader, which tells the rows."""
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / name
        folder.download(name, table)
        if table.suffix == ".parquet" and has_images(table):
            return {}
        named = collect_manifest(table).content
    wanted = {str(path.relative_to(table.parent)) for path in named if isinstance(path, Path) and path.is_relative_to(table.parent)}
    return {each: facts for each, facts in folder.listing().items() if each in wanted}


def _bring(remote: _Remote, path: Path) -> None:
    """Fetch every object, check its size, and say so last."""
    names = sorted(remote.objects)
    for name in names:
        if ".." in PurePosixPath(name).parts or name.startswith("/"):
            raise DataError(f"data.source: {remote.folder.place} holds an object {name!r}, which cannot be a file; rename it")
    for parent in {(path / _DATA / name).parent for name in names}:
        parent.mkdir(parents=True, exist_ok=True)

    def fetch(name: str) -> None:
        target = path / _DATA / name
        remote.folder.download(name, target)
        if target.stat().st_size != remote.objects[name][0]:
            raise OSError(f"{remote.folder.place}/{name} changed while it was read")

    with ThreadPoolExecutor(DOWNLOADS) as pool:
        for _ in pool.map(fetch, names):
            pass
    (path / SIZE_NOTE).write_text(json.dumps({"bytes": remote.size, "source": remote.folder.place, "objects": len(names)}))
