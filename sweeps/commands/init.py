"""``steadysweep init``: look at a folder of images and write a commented sweep file that fits it."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trainer.data.inspect import FolderInspection

SMALL_PIXELS = 64
"""Images up to this size train a small network from scratch; larger ones fine-tune a pretrained one."""
PRETRAINED_PIXELS = 224
IMBALANCED = 3.0
NAMED = 5


@dataclass(frozen=True)
class Proposal:
    """What fits a folder.

    Attributes:
        study: its name.
        source: the folder as given.
        image_size: pixels, square.
        backbone: a name from ``steadysweep models``.
        weights: ``imagenet``, or None.
        space: a shipped space.
        batch_size: images a step.
        epochs: of a complete training.
        imbalance: how it is countered.
        on_unreadable: what unreadable files do.
        split: images are divided, or the folder gives the parts.
        trials: configurations to search.
    """

    study: str
    source: str
    image_size: int
    backbone: str
    weights: str | None
    space: str
    batch_size: int
    epochs: int
    imbalance: str
    on_unreadable: str
    split: bool
    trials: int


def init(data_dir: str, *, output: str) -> int:
    """Write a sweep file for a folder of class folders and print what was seen.

    Raises:
        SweepInputError: `output` exists, or the folder has fewer than two classes with images.
        DataError: there is no such folder.
    """
    from trainer.data.inspect import inspect_folder

    path = Path(output)
    if path.exists():
        raise SweepInputError(f"init: {path} exists and is not overwritten; give another name with -o FILE.")
    seen = inspect_folder(Path(data_dir))
    usable = [name for name, count in seen.counts.items() if count]
    if len(usable) < 2:  # noqa: PLR2004 - a classifier needs two classes
        raise SweepInputError(_too_few(data_dir, seen, usable))
    proposal = propose(data_dir, seen)
    text = "\n".join(_file(proposal, seen)) + "\n"
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    for line in _observations(seen):
        print(line, file=sys.stderr)
    print(f"next: steadysweep check {path}", file=sys.stderr)
    print(path)
    return 0


def propose(data_dir: str, seen: FolderInspection) -> Proposal:
    """Settings that fit what was seen."""
    side = _side(seen)
    small = side <= SMALL_PIXELS
    train_images = seen.images if seen.parts else round(seen.images * 0.7)
    return Proposal(
        study=re.sub(r"[^A-Za-z0-9._-]+", "-", Path(data_dir).resolve().name).strip("-._") or "images",
        source=data_dir,
        image_size=side,
        backbone="small_resnet" if small else "resnet50",
        weights=None if small else "imagenet",
        space="scratch_cnn" if small else "transfer",
        batch_size=min(64, max(8, 2 ** (max(train_images // 20, 1).bit_length() - 1))),
        epochs=30,
        imbalance="class_weight" if seen.balance > IMBALANCED else "none",
        on_unreadable="skip" if seen.unreadable else "fail",
        split=not seen.parts,
        trials=40,
    )


def _side(seen: FolderInspection) -> int:
    """The median shorter side, at most what pretrained networks were made for, and a size they divide well."""
    sides = sorted(min(size) for size, count in seen.sizes.items() for _ in range(count))
    median = sides[len(sides) // 2]
    if median <= SMALL_PIXELS:
        return max(8, median)
    return PRETRAINED_PIXELS if median >= PRETRAINED_PIXELS else max(96, median // 32 * 32)


def _file(proposal: Proposal, seen: FolderInspection) -> Iterator[str]:
    """The sweep file's lines, with the reason beside each choice."""
    counts = ", ".join(f"{name} {count}" for name, count in seen.counts.items())
    yield "# A sweep over these images. Every key: docs/sweep-file.md; `steadysweep schema` prints the JSON Schema for editors."
    yield f"# {seen.images} images: {counts}"[:200]
    for line in _observations(seen):
        yield f"# {line}"
    yield f"study: {_quoted(proposal.study)}"
    yield ""
    yield "data:"
    yield f"  source: {_quoted(proposal.source)}"
    most = next(iter(seen.sizes))
    yield f"  image_size: {proposal.image_size}    # pixels; the most frequent size here is {most[1]}x{most[0]}"
    if proposal.split:
        yield "  split: {train: 0.7, validation: 0.15, test: 0.15, seed: 0}    # the same for every trial"
    else:
        yield f"  # the folder gives the parts: {', '.join(seen.parts)}; a part that is missing is split from train"
    yield f"  imbalance: {proposal.imbalance}    # the largest class has {seen.balance:.1f} times the images of the smallest"
    yield f"  on_unreadable: {proposal.on_unreadable}    # fail: stop with the file's name; skip: leave it out and count it"
    yield ""
    yield "model:"
    yield f"  backbone: {proposal.backbone}    # `steadysweep models` lists them"
    if proposal.weights:
        yield f"  weights: {proposal.weights}    # downloaded once, or a file"
    yield ""
    yield "training:"
    yield f"  epochs: {proposal.epochs}"
    yield f"  batch_size: {proposal.batch_size}"
    yield ""
    yield f"space: {proposal.space}    # `steadysweep spaces {proposal.space}` prints it; or write parameters here, e.g."
    yield "#  learning_rate: {float: [1.0e-5, 1.0e-2], log: true}"
    yield "#  dropout: {float: [0.0, 0.6], step: 0.05}"
    yield ""
    yield f"search: {{trials: {proposal.trials}}}    # sampler tpe, pruner asha on the level at equal epochs"
    yield "confirm: {top: 3, seeds: 3}    # train the leaders again from fresh seeds before the final ranking"
    yield "resources: {cpu: 1}    # per trial; with a GPU: {cpu: 4, gpu: 1}"


def _observations(seen: FolderInspection) -> Iterator[str]:
    """What a person should know about the folder, a line each."""
    if len(seen.sizes) > 1:
        yield f"{len(seen.sizes)} different image sizes: all are resized"
    if len(seen.modes) > 1:
        yield "mixed colour modes: " + ", ".join(f"{mode} {count}" for mode, count in seen.modes.items())
    if seen.unreadable:
        yield f"{len(seen.unreadable)} unreadable: " + _names(name for name, _ in seen.unreadable)
    if seen.duplicates:
        files = sum(len(group) - 1 for group in seen.duplicates)
        yield f"{files} duplicates by content, e.g. " + " = ".join(seen.duplicates[0][:3])
    if seen.conflicting_duplicates:
        yield f"{len(seen.conflicting_duplicates)} images lie in more than one class, e.g. " + " = ".join(
            seen.conflicting_duplicates[0][:3]
        )
    if seen.stray_files:
        yield f"{len(seen.stray_files)} files outside the classes or no images, ignored: " + _names(seen.stray_files)
    if seen.nested:
        yield f"{len(seen.nested)} folders below class folders, their images count for the class: " + _names(seen.nested)
    if seen.empty_classes:
        yield f"{len(seen.empty_classes)} class folders without a readable image: " + _names(seen.empty_classes)
    few = [name for name, count in seen.counts.items() if 0 < count < NAMED]
    if few:
        yield f"classes with fewer than {NAMED} images cannot be split well: " + _names(few)


def _names(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:NAMED]) + (f" and {len(listed) - NAMED} more" if len(listed) > NAMED else "")


def _too_few(data_dir: str, seen: FolderInspection, usable: list[str]) -> str:
    found = f"found {len(usable)} class folder{'s' if len(usable) != 1 else ''} with images" + (f" ({usable[0]})" if usable else "")
    hint = f" Folders with images below it: {_names(seen.nested)}; give the folder that holds the classes." if seen.nested else ""
    return f"init: {data_dir}: expected one folder a class, two at least, {found}.{hint}"


def _quoted(text: str) -> str:
    """`text` as a YAML scalar."""
    return text if re.fullmatch(r"[A-Za-z_./][A-Za-z0-9_./-]*", text) else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
