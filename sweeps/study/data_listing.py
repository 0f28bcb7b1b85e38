"""Which images a study was made with: a file in its storage_path that says, where the data is another one later, what differs.

The fingerprint decides whether it is the same data; this only puts the difference into words. Without the file the words are left out.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.wording import count
from trainer.errors import TrainerError
from trainer.places import open_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.config import DataConfig
    from trainer.data import ImageData

NAME = "data.json.gz"
"""At the top of a storage_path."""
MOST_IMAGES = 1_000_000
"""Of larger data only the numbers of each class are kept."""
DIGITS = 12
"""Of each image's hash: two images of a million share them once in 560 studies, and words are all that would suffer."""
NAMED = 3
UNUSED = "unused"
"""Images that the split leaves out, beside the parts: their number decides who is drawn."""


def listing_of(data: ImageData, config: DataConfig) -> bytes:
    """What is kept of the images.

    Args:
        data: the study's images.
        config: where they are from.
    """
    from trainer.fit.ledger import names_below

    parts: dict[str, Any] = {}
    divided = data.divided()
    total = sum(len(images) for _, images in divided)
    for part, images in divided:
        kept: dict[str, Any] = {"labels": images.labels.tolist()}
        if images.digests is not None and total <= MOST_IMAGES:
            kept["images"] = [digest[:DIGITS] for digest in images.digests]
            kept["names"] = names_below(images, config, np.arange(len(images)))
        parts[part] = kept
    if total <= MOST_IMAGES:
        digests, labels, names = zip(*data.unused, strict=True) if data.unused else ((), (), ())
        parts[UNUSED] = {"labels": labels, "images": [digest[:DIGITS] for digest in digests], "names": names}
    content = {"fingerprint": data.fingerprint, "shape": data.image_shape, "classes": data.class_names, "parts": parts}
    return gzip.compress(json.dumps(content).encode(), mtime=0)


def keep_listing(root: str, listing: bytes) -> None:
    """Write it where none is; a place that cannot be written is told by those that must write there.

    Args:
        root: the study's storage_path.
        listing: of its images.
    """
    try:
        folder = open_folder(root, "storage_path")
        if NAME not in folder.files():
            folder.write(NAME, listing)
    except (OSError, TrainerError):
        return


def difference(root: str, fingerprint: str, listing: bytes) -> str:
    """What differs from the images that a study was made with, in a sentence or more; empty where that is not known.

    Args:
        root: the study's storage_path.
        fingerprint: of the images that it was made with.
        listing: of the images that are there now.
    """
    try:
        old, new = (json.loads(gzip.decompress(each)) for each in (open_folder(root, "storage_path").read(NAME), listing))
        return " ".join(_sentences(old, new)) if old["fingerprint"] == fingerprint else ""
    except (OSError, EOFError, TrainerError, ValueError, KeyError, TypeError, IndexError):  # no listing, or somebody else's file
        return ""


def _sentences(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    if old["shape"] != new["shape"]:
        yield f"Images are decoded to {_size(new['shape'])}, and were to {_size(old['shape'])} (data.image_size, data.color)."
    if old["classes"] != new["classes"]:
        yield f"The classes are {', '.join(new['classes'])} and were {', '.join(old['classes'])}."
    if not all("images" in part for each in (old, new) for part in each["parts"].values()):
        yield from _by_numbers(old, new)
        return
    before, now = _images(old), _images(new)
    missing = [image for digest in before for image in before[digest][len(now[digest]) :]]
    added = [image for digest in now for image in now[digest][len(before[digest]) :]]
    for images, verb in ((missing, "missing"), (added, "new")):
        if images:
            yield f"{count(len(images), 'image')} {'is' if len(images) == 1 else 'are'} {verb}: {_listed(images)}."
    if missing or added:
        return
    relabelled = [(*now[digest][0][:2], before[digest][0][0]) for digest in before if _of(before, digest, 0) != _of(now, digest, 0)]
    if relabelled:
        name = f" ({relabelled[0][1]}: {relabelled[0][2]} became {relabelled[0][0]})" if relabelled[0][1] else ""
        yield f"{count(len(relabelled), 'image')} {'has' if len(relabelled) == 1 else 'have'} another class{name}."
    moved = sum(_of(before, digest, 2) != _of(now, digest, 2) for digest in before)
    if moved:
        yield f"All images are there; {count(moved, 'image')} {'is' if moved == 1 else 'are'} in another part or fold (data.split, or the source's own parts)."


def _by_numbers(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """The difference as far as numbers of each class show it."""
    before, now = (Counter(each["classes"][label] for part in each["parts"].values() for label in part["labels"]) for each in (old, new))
    changed = [f"{name} {now[name]} (was {before[name]})" for name in {**before, **now} if before[name] != now[name]]
    if changed:
        yield f"The numbers of images differ: {', '.join(changed)}."


_Image = tuple[str, str, str]
"""Class, name or nothing, part."""


def _images(content: dict[str, Any]) -> defaultdict[str, list[_Image]]:
    """The images by their hash."""
    found: defaultdict[str, list[_Image]] = defaultdict(list)
    for name, part in content["parts"].items():
        for row, (digest, label) in enumerate(zip(part["images"], part["labels"], strict=True)):
            found[digest].append((content["classes"][label], part["names"][row] if part["names"] else "", name))
    return found


def _of(images: defaultdict[str, list[_Image]], digest: str, which: int) -> list[str]:
    return sorted(image[which] for image in images[digest])


def _listed(images: list[_Image]) -> str:
    """Numbers of each class, and the first names."""
    numbers = Counter(label for label, _, _ in images)
    names = [name for _, name, _ in images if name]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    of = ", ".join(f"{number} of {label}" for label, number in numbers.items())
    return f"{of} ({', '.join(names[:NAMED])}{more})" if names else of


def _size(shape: list[int]) -> str:
    return f"{shape[1]}x{shape[0]} pixels of {count(shape[2], 'channel')}"
