"""Where images come from: one file per kind of source; `collect` chooses by the look of `data.source`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trainer.errors import DataError
from trainer.user_code import is_reference

if TYPE_CHECKING:
    from trainer.data.sources.collected import Collected

TABLES = (".csv", ".parquet")
KINDS = "a folder of class folders, manifest.csv or .parquet, arrays.npz, digits, keras:NAME or package.module:function"

__all__ = ["collect"]


def collect(source: str) -> Collected:
    """Find the images of `source` without decoding any.

    Raises:
        DataError: the source does not exist or is of no known kind.
    """
    if source == "digits":
        from trainer.data.sources.shipped import collect_digits

        return collect_digits()
    if source.startswith("keras:"):
        from trainer.data.sources.shipped import collect_keras_dataset

        return collect_keras_dataset(source.removeprefix("keras:"))
    path = Path(source).expanduser()
    if path.exists():
        return _collect_path(path, source)
    if is_reference(source):
        from trainer.data.sources.arrays import collect_function

        return collect_function(source)
    raise DataError(f"data.source: {source!r} does not exist (looked in {Path.cwd()}); expected {KINDS}")


def _collect_path(path: Path, source: str) -> Collected:
    if path.is_dir():
        from trainer.data.sources.files import collect_folders

        return collect_folders(path)
    if path.suffix in TABLES:
        from trainer.data.sources.files import collect_manifest

        return collect_manifest(path)
    if path.suffix == ".npz":
        from trainer.data.sources.arrays import collect_npz

        return collect_npz(path)
    raise DataError(f"data.source: {source!r} is a {path.suffix or 'plain'} file; expected {KINDS}")
