"""What a person should know about a folder of images before a sweep is spent on it, what to do about it, and why some folders cannot be used."""

from __future__ import annotations

import contextlib
import shlex
from collections import Counter
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from trainer.data.pixels import CONVERTIBLE, KINDS_READ, SUFFIXES
from trainer.data.sources.collected import parse_part
from trainer.data.sources.files import is_of_system

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from trainer.data.inspect import FolderInspection

FEWEST_CLASSES = 2
NAMED = 5
"""Names that a line lists before it counts the rest."""
FEWEST_TO_SPLIT = 3
"""A class needs one image for each of training, validation and test."""
FEWEST_TO_LEARN = 10
"""A class with fewer images is left out of a proposal: some seven of them train, and one or two say how well it is recognised. Of small networks, five training images
give 73 % recall and ten 87 %, where whole classes have 97 (``python benchmarks/small_classes.py``)."""
FEW = 20
"""With fewer images of a class, figures about it are mostly chance."""
BLOWN_UP = 4
"""An image that is enlarged more than this many times shows little."""


def observations(seen: FolderInspection, image_size: int, classes: Collection[str] | None = None) -> Iterator[str]:
    """A line for each thing that a person should know, the most harmful first.

    Args:
        seen: what the folder holds.
        image_size: side, in pixels, to which the images will be resized.
        classes: those that ``data.classes`` keeps; None: all.
    """
    yield from structure(seen)
    yield from contents(seen, image_size, classes)


def contents(seen: FolderInspection, image_size: int, classes: Collection[str] | None = None) -> Iterator[str]:
    """What is to be told of the images themselves, whatever source they are from; arguments as above."""
    yield from _damage(seen)
    yield from _copies(seen)
    yield from left_out(seen, classes)
    yield from _numbers(seen, set(seen.counts) if classes is None else set(classes))
    yield from _forms(seen, image_size)


def structure(seen: FolderInspection) -> Iterator[str]:
    """What is to be told of a folder of class folders by its names."""
    named_as_parts = [name for name in seen.counts if not seen.parts and parse_part(name) is not None]
    if named_as_parts:
        others = [name for name in seen.counts if name not in named_as_parts]
        reason = f"beside {listed(others)}" if others else "without a train folder"
        taken, they = ("a class", "it is one of the") if len(named_as_parts) == 1 else ("classes", "they are")
        yield f"{listed(named_as_parts)} {reason}: taken for {taken}; if {they} parts of a split, move the other folders away"
    elif (twice := _repeated(seen)) and {name for name, number in seen.counts.items() if number} <= _tops(seen):
        yield (
            f"folders called {listed(twice)} lie in several class folders: if those are the classes, "
            "bring the images of each together in one folder, and name the folder that holds them"
        )
    if seen.nested:
        yield f"{count(len(seen.nested), 'folder')} below class folders, whose images count for the class: {listed(seen.nested)}"
    unread = {name for name in seen.stray_files if _class_of_unread(name, seen) is not None}
    others = [name for name in seen.stray_files if name not in unread]
    if others:
        yield f"{count(len(others), 'file')} ignored, outside the classes or not {KINDS_READ} ({_kinds(others)}): {listed(others)}"
    if unread:
        yield _unread(seen, sorted(unread))
    if seen.empty_classes:
        yield f"{count(len(seen.empty_classes), 'folder')} without a readable image, not a class: {listed(seen.empty_classes)}"


def _class_of_unread(name: str, seen: FolderInspection) -> str | None:
    """The class of an image of a kind that is not read; None for other files."""
    path = PurePosixPath(name)
    below = path.suffix.lower() in CONVERTIBLE and len(path.parts) > (2 if seen.parts else 1)
    return path.parts[1 if seen.parts else 0] if below else None


def _unread(seen: FolderInspection, names: Sequence[str]) -> str:
    """Images of other kinds by class: a class that lies mostly in files that are not read is another class than its folder shows."""
    lost = Counter(str(_class_of_unread(name, seen)) for name in names)
    of = {label: number + seen.counts.get(label, 0) for label, number in lost.items()}
    worst = sorted(lost, key=lambda label: (-lost[label] / of[label], label))
    shares = [f"{lost[label]} of {of[label]} images of {' '.join(label.split())}" for label in worst]
    remedies = " or ".join(dict.fromkeys(CONVERTIBLE[PurePosixPath(name).suffix.lower()] for name in names))
    if len(lost) == 1:
        verb, judged = ("is", "it") if len(names) == 1 else ("are", "them")
        return f"{shares[0]} {verb} not read ({_kinds(names)}): {remedies}, else the class is judged without {judged}"
    return f"{len(names)} images are not read ({_kinds(names)}): {remedies}, else the classes are judged without them: {listed(shares)}"


def _kinds(names: Iterable[str]) -> str:
    """Endings of files, and how many have each where there are several, the most frequent first."""
    kinds = Counter(PurePosixPath(name).suffix.lower() or "no ending" for name in names)
    return ", ".join(f"{kind} {number}" for kind, number in kinds.most_common(NAMED)) if len(kinds) > 1 else next(iter(kinds))


def _tops(seen: FolderInspection) -> set[str]:
    """Classes with folders of images below them."""
    return {PurePosixPath(name).parts[1 if seen.parts else 0] for name in seen.nested}


def _repeated(seen: FolderInspection) -> list[str]:
    """Names that several folders below class folders share."""
    return [name for name, number in Counter(PurePosixPath(name).name for name in seen.nested).items() if number > 1]


def _damage(seen: FolderInspection) -> Iterator[str]:
    if seen.unreadable:
        names = listed(f"{name} ({reason})" for name, reason in seen.unreadable)
        yield f"{count(len(seen.unreadable), 'image')} cannot be read and will be skipped: {names}; repair or remove them"


def _copies(seen: FolderInspection) -> Iterator[str]:
    if seen.conflicting_duplicates:
        yield (
            f"{count(len(seen.conflicting_duplicates), 'image')} in more than one class, e.g. {_same(seen.conflicting_duplicates[0])}: "
            "one of the labels is wrong; keep the right one"
        )
    within = [group for group in seen.duplicates if group not in seen.conflicting_duplicates]
    if within:
        copies = sum(len(group) - 1 for group in within)
        why = (
            "a copy in another part makes validation look better than it is"
            if seen.parts
            else "copies are put into one part, where each counts"
        )
        yield f"{count(copies, 'file')} with the contents of another, e.g. {_same(within[0])}: {why}; keep one of each"


def left_out(seen: FolderInspection, classes: Collection[str] | None) -> Iterator[str]:
    """Classes that the file leaves out, apart by whether they are too small to be learnt well."""
    if classes is None:
        return
    left = {name: number for name, number in seen.counts.items() if number and name not in classes}
    small = [f"{name} {number}" for name, number in left.items() if number < FEWEST_TO_LEARN]
    others = [f"{name} {number}" for name, number in left.items() if number >= FEWEST_TO_LEARN]
    if small:
        yield (
            f"left out by data.classes, for too few images to be learnt well (fewer than {FEWEST_TO_LEARN}): {listed(small)}; "
            "add images, and take that line out of the file"
        )
    if others:
        yield f"left out by data.classes: {listed(others)}"


def _numbers(seen: FolderInspection, kept: Collection[str]) -> Iterator[str]:
    """What the numbers of images of the kept classes forbid."""
    seen = replace(seen, counts={name: number for name, number in seen.counts.items() if name in kept})
    lonely = [f"{name} {number}" for name, number in seen.counts.items() if 0 < number < FEWEST_TO_SPLIT]
    if lonely and not seen.parts:
        yield f"too few images for training, validation and test in {listed(lonely)}: add images, or leave the class out with data.classes"
    small = [f"{name} {seen.counts[name]}" for name in too_small(seen) if seen.parts or seen.counts[name] >= FEWEST_TO_SPLIT]
    if small:
        yield (
            f"too few images to be learnt well in {listed(small)}: each would weigh as much as a large class where classes are balanced; "
            "add images, or leave the class out with data.classes"
        )
    few = [f"{name} {number}" for name, number in seen.counts.items() if FEWEST_TO_SPLIT <= number < FEW and name not in too_small(seen)]
    if few:
        yield f"fewer than {FEW} images in {listed(few)}: figures about so few are mostly chance"
    for part, numbers in seen.part_counts.items():
        missing = [name for name, number in numbers.items() if not number and seen.counts.get(name)]
        if seen.parts and missing:
            yield f"no {part} image of {listed(missing)}"


def too_small(seen: FolderInspection) -> list[str]:
    """Classes with some images, but too few to be learnt well; none where fewer than two classes would be left."""
    small = [name for name, number in seen.counts.items() if 0 < number < FEWEST_TO_LEARN]
    large = sum(number >= FEWEST_TO_LEARN for number in seen.counts.values())
    return small if large >= FEWEST_CLASSES else []


def _forms(seen: FolderInspection, side: int) -> Iterator[str]:
    if len(seen.sizes) > 1:
        least = min(seen.sizes, key=min)
        most = max(seen.sizes, key=max)
        yield (
            f"{len(seen.sizes)} image sizes, from {_size(least)} ({seen.smallest}) to {_size(most)} ({seen.largest}): "
            f"all become {side}x{side}, whatever their aspect ratio"
        )
        tiny = sum(number for size, number in seen.sizes.items() if min(size) * BLOWN_UP < side)
        if tiny:
            yield f"{count(tiny, 'image')} with a side under {-(-side // BLOWN_UP)} pixels, enlarged more than {BLOWN_UP} times: look at {seen.smallest}"
    if len(seen.modes) > 1:
        become = "grey" if seen.grey else "RGB, what is transparent white"
        yield f"mixed colour modes ({', '.join(f'{mode} {number}' for mode, number in seen.modes.items())}): all become {become}"


def count(number: int, noun: str) -> str:
    """E.g. ``1 file``, ``3 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    every = [" ".join(name.split()) for name in names]
    return ", ".join(every[:NAMED]) + (f" and {len(every) - NAMED} more" if len(every) > NAMED else "")


def _same(names: tuple[str, ...]) -> str:
    """Files with equal contents."""
    return " = ".join(" ".join(name.split()) for name in names[:3])


def _size(size: tuple[int, int]) -> str:
    """Width before height, as image viewers show it."""
    return f"{size[1]}x{size[0]}"


def refusal(data_dir: str, seen: FolderInspection) -> str | None:
    """What is wrong with a folder that has fewer than two classes with images; None where nothing is."""
    usable = [name for name, number in seen.counts.items() if number]
    if len(usable) >= FEWEST_CLASSES:
        return None
    usable_text = f"found {count(len(usable), 'class folder')} with images" + (f" ({usable[0]})" if usable else "")
    return " ".join([f"init: {data_dir}: expected one folder a class, two at least, {usable_text}.", *_hints(data_dir, seen)])


def _hints(data_dir: str, seen: FolderInspection) -> Iterator[str]:
    """What probably happened."""
    root = Path(data_dir)
    loose = [name for name in seen.stray_files if "/" not in name]
    images = [name for name in loose if PurePosixPath(name).suffix.lower() in SUFFIXES]
    above = Counter(PurePosixPath(name).parent for name in seen.nested)
    if above and above.most_common(1)[0][1] >= FEWEST_CLASSES:
        yield f"The classes seem to lie deeper: try `steadysweep init {shlex.quote((root / above.most_common(1)[0][0]).as_posix())}`."
    elif images and (siblings := _image_folders(root.resolve().parent)) >= FEWEST_CLASSES:
        yield f"{count(siblings, 'folder')} with images lie beside each other in {root.resolve().parent}: name that folder, which holds the classes."
    elif images:
        yield (
            f"{count(len(images), 'image')} lie in {data_dir} itself, in no class (e.g. {images[0]}): move each into a folder named after its class, "
            "or write a manifest.csv with the columns path and label and name it in a sweep file as data.source."
        )
    others = Counter(PurePosixPath(name).suffix.lower() for name in seen.stray_files if PurePosixPath(name).suffix.lower() not in SUFFIXES)
    if others and not images:
        endings = ", ".join(f"{number} {kind or 'without ending'}" for kind, number in others.most_common(3))
        yield f"Other files were found ({endings}); {', '.join(SUFFIXES)} are read: convert them."
    if seen.unreadable:
        yield f"Not readable: {listed(f'{name} ({reason})' for name, reason in seen.unreadable)}."
    if seen.empty_classes and not others and not seen.unreadable:
        yield f"Without an image: {listed(seen.empty_classes)}."


def _image_folders(folder: Path) -> int:
    """Folders in `folder` that hold an image directly, as far as they may be read."""
    folders = 0
    for each in folder.iterdir():
        with contextlib.suppress(OSError):
            folders += each.is_dir() and not is_of_system(each.name) and any(entry.suffix.lower() in SUFFIXES for entry in each.iterdir())
    return folders
