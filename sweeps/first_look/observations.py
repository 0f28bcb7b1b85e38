"""What a person should know about a folder of images before a sweep is spent on it, and what to do about it."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from trainer.data.sources.collected import parse_part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sweeps.first_look.proposal import Proposal
    from trainer.data.inspect import FolderInspection

NAMED = 5
"""Names that a line lists before it counts the rest."""
FEWEST_TO_SPLIT = 3
"""A class needs one image for each of training, validation and test."""
FEW = 20
"""Images of a class below which figures about it are chance."""
BLOWN_UP = 4
"""A side that resizing enlarges more than this shows little."""


def observations(seen: FolderInspection, proposal: Proposal) -> Iterator[str]:
    """A line each, the gravest first; none about a folder without peculiarities."""
    yield from _structure(seen)
    yield from _damage(seen)
    yield from _copies(seen)
    yield from _numbers(seen, proposal)
    yield from _forms(seen, proposal)


def _structure(seen: FolderInspection) -> Iterator[str]:
    named_as_parts = [name for name in seen.counts if not seen.parts and parse_part(name) is not None]
    if named_as_parts:
        others = [name for name in seen.counts if name not in named_as_parts]
        reason = f"beside {listed(others)}" if others else "without a train folder"
        yield f"{listed(named_as_parts)} {reason}: taken for {_classes(named_as_parts)}; if {_they(named_as_parts)} parts of a split, move the other folders away"
    elif (twice := _repeated(seen)) and {name for name, number in seen.counts.items() if number} <= _tops(seen):
        yield (
            f"images lie two folders down, and {listed(twice)} lie in several folders: if those are the classes, "
            "bring each together in one folder and name the folder that holds them"
        )
    if seen.nested:
        yield f"{count(len(seen.nested), 'folder')} below class folders, whose images count for the class: {listed(seen.nested)}"
    if seen.stray_files:
        kinds = Counter(PurePosixPath(name).suffix.lower() or "no ending" for name in seen.stray_files)
        told = ", ".join(f"{kind} {number}" for kind, number in kinds.most_common(NAMED))
        yield f"{count(len(seen.stray_files), 'file')} ignored, outside the classes or not PNG, JPEG, BMP, GIF or WebP ({told}): {listed(seen.stray_files)}"
    if seen.empty_classes:
        yield f"{count(len(seen.empty_classes), 'folder')} without a readable image, not a class: {listed(seen.empty_classes)}"


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
        yield (
            f"{count(copies, 'file')} with the contents of another, e.g. {_same(within[0])}: "
            "a copy in another part makes validation look better than it is; keep one of each"
        )


def _numbers(seen: FolderInspection, proposal: Proposal) -> Iterator[str]:
    lonely = [f"{name} {number}" for name, number in seen.counts.items() if 0 < number < FEWEST_TO_SPLIT]
    if lonely and proposal.split:
        yield f"too few images for training, validation and test in {listed(lonely)}: add images, or leave the class out with data.classes"
    few = [f"{name} {number}" for name, number in seen.counts.items() if FEWEST_TO_SPLIT <= number < FEW]
    if few:
        yield f"fewer than {FEW} images in {listed(few)}: figures about so few are mostly chance"
    for part, numbers in seen.part_counts.items():
        missing = [name for name, number in numbers.items() if not number and seen.counts[name]]
        if seen.parts and missing:
            yield f"no {part} image of {listed(missing)}"


def _forms(seen: FolderInspection, proposal: Proposal) -> Iterator[str]:
    side = proposal.image_size
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
        become = "grey" if seen.grey else "RGB, transparency dropped"
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


def _classes(names: list[str]) -> str:
    return "a class" if len(names) == 1 else "classes"


def _they(names: list[str]) -> str:
    return "it is one of the" if len(names) == 1 else "they are"


def _size(size: tuple[int, int]) -> str:
    """Width before height, as image viewers show it."""
    return f"{size[1]}x{size[0]}"
