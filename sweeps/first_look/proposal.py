"""The settings that fit a folder of images, and the commented sweep file that holds them."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from search_spaces.located_yaml import load_yaml
from sweeps.first_look.observations import FEWEST_TO_SPLIT, observations, too_small
from sweeps.sweep_file.configuration import is_built_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from trainer.data.inspect import FolderInspection


SMALL_PIXELS = 64
"""Images up to this size train a small network from scratch; larger ones fine-tune a pretrained one."""
PRETRAINED_PIXELS = 224
CPU_PIXELS = 160
"""Without a GPU images become at most this large: half the arithmetic of 224."""
IMBALANCED = 3.0
LARGEST_BATCH = 64
STEPS = 20
"""Optimiser steps an epoch that the batch size leaves, where there are enough images for them."""
LONGEST_NAME = 60
TRAIN, VALIDATION = 0.7, 0.15
"""Shares of the images; the rest is for the test."""


FOLDS, FEW_TO_VALIDATE = 5, 200
"""Folds that are mentioned where fewer images would validate: 200 tell configurations apart that differ by some 8 points."""


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
        classes: that are kept, or None for all.
        balance: images of the largest of them over those of the smallest.
        imbalance: how it is countered.
        metric: what is ranked.
        on_unreadable: what unreadable files do.
        split: images are divided, or the folder gives the parts.
        trials: configurations to search.
        train_images: that they are trained on.
        validation_images: that they are compared on.
    """

    study: str
    source: str
    image_size: int
    backbone: str
    weights: str | None
    space: str
    batch_size: int
    epochs: int
    classes: tuple[str, ...] | None
    balance: float
    imbalance: str
    metric: str
    on_unreadable: str
    split: bool
    trials: int
    train_images: int
    validation_images: int


def propose(data_dir: str, seen: FolderInspection, *, gpu: bool) -> Proposal:
    """Settings that fit what was seen in `data_dir`, and the machine: fine-tuning ResNet50 at 224 pixels forty times takes days without a GPU.

    MobileNetV2 does a fourteenth of ResNet50's multiply-adds on an image (Sandler et al., 2018, and He et al., 2016), and took .15 s where that took .53 s for a step of
    32 images of 64 pixels on two cores.
    """
    side = _side(seen)
    small = side <= SMALL_PIXELS
    thrifty = not gpu and not small
    side = min(side, CPU_PIXELS) if thrifty else side
    left_out = set(too_small(seen))
    kept = {label: number for label, number in seen.counts.items() if number and label not in left_out}
    balance = max(kept.values()) / min(kept.values())
    train_images = (
        sum(number for label, number in seen.part_counts["train"].items() if label in kept)
        if seen.parts
        else round(sum(kept.values()) * TRAIN)
    )
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(data_dir).resolve().name)[:LONGEST_NAME].strip("-._")
    return Proposal(
        study=name or "images",
        source=f"./{data_dir}" if is_built_in(data_dir) and not data_dir.startswith(("hf:", "tfds:")) else data_dir,
        image_size=side,
        backbone="small_resnet" if small else "mobilenetv2" if thrifty else "resnet50",
        weights=None if small else "imagenet",
        space="scratch_cnn" if small else "transfer",
        batch_size=min(LARGEST_BATCH, max(8, 2 ** (max(train_images // STEPS, 1).bit_length() - 1))),
        epochs=15 if thrifty else 30,
        classes=tuple(kept) if left_out else None,
        balance=balance,
        imbalance="class_weight" if balance > IMBALANCED else "none",
        metric="val_balanced_accuracy" if balance > IMBALANCED else "val_accuracy",
        on_unreadable="skip" if seen.unreadable else "fail",
        split=not seen.parts,
        trials=20 if thrifty else 40,
        train_images=train_images,
        validation_images=max(1, _validation_images(seen, kept)),
    )


def _validation_images(seen: FolderInspection, kept: Collection[str]) -> int:
    """Images of the kept classes in the folder's validation part, or what is taken from all or from the training images."""
    if not seen.parts:
        return round(VALIDATION * sum(seen.counts[label] for label in kept))
    given = seen.part_counts.get("validation")
    numbers = seen.part_counts["train"] if given is None else given
    images = sum(number for label, number in numbers.items() if label in kept)
    return images if given else round(VALIDATION / (TRAIN + VALIDATION) * images)


def _side(seen: FolderInspection) -> int:
    """The median shorter side, at most what pretrained networks were made for, and a size they divide well."""
    sides = sorted(min(size) for size, count in seen.sizes.items() for _ in range(count))
    median = sides[len(sides) // 2]
    if median <= SMALL_PIXELS:
        return max(8, median)
    return PRETRAINED_PIXELS if median >= PRETRAINED_PIXELS else max(96, median // 32 * 32)


WIDTH = 120
COMMENT_COLUMN = 4


def file_text(proposal: Proposal, seen: FolderInspection) -> str:
    """A sweep file with the reason beside each choice, and what was seen at its head."""
    return "\n".join([*_head(proposal, seen), *_data(proposal, seen), *_model(proposal), *_search(proposal)]) + "\n"


def _head(proposal: Proposal, seen: FolderInspection) -> Iterator[str]:
    yield "# A sweep over these images, written by `steadysweep init`. Change what you like; `steadysweep check` tells what is wrong with it."
    yield "# Every key is explained in the documentation (The sweep file); `steadysweep schema` prints the JSON Schema for editors."
    counts = ", ".join(f"{' '.join(name.split())} {number}" for name, number in seen.counts.items() if number)
    yield from _comment(f"{seen.images} images: {counts}")
    for line in observations(seen, proposal.image_size, proposal.classes):
        yield from _comment(line)
    yield f"study: {scalar(proposal.study)}"
    yield ""


def _data(proposal: Proposal, seen: FolderInspection) -> Iterator[str]:
    most = next(iter(seen.sizes))
    yield "data:"
    yield _line(f"  source: {scalar(proposal.source)}", "relative to the folder in which steadysweep is started")
    yield _line(f"  image_size: {proposal.image_size}", f"pixels; the most frequent size here is {most[1]}x{most[0]}")
    if proposal.split:
        yield _line(
            f"  split: {{train: {TRAIN}, validation: {VALIDATION}, test: {1 - TRAIN - VALIDATION:.2g}, seed: 0}}",
            "the same for every trial",
        )
        fewest = min(number for name, number in seen.counts.items() if number and name in (proposal.classes or seen.counts))
        if proposal.validation_images < FEW_TO_VALIDATE and fewest * (TRAIN + VALIDATION) > FOLDS:
            yield _line(
                f"  # split: {{folds: {FOLDS}, test: {1 - TRAIN - VALIDATION:.2g}, seed: 0}}",
                f"in place of the line above: every image validates once, in about {FOLDS} times the time",
            )
    else:
        yield f"  # The folder gives the parts {', '.join(seen.parts)}; validation is taken from train where it is missing."
    if proposal.classes is not None:
        small = ", ".join(f"{' '.join(name.split())} {seen.counts[name]}" for name in too_small(seen))
        names = ", ".join(scalar(name) for name in proposal.classes)
        yield _line(f"  classes: [{names}]", f"leaves out {small}: too few images to be learnt well; without this line they stay")
    else:
        lonely = [name for name, number in seen.counts.items() if 0 < number < FEWEST_TO_SPLIT]
        enough = [name for name, number in seen.counts.items() if number >= FEWEST_TO_SPLIT]
        if lonely and proposal.split:
            left = f"leaves out {', '.join(' '.join(name.split()) for name in lonely)}"
            yield _line(f"  # classes: [{', '.join(scalar(name) for name in enough)}]", f"{left}: too few images to be split")
    yield _line(f"  imbalance: {proposal.imbalance}", f"the largest class has {proposal.balance:.1f} times the images of the smallest")
    yield _line(
        f"  on_unreadable: {proposal.on_unreadable}", "fail: stop with the names of such files; skip: leave them out and count them"
    )
    yield ""


def _model(proposal: Proposal) -> Iterator[str]:
    yield "model:"
    if proposal.weights:
        yield _line(
            f"  backbone: {proposal.backbone}",
            "`steadysweep models` lists them; "
            + ("resnet50 with a GPU" if proposal.backbone == "mobilenetv2" else "mobilenetv2 is smaller and faster"),
        )
        yield _line(f"  weights: {proposal.weights}", "downloaded once; or a file")
    else:
        yield _line(f"  backbone: {proposal.backbone}", "trained from scratch, as fits small images; `steadysweep models` lists others")
    yield ""
    yield "training:"
    yield _line(f"  epochs: {proposal.epochs}", "of a complete training")
    yield _line(f"  batch_size: {proposal.batch_size}", "images a step; a setting given here is not varied by the space")
    yield ""


def _search(proposal: Proposal) -> Iterator[str]:
    yield _line(f"space: {proposal.space}", f"`steadysweep spaces {proposal.space}` prints it. Or write your own:")
    yield "# space:"
    yield "#   learning_rate: {float: [1.0e-5, 1.0e-2], log: true}"
    yield "#   dropout: {float: [0.0, 0.6], step: 0.05}"
    yield ""
    ranked = "" if proposal.metric == "val_accuracy" else f", metric: {proposal.metric}"
    by = (
        ""
        if proposal.metric == "val_accuracy"
        else "; ranked by the mean recall of the classes, so that small ones count as much as large ones"
    )
    yield _line(
        f"search: {{trials: {proposal.trials}{ranked}}}",
        f"configurations{by}; sampler tpe; with pruner: asha poor trainings stop early, which saves some 40 % of the epochs",
    )
    yield _line(
        "confirm: auto",
        "then trains what may be the best again from fresh seeds, for some 15 % of the search's epochs at most; off: not",
    )
    yield _line("resources: {cpu: 1}", "of each trial, as many at a time as fit; with a GPU: {cpu: 4, gpu: 1}")
    yield _line("# budget: {time: 8h}", "stops earlier; run it again to go on")


def _line(setting: str, reason: str) -> str:
    return f"{setting}{' ' * COMMENT_COLUMN}# {reason}"


def _comment(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="#   ", break_long_words=False)


def scalar(text: str) -> str:
    """`text` as a YAML scalar that reads back as this text: plain where it can be, else in double quotes."""
    plain = re.fullmatch(r"[A-Za-z0-9_./~-][A-Za-z0-9_./-]*", text) and load_yaml(f"key: {text}", "").value["key"] == text
    return text if plain else json.dumps(text, ensure_ascii=False)
