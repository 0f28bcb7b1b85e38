"""``steadysweep init``: look at a folder of images and write a commented sweep file that fits it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.cli.command import Command
from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from sweeps.first_look.proposal import Proposal
    from trainer.data.inspect import FolderInspection


MOST_CLASSES = 12
"""Named in the summary."""


def init(data_dir: str, *, output: str) -> int:
    """Write a sweep file for a folder of class folders and print what is in the folder.

    Raises:
        SweepInputError: `output` exists or cannot be written, `data_dir` is a file, or the folder has fewer than two classes with images.
        DataError: there is no such folder.
    """
    from sweeps.environment import has_gpu
    from sweeps.first_look.observations import observations, refusal
    from sweeps.first_look.proposal import file_text, propose

    path = _writable(output)
    try:
        seen = _look(data_dir)
    except OSError as error:
        raise SweepInputError(f"init: {error.filename or data_dir} cannot be read: {error.strerror}; change its permissions.") from None
    refused = refusal(data_dir, seen)
    if refused is not None:
        raise SweepInputError(refused)
    proposal = propose(data_dir, seen, gpu=has_gpu())
    text = file_text(proposal, seen)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise SweepInputError(f"init -o: {path} cannot be written: {error.strerror}.") from None
    seen_lines = (f"- {line}" for line in observations(seen, proposal.image_size, proposal.classes))
    for line in (*_summary(proposal, seen), *seen_lines, *_machine(proposal, path), f"next: steadysweep check {shlex.quote(str(path))}"):
        print(line, file=sys.stderr)
    print(path)
    return 0


def _writable(output: str) -> Path:
    path = Path(output)
    if path.exists():
        raise SweepInputError(f"init: {path} exists and is not overwritten; give another name with -o FILE.")
    if not path.parent.is_dir():
        raise SweepInputError(f"init -o: there is no folder {path.parent}; make it first, or give another file.")
    return path


def _look(data_dir: str) -> FolderInspection:
    """What lies in a folder of class folders, in files that hold images by the many, or in a data set of a library."""
    from trainer.data.cache import cache_folder
    from trainer.data.inspect import inspect_folder, inspect_source
    from trainer.data.sources.shards import has_images, is_record_file, shards_in

    path = Path(data_dir).expanduser()
    packed = path.is_file() and (is_record_file(path) or (path.suffix == ".parquet" and has_images(path)))
    if packed or data_dir.startswith(("hf:", "tfds:")) or (data_dir.strip() and path.is_dir() and shards_in(path)):
        return inspect_source(data_dir, scratch=cache_folder(None))
    return inspect_folder(_folder(data_dir))


def _folder(data_dir: str) -> Path:
    if not data_dir.strip():
        raise SweepInputError("init: expected a folder of class folders, got an empty name; '.' is the current folder.")
    path = Path(data_dir).expanduser()
    if path.is_file():
        raise SweepInputError(
            f"init: {path} is a file; expected a folder with one folder of images a class. "
            "A manifest.csv, manifest.parquet or arrays.npz needs no init: name it in a sweep file, data: {source: FILE}."
        )
    return path


def _summary(proposal: Proposal, seen: FolderInspection) -> Iterator[str]:
    """What the folder holds and what the sweep will do with it."""
    from reports.verdict.power import power_of, power_sentences
    from sweeps.first_look.observations import count
    from sweeps.study.confirmation import most_fresh_trainings
    from sweeps.sweep_file.settings import ConfirmSettings

    present = [f"{' '.join(name.split())} {number}" for name, number in seen.counts.items() if number]
    more = f" and {len(present) - MOST_CLASSES} more" if len(present) > MOST_CLASSES else ""
    parts = f", in {', '.join(seen.parts)} folders" if seen.parts else ""
    yield f"{count(seen.images, 'image')} in {len(present)} classes{parts}: {', '.join(present[:MOST_CLASSES])}{more}"
    how = (
        f"fine-tunes {proposal.backbone} with {proposal.weights} weights"
        if proposal.weights
        else f"trains {proposal.backbone} from scratch"
    )
    yield (
        f"the sweep {how} at {proposal.image_size}x{proposal.image_size} pixels: space {proposal.space}, {proposal.trials} configurations of "
        f"{proposal.epochs} epochs"
    )
    fresh = most_fresh_trainings(ConfirmSettings(budget="auto"), proposal.trials, proposal.epochs)
    yield from power_sentences(power_of(proposal.validation_images, proposal.trials, fresh, num_train=proposal.train_images))


def _machine(proposal: Proposal, path: Path) -> Iterator[str]:
    """What was chosen for the machine, with ready commands for a small try and for a GPU; nothing where a small network is trained."""
    if not proposal.weights:
        return
    command = f"steadysweep run {shlex.quote(str(path))}"
    if proposal.backbone == "mobilenetv2":
        yield (
            "no GPU here: a small network, smaller images and fewer trainings are proposed, and check measures what they take; "
            f"with a GPU: {command} --set backbone=resnet50 --set data.image_size=224 --set search.trials=40 --set training.epochs=30"
        )
    yield f"a small try first: {command} --set study=try --set search.trials=4 --set training.epochs=5"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data_dir", metavar="DATA_DIR", help="folder of class folders; or Parquet or TFRecord files with images, hf:NAME, tfds:NAME"
    )
    parser.add_argument(
        "-o", "--output", default="sweep.yaml", metavar="FILE", help="default: %(default)s; an existing file is never overwritten"
    )


COMMAND = Command(
    name="init",
    summary="look at a folder of images and write a sweep file that fits it",
    description="Counts classes, sizes, balance, duplicates and unreadable files in DATA_DIR\n(one folder a class) and writes a commented sweep file.",
    examples=(
        ("steadysweep init images/flowers", "writes sweep.yaml"),
        ("steadysweep init images/flowers -o sweeps/flowers.yaml", "writes another file"),
    ),
    add_arguments=_add_arguments,
    run=init,
)
