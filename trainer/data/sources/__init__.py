"""Where images come from: one file per kind of source; `collect` chooses by the look of `data.source`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trainer.errors import DataError
from trainer.user_code import is_reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainer.data.sources.collected import Collected

LIBRARIES = ("keras", "hf", "tfds")
"""What may stand before a colon and the name of a data set."""
TABLES = (".csv", ".parquet")
KINDS = (
    "a folder of class folders, manifest.csv or .parquet, Parquet with image bytes, TFRecord files, arrays.npz, digits, keras:NAME, hf:NAME, tfds:NAME "
    "or package.module:function"
)


def collect(source: str | Sequence[str], scratch: Path | None = None, groups: str | None = None) -> Collected:
    """Find the images of `source` without decoding any.

    Args:
        source: `data.source`; several are one set together.
        scratch: folder on a local disk, for images of sources that can only be read from their beginning; None: the system's temporary folder.
        groups: `data.split.groups`; None: as each kind of source calls it.

    Raises:
        DataError: the source does not exist or is of no known kind, or has no such groups.
    """
    if not isinstance(source, str):
        from trainer.data.sources.several import joined

        return joined(source, [collect(each, scratch, groups) for each in source])
    collected = _collect_one(source, scratch, groups)
    if groups is not None and collected.groups is None:
        raise DataError(
            f"data.split.groups: {source} has no column {groups!r}: it is of a kind whose images have no columns, or says itself which images train. "
            "Expected a manifest, Parquet with image bytes, TFRecord files or an .npz with x and y; leave it out where no image belongs to another"
        )
    return collected


def _collect_one(source: str, scratch: Path | None, groups: str | None) -> Collected:
    library, _, name = source.partition(":")
    if source == "digits" or (library in LIBRARIES and name):
        return _collect_named(library, name, scratch)
    path = Path(source).expanduser()
    if path.exists():
        return _collect_path(source, path, scratch, groups)
    if is_reference(source):
        from trainer.data.sources.functions import collect_function

        return collect_function(source, scratch)
    raise DataError(f"data.source: {source!r} does not exist (looked in {Path.cwd()}); expected {KINDS}")


def _collect_named(library: str, name: str, scratch: Path | None) -> Collected:
    """A data set by its name in a library."""
    from trainer.data.sources import hubs, shipped

    if library == "digits":
        return shipped.collect_digits()
    if library == "keras":
        return shipped.collect_keras_dataset(name)
    return hubs.collect_hugging_face(name) if library == "hf" else hubs.collect_tensorflow_dataset(name, scratch)


def _collect_path(source: str, path: Path, scratch: Path | None, groups: str | None) -> Collected:
    from trainer.data.sources.shards import collect_shards, has_images, is_record_file, shards_in

    if path.is_dir():
        shards = shards_in(path)
        if shards:
            return collect_shards(shards, scratch, groups)
        from trainer.data.sources.files import collect_folders

        return collect_folders(path)
    if is_record_file(path) or (path.suffix == ".parquet" and has_images(path)):
        return collect_shards([path], scratch, groups)
    if path.suffix in TABLES:
        from trainer.data.sources.files import collect_manifest

        return collect_manifest(path, groups)
    if path.suffix == ".npz":
        from trainer.data.sources.arrays import collect_npz

        return collect_npz(path, groups)
    raise DataError(f"data.source: {source!r} is a {path.suffix or 'plain'} file; expected {KINDS}")
