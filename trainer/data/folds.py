"""Dividing images into folds: seeded, stratified, groups kept whole, independent of names and order, as `trainer.data.split` divides them into parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.data.split import draw, shuffled
from trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from trainer.config import SplitConfig
    from trainer.data.sources.collected import Collected


def fold_numbers(pool: npt.NDArray[np.int64], collected: Collected, digests: Sequence[str], config: SplitConfig) -> npt.NDArray[np.int64]:
    """Fold of each image of a pool, ``(k,)``, counted from 1.

    Without groups two folds differ by at most one image, of all and of each class, copies apart, which lie in one fold.
    A group lies in one fold, and the folds are as equal as the groups allow.

    Args:
        pool: rows ``(k,)`` of the images to divide, ascending.
        collected: all images.
        digests: content hash of each image.
        config: number of folds, seed (`validation_seed` where it is given), stratification.

    Raises:
        DataError: there are fewer images or groups, of all or of a class, than folds.
    """
    folds = config.folds or 1
    _check_enough(pool, collected, folds, stratify=config.stratify)
    seed = config.seed if config.validation_seed is None else config.validation_seed
    if collected.groups is None:
        numbers = _copies_together(_dealt(pool, collected, digests, config, seed), np.asarray(digests)[pool])
    else:
        numbers = _by_group(pool, collected, digests, config.model_copy(update={"seed": seed}))
    _check_usable(numbers, collected.labels[pool], collected, folds)
    return numbers


def _dealt(
    pool: npt.NDArray[np.int64], collected: Collected, digests: Sequence[str], config: SplitConfig, seed: int
) -> npt.NDArray[np.int64]:
    """Images dealt to the folds in turn, in a seeded order, class after class."""
    order = shuffled(pool, digests, seed)
    if config.stratify:
        order = order[np.argsort(collected.labels[order], kind="stable")]
    numbers = np.empty(len(pool), np.int64)
    numbers[np.searchsorted(pool, order)] = np.arange(len(pool)) % (config.folds or 1) + 1
    return numbers


def _by_group(pool: npt.NDArray[np.int64], collected: Collected, digests: Sequence[str], config: SplitConfig) -> npt.NDArray[np.int64]:
    """Groups given to the folds that lack most of what they hold, the last fold taking what is left."""
    folds = config.folds or 1
    sizes = [len(pool) // folds + (number < len(pool) % folds) for number in range(folds)]
    wanted = {str(number): size for number, size in enumerate(sizes[:-1], 1)}
    numbers = np.full(len(pool), folds, np.int64)
    for name, rows in draw(pool, collected, digests, config, wanted).items():
        numbers[np.searchsorted(pool, rows)] = int(name)
    return numbers


def _copies_together(numbers: npt.NDArray[np.int64], digests: npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
    """The fold of each image, all copies of one in the first of their folds: a model that was trained on one would know the other."""
    _, which = np.unique(digests, return_inverse=True)
    first = np.full(which.max() + 1, numbers.max(), np.int64)
    np.minimum.at(first, which, numbers)
    together: npt.NDArray[np.int64] = first[which]
    return together


def _check_enough(pool: npt.NDArray[np.int64], collected: Collected, folds: int, *, stratify: bool) -> None:
    """Refuse what leaves a fold without images, or without a class that it should have."""
    labels = collected.labels[pool]
    groups = None if collected.groups is None else np.asarray(collected.groups)[pool]
    unit = "images" if groups is None else "groups"

    def units(chosen: npt.NDArray[np.bool_]) -> int:
        return int(chosen.sum()) if groups is None else len(np.unique(groups[chosen]))

    present = units(np.ones(len(pool), np.bool_))
    if present < folds:
        raise DataError(
            f"data.split.folds: {folds} folds need at least {folds} {unit} beside the test part, got {present}; ask for fewer folds"
        )
    for label, name in enumerate(collected.class_names) if stratify else ():
        there = units(labels == label)
        if 0 < there < folds:
            fewer = f"ask for {there} folds, " if there > 1 else ""
            raise DataError(
                f"data.split.folds: class {name!r} has {there} {unit} beside the test part, fewer than the {folds} folds, so that some fold could not validate it; "
                f"{fewer}give more of it, leave it out with data.classes, or set data.split.stratify: false to divide without regard to classes"
            )


def _check_usable(numbers: npt.NDArray[np.int64], labels: npt.NDArray[np.int32], collected: Collected, folds: int) -> None:
    """Refuse folds that are empty, or that hold all images of a class: the model that they validate would never see it."""
    empty = np.setdiff1d(np.arange(1, folds + 1), numbers)
    if len(empty):
        why = "so many images are copies of each other" if collected.groups is None else "the groups are so unequal"
        raise DataError(f"data.split.folds: {why} that fold {empty[0]} of {folds} would be empty; ask for fewer folds")
    for fold in range(1, folds + 1):
        own = numbers == fold
        unseen = np.setdiff1d(labels[own], labels[~own])
        if len(unseen):
            raise DataError(
                f"data.split.folds: all images of class {collected.class_names[unseen[0]]!r} lie in fold {fold} of {folds}, so that the model which it validates "
                "never sees the class; give more images or smaller groups of it, leave it out with data.classes, or choose another data.split.seed"
            )
