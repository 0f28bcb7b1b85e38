"""Checks of the images: parts that share them, classes without any, labels that their names contradict."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from trainer.data.images import digest_array
from trainer.preflight.findings import Finding, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from trainer.data.images import ImageSet
    from trainer.preflight.findings import Setup

SERIOUS_SHARE = 0.01
"""Share of the smaller part's images from which a figure measured on it is not to be trusted."""
SHOWN_PAIRS = 3
SHOWN = 5
"""Examples that a finding names."""


@check(
    validation_is_train="Validation images are the training images: the figures say what is memorised, not what generalises.",
    shared_images="The same image, by its pixels, is in two parts.",
)
def shared_images(setup: Setup) -> Iterator[Finding]:
    """Compare content hashes of decoded pixels, so that copies under another name or in another format are found too."""
    validation_is_train = setup.config.data.split.validation == "train" or setup.data.validation is setup.data.train
    if validation_is_train:
        yield Finding(
            "validation_is_train",
            "error",
            f"the {len(setup.data.validation)} validation images are the training images, so that validation accuracy measures memory",
            {"images": len(setup.data.validation)},
            "give validation images of its own, or, where memorisation is what you study, allow this by name: allow: [validation_is_train]",
        )
    yield from _shared_by_folds(setup)
    parts = [(name, images) for name, images in setup.data.parts() if not (validation_is_train and name == "validation")]
    if setup.data.pool is not None and not setup.data.fold:
        parts = [("train", setup.data.pool.images), *(each for each in parts if each[0] == "test")]
    digests = {name: digest_array(images.images) for name, images in parts}
    for (first, of_first), (second, of_second) in combinations(parts, 2):
        where = {digest: row for row, digest in enumerate(digests[first])}
        shared = [(where[digest], row) for row, digest in enumerate(digests[second]) if digest in where]
        if shared:
            count, smaller = len(shared), min(len(of_first), len(of_second))
            differing = sum(of_first.labels[a] != of_second.labels[b] for a, b in shared)
            yield Finding(
                "shared_images",
                "error" if count / smaller >= SERIOUS_SHARE else "warning",
                f"{count} of {len(of_second)} {second} images are also {first} images"
                + (f", {differing} of them with another label" if differing else ""),
                {
                    "parts": (first, second),
                    "images": count,
                    "with_another_label": int(differing),
                    "examples": tuple(f"{_name(of_first, a)} = {_name(of_second, b)}" for a, b in shared[:SHOWN_PAIRS]),
                },
                "remove the copies, or keep copies together with a group column in a manifest",
            )


def _shared_by_folds(setup: Setup) -> Iterator[Finding]:
    """Copies of one image in two folds: a model is validated on what it was trained on."""
    pool = setup.data.pool
    if pool is None or setup.data.fold:
        return
    first: dict[str, int] = {}
    pairs = [
        (there, row)
        for row, digest in enumerate(digest_array(pool.images.images))
        if pool.fold_of[there := first.setdefault(digest, row)] != pool.fold_of[row]
    ]
    if pairs:
        labels = pool.images.labels
        differing = int(sum(labels[a] != labels[b] for a, b in pairs))
        yield Finding(
            "shared_images",
            "error" if len(pairs) / len(pool.images) >= SERIOUS_SHARE else "warning",
            f"{len(pairs)} of {len(pool.images)} images are copies of one in another fold"
            + (f", {differing} of them with another label" if differing else ""),
            {
                "parts": ("folds", "folds"),
                "images": len(pairs),
                "with_another_label": differing,
                "examples": tuple(f"{_name(pool.images, a)} = {_name(pool.images, b)}" for a, b in pairs[:SHOWN_PAIRS]),
            },
            "remove the copies, or keep copies together with a group column in a manifest (data.split.groups)",
        )


@check(two_labels="The same image, by its pixels, has two labels.")
def two_labels(setup: Setup) -> Iterator[Finding]:
    """Compare the labels of images with equal pixels, over all parts."""
    first: dict[str, tuple[str, int]] = {}
    examples: list[str] = []
    parts = dict(setup.data.parts())
    if setup.data.validation is setup.data.train:
        parts.pop("validation")
    for images in parts.values():
        for row, digest in enumerate(digest_array(images.images)):
            name, label = first.setdefault(digest, (_name(images, row), int(images.labels[row])))
            if label != images.labels[row]:
                classes = setup.data.class_names
                examples.append(f"{name} ({classes[label]}) = {_name(images, row)} ({classes[images.labels[row]]})")
    if examples:
        yield Finding(
            "two_labels",
            "warning",
            f"{len(examples)} {'image has' if len(examples) == 1 else 'images have'} the pixels of another with another label: one of the two is wrong, "
            "and no model can be right on both",
            {"images": len(examples), "examples": tuple(examples[:SHOWN])},
            "look at them and keep each once, under its right label",
        )


def _name(images: ImageSet, row: int) -> str:
    return images.names[row] if images.names is not None else f"image {row}"


@check(missing_class="A class has no image in the training, validation or test part.")
def missing_class(setup: Setup) -> Iterator[Finding]:
    """Count every class in every part."""
    counted = {part: np.bincount(images.labels, minlength=setup.data.num_classes) for part, images in setup.data.parts()}
    totals = np.sum(list(counted.values()), axis=0)
    for part, counts in counted.items():
        missing = tuple(setup.data.class_names[label] for label in np.flatnonzero(counts == 0))
        if missing:
            cannot = "it cannot be learnt" if part == "train" else "no figure says how well it is recognised"
            few = [
                f"{setup.data.class_names[each]} has {totals[each]}" for each in np.flatnonzero(counts == 0) if totals[each] < len(counted)
            ]
            if few:
                remedy = (
                    f"{', '.join(few[:5])} in all, where each part needs one: give more images, or leave the class out with data.classes"
                )
            else:
                split = "" if setup.config.data.split.stratify else "use a stratified split (data.split.stratify), "
                remedy = f"{split}give that part images of it, or leave the class out with data.classes"
            yield Finding(
                "missing_class",
                "error" if part == "train" else "warning",
                f"{len(missing)} of {setup.data.num_classes} classes have no {part} image ({', '.join(missing[:5])}); {cannot}",
                {"part": part, "classes": missing},
                remedy,
            )


LARGEST_RATIO = 4.0
"""Beyond it, always guessing the majority already looks like learning; below, plain training copes."""


@check(imbalance="The largest class has many times the images of the smallest, and nothing counters it.")
def imbalance(setup: Setup) -> Iterator[Finding]:
    """Compare the largest class with the smallest that occurs."""
    counts = np.bincount(setup.data.train.labels, minlength=setup.data.num_classes)
    present = counts[counts > 0]
    ratio = float(present.max() / present.min())
    if ratio <= LARGEST_RATIO or setup.config.data.imbalance != "none" or setup.config.data.class_weights:
        return
    largest, smallest = int(counts.argmax()), int(np.where(counts > 0, counts, counts.max() + 1).argmin())
    names, share = setup.data.class_names, float(counts[largest] / counts.sum())
    yield Finding(
        "imbalance",
        "warning",
        f"class {names[largest]!r} has {counts[largest]} training images and {names[smallest]!r} {counts[smallest]}; always saying "
        f"{names[largest]!r} is right in {share:.0%} of cases",
        {"largest": int(counts[largest]), "smallest": int(counts[smallest]), "ratio": ratio, "majority_share": share},
        "set data.imbalance: class_weight or data.imbalance: resample, and rank by search.metric: val_balanced_accuracy or search.metric: val_macro_f1",
    )


SMALLEST_SPREAD = 2.0
"""Standard deviation of an image's pixels, of 255, below which it shows nothing to see."""
MANY_CONSTANT = 0.2
_AT_ONCE = 256


@check(near_constant_images="Images whose pixels hardly vary: empty, over-exposed, or stored in another range than [0, 255].")
def near_constant_images(setup: Setup) -> Iterator[Finding]:
    """Measure the spread of every training and validation image."""
    flat: list[str] = []
    total = 0
    parts = dict(setup.data.parts())
    parts.pop("test", None)
    if setup.data.validation is setup.data.train:
        parts.pop("validation")
    for part, images in parts.items():
        total += len(images)
        flat += [images.names[row] if images.names else f"{part} image {row}" for row in np.flatnonzero(_spread(images) < SMALLEST_SPREAD)]
    if flat:
        yield Finding(
            "near_constant_images",
            "error" if len(flat) / total >= MANY_CONSTANT else "warning",
            f"{len(flat)} of {total} images are nearly one colour",
            {"images": len(flat), "share": len(flat) / total, "smallest_deviation": SMALLEST_SPREAD, "examples": tuple(flat[:SHOWN])},
            "look at them, and remove them or store them in the full range 0..255",
        )


def _spread(images: ImageSet) -> npt.NDArray[np.float64]:
    """Standard deviation of each image's pixels, within channels, ``(n,)``."""
    out = np.empty(len(images))
    for start in range(0, len(images), _AT_ONCE):
        pixels = images.images[start : start + _AT_ONCE]
        out[start : start + len(pixels)] = pixels.std(axis=(1, 2), dtype=np.float32).max(axis=1)
    return out


SHORTEST_NAME = 3
"""Shorter class names turn up in file names by chance."""
AGREEING = 0.5
"""Names are evidence only where at least this share of those that name a class agree with the label."""


@check(contradicting_names="Files whose name says one class and whose label another.")
def contradicting_names(setup: Setup) -> Iterator[Finding]:
    """Look for another class's name, as a word, in file names that lack their own's."""
    classes = {name.lower(): name for name in setup.data.class_names if len(name) >= SHORTEST_NAME and not name.isdigit()}
    agreeing, contradicting = 0, []
    parts = dict(setup.data.parts())
    if setup.data.validation is setup.data.train:
        parts.pop("validation")
    for images in parts.values():
        for path, label in zip(images.names or (), images.labels, strict=False):
            own = setup.data.class_names[label]
            named = _named_classes(PurePath(path).stem, classes)
            if own in named:
                agreeing += 1
            elif named:
                contradicting.append(f"{path}: named {min(named)}, labelled {own}")
    if contradicting and agreeing >= AGREEING * (agreeing + len(contradicting)):
        yield Finding(
            "contradicting_names",
            "warning",
            f"{len(contradicting)} files are named after another class than their label, where {agreeing} names agree",
            {"files": len(contradicting), "agreeing": agreeing, "examples": tuple(contradicting[:SHOWN])},
            "look at them and move those that lie in the wrong class",
        )


def _named_classes(stem: str, classes: dict[str, str]) -> set[str]:
    words = re.sub(r"[\W\d_]+", " ", stem.lower()).strip()
    return {name for word, name in classes.items() if re.search(rf"(^| ){re.escape(_spaced(word))}( |$)", words)}


def _spaced(word: str) -> str:
    return re.sub(r"[\W\d_]+", " ", word).strip() or word


MANY_SKIPPED = 0.05


@check(skipped_files="Unreadable files were left out, as data.on_unreadable: skip says.")
def skipped_files(setup: Setup) -> Iterator[Finding]:
    """Count them."""
    if skipped := setup.data.skipped:
        share = len(skipped) / (len(skipped) + sum(len(images) for _, images in setup.data.parts()))
        yield Finding(
            "skipped_files",
            "warning" if share > MANY_SKIPPED else "info",
            f"{len(skipped)} files could not be read and were left out",
            {"files": len(skipped), "share": share, "examples": skipped[:SHOWN]},
            "repair or remove them",
        )
