"""A look at a folder of images before anything is configured: what `steadysweep init` writes its sweep file from."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.data.images import PARTS, THREADS, Forms, Part, digest_files
from trainer.data.pixels import SUFFIXES, Header, decode, read_header
from trainer.data.sources import collect
from trainer.data.sources.files import is_broken_link, is_of_system, is_seen, part_folders, visible_folders
from trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trainer.data.images import ImageData
    from trainer.data.packed import Packed

IGNORED = frozenset({".ds_store", "thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class FolderInspection:
    """What a folder of class folders holds. Paths are relative to it.

    Attributes:
        parts: parts that it gives as folders (train, validation, test), empty when it is to be split.
        counts: readable images of each class, over all parts, classes in alphabetical order.
        part_counts: readable images of each part and class; one part named ``train`` where there are no part folders.
        sizes: (height, width) after EXIF orientation to number of images, most frequent first.
        modes: Pillow's mode (``RGB``, ``L``, ``RGBA``, ``P``, ``I;16``, ...) to number of images, most frequent first.
        duplicates: groups of files with equal contents, two or more each.
        conflicting_duplicates: those of them that lie in more than one class.
        unreadable: image files that do not decode and links that lead nowhere, with the reason.
        stray_files: files that are no images, or images outside every class folder.
        nested: folders with images below a class folder; their images count for the class.
        empty_classes: class folders without a readable image.
        smallest: the readable image with the shortest side, or empty.
        largest: the readable image with the longest side, or empty.
    """

    parts: tuple[Part, ...]
    counts: Mapping[str, int]
    part_counts: Mapping[Part, Mapping[str, int]]
    sizes: Mapping[tuple[int, int], int]
    modes: Mapping[str, int]
    duplicates: tuple[tuple[str, ...], ...]
    conflicting_duplicates: tuple[tuple[str, ...], ...]
    unreadable: tuple[tuple[str, str], ...]
    stray_files: tuple[str, ...]
    nested: tuple[str, ...]
    empty_classes: tuple[str, ...]
    smallest: str = ""
    largest: str = ""

    @property
    def images(self) -> int:
        """Readable images in all."""
        return sum(self.counts.values())

    @property
    def balance(self) -> float:
        """Images of the largest class over those of the smallest that has any; 1 is balanced."""
        present = [count for count in self.counts.values() if count]
        return max(present) / min(present) if present else 1.0

    @property
    def grey(self) -> bool:
        """Whether every image is grey by its mode."""
        return bool(self.modes) and all(Header(1, 1, mode, "").grey for mode in self.modes)


def inspect_folder(root: Path, *, decode_images: bool = True) -> FolderInspection:
    """Look at every file below `root`, in threads; hidden files, and folders that systems make, are passed over.

    Args:
        root: folder of class folders.
        decode_images: decode each image once, to find those that cannot be; without, only headers are read.

    Raises:
        DataError: `root` is no folder.
    """
    parts, files, strays, nested = _looked_through(root)
    tops = list(parts) or [root]
    seen = _seen(
        files,
        tuple(parts.values()),
        sorted({folder.name for top in tops for folder in visible_folders(top)}),
        f"{root}/",
        decode_images=decode_images,
    )
    return replace(
        seen, stray_files=tuple(_name(path, f"{root}/") for path in strays), nested=tuple(_name(path, f"{root}/") for path in nested)
    )


def inspect_structure(root: Path) -> FolderInspection:
    """What lies in a folder of class folders by its names alone: no file is opened, so that images are counted that cannot be read.

    Raises:
        DataError: `root` is no folder.
    """
    parts, files, strays, nested = _looked_through(root)
    classes = sorted({folder.name for top in list(parts) or [root] for folder in visible_folders(top)})
    numbers = Counter(file.label for file in files)
    return FolderInspection(
        parts=tuple(parts.values()),
        counts={name: numbers[name] for name in classes},
        part_counts={},
        sizes={},
        modes={},
        duplicates=(),
        conflicting_duplicates=(),
        unreadable=(),
        stray_files=tuple(_name(path, f"{root}/") for path in strays),
        nested=tuple(_name(path, f"{root}/") for path in nested),
        empty_classes=tuple(name for name in classes if not numbers[name]),
    )


def inspect_loaded(data: ImageData, root: str = "") -> FolderInspection:
    """What there is to be told of images of any source, once they are loaded: nothing is read again.

    Copies are images with the same bytes; of arrays, with the same pixels.

    Args:
        data: the images.
        root: what the names of files begin with, as far as they share it; left out of what is told.
    """
    parts = [(name, images) for name, images in data.parts() if name == "train" or images is not data.train]
    groups: dict[str, list[tuple[str, int]]] = defaultdict(list)
    counted: dict[str, Counter[int]] = {name: Counter(images.labels.tolist()) for name, images in parts}
    for name, images in parts:
        names = images.names or tuple(
            f"{name} image {row}" for row in (range(len(images)) if images.rows is None else images.rows.tolist())
        )
        for digest, image, label in zip(images.digests or (), names, images.labels.tolist(), strict=False):
            groups[digest].append((_name_below(image, root), label))
    for digest, label, name in data.unused:
        groups[digest].append((_name_below(name, root) or "an unused image", label))
    copies = [group for group in groups.values() if len(group) > 1]
    unused = Counter(label for _, label, _ in data.unused)
    counts = {name: sum(counter[label] for counter in [*counted.values(), unused]) for label, name in enumerate(data.class_names)}
    forms = data.forms or Forms({}, {})
    return FolderInspection(
        parts=PARTS[:2] if data.own_validation else (),
        counts=counts,
        part_counts={
            part: {name: counted[part][label] for label, name in enumerate(data.class_names)} for part in PARTS if part in counted
        },
        sizes=forms.sizes,
        modes=forms.modes,
        duplicates=tuple(tuple(name for name, _ in group) for group in copies),
        conflicting_duplicates=tuple(tuple(name for name, _ in group) for group in copies if len({label for _, label in group}) > 1),
        unreadable=tuple((_name_below(name, root), reason) for name, _, reason in (line.partition(": ") for line in data.skipped)),
        stray_files=(),
        nested=(),
        empty_classes=(),
        smallest=_name_below(forms.smallest, root),
        largest=_name_below(forms.largest, root),
    )


def _name_below(name: str, root: str) -> str:
    return name.removeprefix(root)


def _looked_through(root: Path) -> tuple[dict[Path, Part], list[_File], list[Path], list[Path]]:
    """Folders of parts, image files, stray files, and folders nested below classes.

    Raises:
        DataError: `root` is no folder.
    """
    if root.exists() and not root.is_dir():
        raise DataError(f"{root}: expected a folder of class folders, got a file")
    if not root.is_dir():
        beside = (
            [each.name for each in root.parent.iterdir() if each.is_dir() and not is_of_system(each.name)] if root.parent.is_dir() else []
        )
        near = difflib.get_close_matches(root.name, beside, 1)
        hint = f"; did you mean {root.parent / near[0]}?" if near else ""
        raise DataError(f"{root}: expected a folder of class folders, but there is none{hint}")
    parts = part_folders(root)
    tops: dict[Path, Part] = {folder: part for part, folder in parts.items()}
    return (tops, *_walk(root, tops or {root: "train"}))


def inspect_source(source: str, *, scratch: Path | None = None, decode_images: bool = True) -> FolderInspection:
    """Look at the images of a source whose images lie in files of many, or that names its files.

    Args:
        source: as in `data.source`.
        scratch: as for `trainer.data.sources.collect`.
        decode_images: as for `inspect_folder`.

    Raises:
        DataError: the source cannot be read, or holds arrays.
    """
    collected = collect(source, scratch)
    if not isinstance(collected.content, tuple):
        raise DataError(f"{source}: arrays need no look; name them in a sweep file, data: {{source: {source}}}")
    train: Part = "train"
    parts = collected.parts or (train,) * len(collected)
    files = [
        _File(content, part, collected.class_names[label])
        for content, part, label in zip(collected.content, parts, collected.labels, strict=True)
    ]
    path = Path(source).expanduser()
    given = tuple(part for part in PARTS if part in parts) if collected.parts else ()
    return _seen(files, given, collected.class_names, f"{path if path.is_dir() else path.parent}/", decode_images=decode_images)


def _seen(files: Sequence[_File], parts: tuple[Part, ...], classes: Sequence[str], root: str, *, decode_images: bool) -> FolderInspection:
    """What is to be told of images, beside what else lies in a folder; names are those below `root`."""
    with ThreadPoolExecutor(THREADS) as pool:
        headers = list(pool.map(_look if decode_images else _glance, [file.path for file in files]))
    readable = [(file, header) for file, header in zip(files, headers, strict=True) if isinstance(header, Header)]
    tally: dict[Part, Counter[str]] = {part: Counter() for part in PARTS if part in (parts or ("train",))}
    for file, _ in readable:
        tally[file.part][file.label] += 1
    counts = {name: sum(counter[name] for counter in tally.values()) for name in classes}
    duplicates = _duplicates(root, [file for file, _ in readable])
    return FolderInspection(
        parts=parts,
        counts=counts,
        part_counts={part: {name: counter[name] for name in classes} for part, counter in tally.items()},
        sizes=dict(Counter((header.height, header.width) for _, header in readable).most_common()),
        modes=dict(Counter(header.mode for _, header in readable).most_common()),
        duplicates=tuple(tuple(names) for names, _ in duplicates),
        conflicting_duplicates=tuple(tuple(names) for names, labels in duplicates if len(labels) > 1),
        unreadable=tuple((_name(file.path, root), why) for file, why in zip(files, headers, strict=True) if isinstance(why, str)),
        stray_files=(),
        nested=(),
        empty_classes=tuple(name for name, count in counts.items() if not count),
        smallest=_name(min(readable, key=lambda pair: min(pair[1].height, pair[1].width))[0].path, root) if readable else "",
        largest=_name(max(readable, key=lambda pair: max(pair[1].height, pair[1].width))[0].path, root) if readable else "",
    )


@dataclass(frozen=True)
class _File:
    path: Path | Packed
    part: Part
    label: str


def _walk(root: Path, tops: Mapping[Path, Part]) -> tuple[list[_File], list[Path], list[Path]]:
    """Image files with part and class, stray files, and folders nested below classes."""
    files: list[_File] = []
    strays = [path for top in {root, *tops} for path in top.iterdir() if path.is_file() and not _hidden(path)]
    nested: set[Path] = set()
    for top, part in tops.items():
        for folder in visible_folders(top):
            for path in sorted(folder.rglob("*")):
                if not is_seen(path, folder) or _hidden(path) or not (path.is_file() or is_broken_link(path)):
                    continue
                if path.suffix.lower() not in SUFFIXES:
                    strays.append(path)
                    continue
                files.append(_File(path, part, folder.name))
                if path.parent != folder:
                    nested.add(path.parent)
    return files, sorted(strays), sorted(nested)


def _hidden(path: Path) -> bool:
    return path.name.startswith(".") or path.name.lower() in IGNORED


def _glance(path: Path | Packed) -> Header | str:
    """The header of an image, or why it has none."""
    try:
        return read_header(path)
    except FileNotFoundError:
        return "the link leads nowhere"
    except Exception as error:  # noqa: BLE001 - as in `_look`
        return str(error).split(" '", 1)[0] or type(error).__name__


def _look(path: Path | Packed) -> Header | str:
    """The header of an image that decodes, or why it does not."""
    try:
        header = read_header(path)
        decode(path, None, 3)
    except FileNotFoundError:
        return "the link leads nowhere"
    except Exception as error:  # noqa: BLE001 - Pillow's plug-ins raise anything on damaged files
        return str(error).split(" '", 1)[0] or type(error).__name__
    return header


def _duplicates(root: str, files: Sequence[_File]) -> list[tuple[list[str], set[str]]]:
    groups: dict[str, list[_File]] = defaultdict(list)
    for file, digest in zip(files, digest_files([file.path for file in files]), strict=True):
        if isinstance(digest, str):
            groups[digest].append(file)
    return [([_name(file.path, root) for file in group], {file.label for file in group}) for group in groups.values() if len(group) > 1]


def _name(path: Path | Packed, root: str) -> str:
    """Below `root`, which ends with a slash."""
    return str(path).removeprefix(root)
