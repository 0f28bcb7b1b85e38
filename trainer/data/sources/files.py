"""Image files: in class folders, or listed in a table.

Class folders are ``root/CLASS/*.png``, or ``root/train/CLASS/*.png`` with ``validation`` and ``test`` beside it. A table is a CSV or Parquet file with columns
``path`` and ``label``, and optionally ``split`` and ``group``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainer.data.images import PARTS, Part
from trainer.data.pixels import SUFFIXES
from trainer.data.sources.collected import Collected, index_labels, parse_part
from trainer.errors import DataError, nearest

if TYPE_CHECKING:
    import pandas as pd


def collect_folders(root: Path) -> Collected:
    """List the images of class folders, classes and files in alphabetical order; images in folders below a class belong to it.

    Raises:
        DataError: there are no class folders with images, or the parts' classes differ from those of the training images.
    """
    parts = part_folders(root)
    if parts:
        return _collect_parts(root, parts)
    names, files, labels = _list_classes(root)
    if not files:
        entries = ", ".join(sorted(entry.name for entry in root.iterdir())[:5]) or "nothing"
        raise DataError(
            f"{root}: expected one folder per class with {', '.join(SUFFIXES)} files (or train/validation/test folders of such), found {entries}"
        )
    return Collected(tuple(files), np.asarray(labels, np.int32), names)


def part_folders(root: Path) -> dict[Part, Path]:
    """The train, validation and test folders of `root`; empty when its folders are classes (a class may be called "test")."""
    folders = visible_folders(root)
    named = {part: folder for folder in folders if (part := parse_part(folder.name)) is not None}
    if "train" not in named or len(named) != len(folders):
        return {}
    return {part: named[part] for part in PARTS if part in named}


_OF_SYSTEMS = frozenset(
    {
        *("@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "@tmp"),  # network storage by Synology and QNAP
        *("$recycle.bin", "recycler", "system volume information", "found.000"),  # Windows
        *("lost+found", "network trash folder", "temporary items"),  # Linux, macOS
    }
)
"""Folders that systems make beside people's own, in lower case: thumbnails and wastebaskets."""


def is_of_system(name: str) -> bool:
    """Whether a file or folder is hidden, or was made by a system and not by a person."""
    return name.startswith((".", "__")) or name.lower() in _OF_SYSTEMS


def is_seen(path: Path, top: Path) -> bool:
    """Whether `path` is not hidden, and no folder on the way to it from `top` is hidden or a system's."""
    *folders, name = path.relative_to(top).parts
    return not name.startswith(".") and not any(map(is_of_system, folders))


def visible_folders(root: Path) -> list[Path]:
    """Folders of `root` by name, without hidden ones and those of systems."""
    return sorted(entry for entry in root.iterdir() if entry.is_dir() and not is_of_system(entry.name))


def is_broken_link(path: Path) -> bool:
    """Whether `path` is a symbolic link whose target does not exist."""
    return path.is_symlink() and not path.exists()


def _collect_parts(root: Path, parts: dict[Part, Path]) -> Collected:
    class_names, files, labels = _list_classes(parts["train"])
    if not files:
        raise DataError(f"{parts['train']}: expected one folder per class with images, found none")
    given: list[Part] = ["train"] * len(files)
    number = {name: index for index, name in enumerate(class_names)}
    for part, folder in list(parts.items())[1:]:  # the training images are the first part
        names, more, local = _list_classes(folder)
        strangers = [name for name in names if name not in number]
        if strangers:
            raise DataError(
                f"{folder / strangers[0]}: class {strangers[0]!r} is not among the training classes {', '.join(class_names)} of {root}"
            )
        files += more
        labels += [number[names[label]] for label in local]
        given += [part] * len(more)
    return Collected(tuple(files), np.asarray(labels, np.int32), class_names, tuple(given))


def _list_classes(root: Path) -> tuple[tuple[str, ...], list[Path], list[int]]:
    names: list[str] = []
    files: list[Path] = []
    labels: list[int] = []
    for folder in visible_folders(root):
        images = sorted(  # without hidden ones; with links that lead nowhere, which are missing images
            path
            for path in folder.rglob("*")
            if path.suffix.lower() in SUFFIXES and is_seen(path, folder) and (path.is_file() or is_broken_link(path))
        )
        if images:
            labels += [len(names)] * len(images)
            names.append(folder.name)
            files += images
    return tuple(names), files, labels


COLUMNS = ("path", "label", "split")
REQUIRED = COLUMNS[:2]
GROUP = "group"


def collect_manifest(path: Path, groups: str | None = None) -> Collected:
    """Read the table; relative paths are relative to the table's folder. Rows keep their order.

    Args:
        path: of the table.
        groups: its column of groups, which must be there; None: ``group``, where there is one.

    Raises:
        DataError: the table cannot be read, lacks a column, or a row lacks a path, a label or, where others have one, a split or group.
    """
    table = _read_table(path, groups or GROUP)
    got = [str(column) for column in table.columns]
    missing = [column for column in REQUIRED if column not in got]
    if missing:
        raise DataError(
            f"{path}: column {missing[0]!r} is missing; expected path, label and optionally split and group, got {', '.join(got)}"
        )
    if groups is not None and groups not in got:
        raise DataError(f"data.split.groups: {path} has no column {groups!r}{nearest(groups, got)}; it has {', '.join(got)}")
    column_of_groups = groups or GROUP
    if table.empty:
        raise DataError(f"{path}: the table has no rows")
    for column in (*COLUMNS, column_of_groups):
        if column in got and bool(table[column].isna().any()):
            row = int(table[column].isna().to_numpy().argmax())
            raise DataError(f"{path}: row {row + 1} has no {column}; fill it in or remove the {'row' if column in REQUIRED else 'column'}")
    labels, class_names = index_labels(table["label"].to_numpy(), f"{path}: label")
    files = tuple(path.parent / Path(str(name)).expanduser() for name in table["path"])
    parts = tuple(_part_in_row(value, row, path) for row, value in enumerate(table["split"])) if "split" in table.columns else None
    members = tuple(str(value) for value in table[column_of_groups]) if column_of_groups in got else None
    return Collected(files, labels, class_names, parts, members)


def _read_table(path: Path, groups: str) -> pd.DataFrame:
    import pandas as pd

    try:
        if path.suffix == ".csv":
            return pd.read_csv(path, dtype={"path": str, "split": str, groups: str})
        return pd.read_parquet(path)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a readable table ({error})") from error


def _part_in_row(value: object, row: int, path: Path) -> Part:
    part = parse_part(str(value))
    if part is None:
        raise DataError(f"{path}: row {row + 1}: split {value!r} is unknown; expected train, validation or test")
    return part
