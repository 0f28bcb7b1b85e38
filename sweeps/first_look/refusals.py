"""Why no sweep file can be written for a folder, and what the folder should look like."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from sweeps.first_look.observations import count, listed
from trainer.data.pixels import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.data.inspect import FolderInspection

FEWEST_CLASSES = 2


def refusal(data_dir: str, seen: FolderInspection) -> str | None:
    """What is wrong with a folder that has fewer than two classes with images; None where nothing is."""
    usable = [name for name, number in seen.counts.items() if number]
    if len(usable) >= FEWEST_CLASSES:
        return None
    found = f"found {count(len(usable), 'class folder')} with images" + (f" ({usable[0]})" if usable else "")
    return " ".join([f"init: {data_dir}: expected one folder a class, two at least, {found}.", *_hints(data_dir, seen)])


def _hints(data_dir: str, seen: FolderInspection) -> Iterator[str]:
    """What probably happened."""
    root = Path(data_dir)
    loose = [name for name in seen.stray_files if "/" not in name]
    images = [name for name in loose if PurePosixPath(name).suffix.lower() in SUFFIXES]
    above = Counter(PurePosixPath(name).parent for name in seen.nested)
    if above and above.most_common(1)[0][1] >= FEWEST_CLASSES:
        yield f"The classes seem to lie deeper: try `steadysweep init {_shell(root / above.most_common(1)[0][0])}`."
    elif images and (siblings := _image_folders(root.resolve().parent)) >= FEWEST_CLASSES:
        yield f"{count(siblings, 'folder')} with images lie beside each other in {root.resolve().parent}: name that folder, which holds the classes."
    elif images:
        yield (
            f"{count(len(images), 'image')} lie in {data_dir} itself, in no class (e.g. {images[0]}): move each into a folder named after its class, "
            "or write a manifest.csv with the columns path and label and name it in a sweep file as data.source."
        )
    others = Counter(PurePosixPath(name).suffix.lower() for name in seen.stray_files if PurePosixPath(name).suffix.lower() not in SUFFIXES)
    if others and not images:
        told = ", ".join(f"{number} {kind or 'without ending'}" for kind, number in others.most_common(3))
        yield f"Other files were found ({told}); {', '.join(SUFFIXES)} are read: convert them."
    if seen.unreadable:
        yield f"Not readable: {listed(f'{name} ({reason})' for name, reason in seen.unreadable)}."
    if seen.empty_classes and not others and not seen.unreadable:
        yield f"Without an image: {listed(seen.empty_classes)}."


def _image_folders(folder: Path) -> int:
    """Folders in `folder` that hold an image directly, as far as they may be read."""
    found = 0
    for each in folder.iterdir():
        with contextlib.suppress(OSError):
            found += each.is_dir() and not each.name.startswith(".") and any(entry.suffix.lower() in SUFFIXES for entry in each.iterdir())
    return found


def _shell(path: Path) -> str:
    """`path` as a shell reads it."""
    import shlex

    return shlex.quote(path.as_posix())
