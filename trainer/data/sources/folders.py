"""Class folders: ``root/CLASS/*.png``, or ``root/train/CLASS/*.png`` with ``validation`` and ``test`` beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.data.decode import SUFFIXES
from trainer.data.sources.collected import PARTS, Collected, Part, parse_part
from trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def collect_folders(root: Path) -> Collected:
    """List the images of class folders, classes and files in alphabetical order; images in folders below a class belong to it.

    Raises:
        DataError: there are no class folders with images, or the parts' classes differ from those of the training images.
    """
    parts = part_folders(root)
    if not parts:
        names, files, labels = _list_classes(root)
        if not files:
            found = ", ".join(sorted(entry.name for entry in root.iterdir())[:5]) or "nothing"
            raise DataError(
                f"{root}: expected one folder per class with {', '.join(SUFFIXES)} files (or train/validation/test folders of such), found {found}"
            )
        return Collected(tuple(files), np.asarray(labels, np.int32), names)
    return _collect_parts(root, parts)


def part_folders(root: Path) -> dict[Part, Path]:
    """The train, validation and test folders of `root`; empty when its folders are classes (a class may be called "test")."""
    folders = visible_folders(root)
    named = {part: folder for folder in folders if (part := parse_part(folder.name)) is not None}
    if "train" not in named or len(named) != len(folders):
        return {}
    return {part: named[part] for part in PARTS if part in named}


def visible_folders(root: Path) -> list[Path]:
    """Folders of `root` by name, without hidden ones."""
    return sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith((".", "__")))


def image_files(folder: Path) -> Iterator[Path]:
    """Image files in `folder` and below, by path, without hidden ones; with links that lead nowhere, which are missing images."""
    yield from sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not any(name.startswith(".") for name in path.relative_to(folder).parts)
        and (path.is_file() or is_broken_link(path))
    )


def is_broken_link(path: Path) -> bool:
    """Whether `path` is a symbolic link whose target does not exist."""
    return path.is_symlink() and not path.exists()


def _collect_parts(root: Path, parts: dict[Part, Path]) -> Collected:
    class_names, files, labels = _list_classes(parts["train"])
    if not files:
        raise DataError(f"{parts['train']}: expected one folder per class with images, found none")
    given: list[Part] = ["train"] * len(files)
    number = {name: index for index, name in enumerate(class_names)}
    for part, folder in parts.items():
        if part == "train":
            continue
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
        found = list(image_files(folder))
        if found:
            labels += [len(names)] * len(found)
            names.append(folder.name)
            files += found
    return tuple(names), files, labels
