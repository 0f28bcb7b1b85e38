"""Dividing images into training, validation and test: seeded, stratified, groups kept whole, independent of names and order."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from trainer.data.images import PARTS, Part
from trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from trainer.config import SplitConfig
    from trainer.data.images import Labels
    from trainer.data.sources.collected import Collected

_STREAM = 0x5011
"""Sets the split's draws apart from other uses of the same seed."""

_ROUNDING = 1e-9

Rows = dict[Part, "npt.NDArray[np.int64]"]
Name = TypeVar("Name", bound=str)
"""Of a part, or of a fold."""


def split(collected: Collected, digests: Sequence[str], config: SplitConfig) -> Rows:
    """Rows of each part, ascending, so that the source's order is kept within a part.

    A split that the source gives is kept. Where it gives no validation part, one is taken from its training images in the
    proportion validation : train; a missing test part stays missing, because held-out images cannot be had without taking training ones away.
    With `validation_seed` the test part is the same as without, and the others, in the same sizes, are drawn from all images that are not in it.
    Copies, images with the same contents, never lie in two of the parts that are drawn here, groups apart.
    With `folds` the training part is all that is not the test part; `trainer.data.folds` divides it.

    Args:
        collected: the images, n of them.
        digests: content hash of each image, length n: the draw is over contents, so renaming or listing files in another order changes nothing.
        config: fractions or counts, seed, stratification.

    Raises:
        DataError: a part would be empty, more images are asked for than there are, or `validation_seed` has nothing to draw.
    """
    everything = np.arange(len(collected))
    if config.folds is not None:
        return _without_validation(everything, collected, digests, config)
    anew = config.validation_seed
    if anew is not None and (config.validation == "train" or gives_validation(collected)):
        why = "data.split.validation is train" if config.validation == "train" else "the source says which images validate"
        raise DataError(
            f"data.split.validation_seed: there are no other validation images to draw, {why}; leave it out (and confirm.resplit)"
        )
    if collected.parts is None:
        shares: dict[Part, float | str] = {"validation": config.validation, "test": config.test}
        rows = _copies_together(_divide(everything, collected, digests, config, shares, config.train), collected, digests)
        rows = rows if anew is None else _drawn_anew(rows, collected, digests, config, anew)
    else:
        given = np.asarray(collected.parts)
        rows = {part: everything[given == part] for part in PARTS if (given == part).any()}
        if "train" not in rows:
            raise DataError("the source gives a split without training images; name a part 'train'")
        if "validation" not in rows and config.validation != "train":
            seeded = config if anew is None else config.model_copy(update={"seed": anew})
            divided = _divide(rows["train"], collected, digests, seeded, {"validation": _of_train(config)}, None)
            rows = {**rows, **_copies_together(divided, collected, digests)}
    if config.validation == "train":
        rows["validation"] = rows["train"]
    return {part: rows[part] for part in PARTS if part in rows}


def _without_validation(everything: npt.NDArray[np.int64], collected: Collected, digests: Sequence[str], config: SplitConfig) -> Rows:
    """The test part, by `seed` alone, and all other images as the training part."""
    if gives_validation(collected):
        raise DataError(
            "data.split.folds: the source says which images validate, so that folds would take others; leave folds out, or give a source "
            "without a validation part"
        )
    if collected.parts is None:
        return _copies_together(_divide(everything, collected, digests, config, {"test": config.test}, None), collected, digests)
    given = np.asarray(collected.parts)
    return {part: everything[given == part] for part in PARTS if (given == part).any()}


def _copies_together(rows: Rows, collected: Collected, digests: Sequence[str]) -> Rows:
    """Move copies that were drawn into several parts, out of the test part first, then out of the validation part; nothing else moves.

    Held-out images that were trained on measure memory. Where a part would be left empty everything stays: there are copies of few images alone. Groups
    stay whole, whatever they share; a pre-flight check tells of that.
    """
    if collected.groups is not None:
        return rows
    digest, moved = np.asarray(digests), dict(rows)
    ways: tuple[tuple[Part, Part], ...] = (("test", "train"), ("test", "validation"), ("validation", "train"))
    for held_out, other in ways:
        if held_out in moved and other in moved:
            copies = np.isin(digest[moved[held_out]], digest[moved[other]])
            moved[other] = np.sort(np.concatenate([moved[other], moved[held_out][copies]]))
            moved[held_out] = moved[held_out][~copies]
    return moved if all(len(part) for part in moved.values()) else rows


def gives_validation(collected: Collected) -> bool:
    """Whether the source itself says which images validate."""
    return collected.parts is not None and "validation" in collected.parts


def _drawn_anew(first: Rows, collected: Collected, digests: Sequence[str], config: SplitConfig, seed: int) -> Rows:
    """Training and validation images drawn by another seed, in the sizes of the first split, from all images that are not its test images."""
    test = first.get("test")
    pool = np.arange(len(collected)) if test is None else np.setdiff1d(np.arange(len(collected)), test)
    wanted: dict[Part, int] = {"validation": len(first["validation"])}
    if len(first["train"]) + len(first["validation"]) < len(pool):  # the first split leaves images out
        wanted["train"] = len(first["train"])
    drawn = draw(pool, collected, digests, config.model_copy(update={"seed": seed}), wanted)
    rows: Rows = {part: np.sort(chosen) for part, chosen in drawn.items()}
    if "train" not in rows:
        rows["train"] = np.setdiff1d(pool, rows["validation"])
    for part, chosen in rows.items():
        if not len(chosen):
            raise DataError(
                f"data.split.validation_seed: the {part} part would be empty; give more images or smaller groups, or leave it out"
            )
    rows = _copies_together(rows, collected, digests)
    return rows if test is None else {**rows, "test": test}


def _of_train(config: SplitConfig) -> float | int:
    """Validation's share of the images that the source calls training."""
    share = config.validation
    if isinstance(share, float) and config.train < 1:
        return share / (share + config.train)
    return 0 if isinstance(share, str) else share


def _divide(
    rows: npt.NDArray[np.int64],
    collected: Collected,
    digests: Sequence[str],
    config: SplitConfig,
    shares: Mapping[Part, float | str],
    train: float | None,
) -> Rows:
    """Take the held-out parts of `rows`; the rest is for training, or `train` of it where the fractions leave images out."""
    total = len(rows)
    wanted = {part: _count(share, total, part) for part, share in shares.items() if not isinstance(share, str) and share > 0}
    held_out = sum(wanted.values())
    remaining = total - held_out
    if train is not None:
        left = _train_count(train, total, wanted)
        if left < remaining:
            wanted["train"] = left
    if remaining < 1:
        raise DataError(f"data.split: {total} images, of which {held_out} are asked for validation and test; none is left for training")
    out: Rows = {part: np.sort(chosen) for part, chosen in draw(rows, collected, digests, config, wanted).items()}
    if "train" not in out:
        out["train"] = np.setdiff1d(rows, np.concatenate(list(out.values()))) if out else rows
    for part, chosen in out.items():
        if not len(chosen):
            raise DataError(
                f"data.split: the {part} part would be empty ({total} images); change data.split, or give more images or smaller groups"
            )
    return out


def _count(share: float, total: int, part: str) -> int:
    """Images of a held-out part: a fraction of all, or a whole number."""
    if share < 1:
        return max(1, round(share * total))
    if share >= total:
        raise DataError(f"data.split.{part}: {share:g} images asked for, but there are {total}")
    return int(share)


def _train_count(share: float, total: int, wanted: Mapping[Part, int]) -> int:
    """Images for training: a whole number is exact; fractions that add up to 1 mean everything that is left."""
    remaining = total - sum(wanted.values())
    if share > 1 or isinstance(share, int):
        if share > remaining:
            raise DataError(f"data.split.train: {share:g} images asked for, but {remaining} are left beside validation and test")
        return int(share)
    images = share * total
    # each held-out part may be up to one image larger than its fraction
    if images - remaining > len(PARTS):
        listed = ", ".join(f"{part} {count}" for part, count in wanted.items())
        raise DataError(
            f"data.split: train {share:g} of {total} images beside {listed} is more than there are; set data.split.test: 0 if you want no test part"
        )
    return remaining if abs(images - remaining) < 1 + len(wanted) / 2 else round(images)


def draw(
    rows: npt.NDArray[np.int64], collected: Collected, digests: Sequence[str], config: SplitConfig, wanted: Mapping[Name, int]
) -> dict[Name, npt.NDArray[np.int64]]:
    """Fill the wanted parts unit by unit (an image, or a whole group), each unit where its class lacks most.

    Args:
        rows: of the images to draw from.
        collected: all images.
        digests: content hash of each image.
        config: seed and stratification.
        wanted: images of each part; what is left belongs to none.
    """
    if not wanted:
        return {}
    strata = collected.labels if config.stratify else np.zeros(len(collected), np.int32)
    classes, counts = np.unique(strata[rows], return_counts=True)
    goals = np.array([[count * size / len(rows) for count in counts] for size in wanted.values()], float).reshape(len(wanted), -1)
    sizes = [*wanted.values(), len(rows) - sum(wanted.values())]
    need = _whole(np.vstack([goals, counts - goals.sum(axis=0)]), sizes)
    if collected.groups is None:
        return _fill(shuffled(rows, digests, config.seed), strata, classes, need, tuple(wanted))
    return _fill_with_groups(_groups(rows, collected.groups, digests, config.seed), strata, classes, need, tuple(wanted))


def _fill(
    order: npt.NDArray[np.int64], strata: Labels, classes: Labels, need: npt.NDArray[np.float64], parts: tuple[Name, ...]
) -> dict[Name, npt.NDArray[np.int64]]:
    """Give each part its number of images of each class, in the seeded order."""
    ends = np.cumsum(need, axis=0).astype(int)
    taken: dict[Name, list[npt.NDArray[np.int64]]] = {part: [] for part in parts}
    for column, label in enumerate(classes):
        mine = order[strata[order] == label]
        for row, part in enumerate(parts):
            taken[part].append(mine[ends[row - 1, column] if row else 0 : ends[row, column]])
    return {part: np.concatenate(chosen) for part, chosen in taken.items()}


def _fill_with_groups(
    groups: Sequence[npt.NDArray[np.int64]], strata: Labels, classes: Labels, need: npt.NDArray[np.float64], parts: tuple[Name, ...]
) -> dict[Name, npt.NDArray[np.int64]]:
    """Give each group to the part that lacks most of what it holds; ties go to the first part, so that the seeded order alone decides."""
    taken: dict[int, list[npt.NDArray[np.int64]]] = defaultdict(list)
    for members in groups:
        content = (strata[members][:, None] == classes[None, :]).sum(axis=0)
        lack = np.minimum(need, content).clip(min=0).sum(axis=1) + need.clip(min=0).sum(axis=1) / len(strata) / 2
        chosen = int(lack.argmax())
        need[chosen] -= content
        taken[chosen].append(members)
    empty = np.empty(0, np.int64)
    return {part: np.concatenate(taken[row]) if row in taken else empty for row, part in enumerate(parts)}


def _whole(goals: npt.NDArray[np.float64], sizes: Sequence[int]) -> npt.NDArray[np.float64]:
    """Round a table of expected counts, parts by classes, keeping the sums of both; no count moves by more than one.

    The largest open row first, one unit a cell: the construction behind the Gale-Ryser theorem, which finds a table wherever there is one.
    """
    whole = np.floor(goals + _ROUNDING)
    fraction = goals - whole
    extra = np.rint(goals.sum(axis=0) - whole.sum(axis=0)).astype(int)
    open_rows = np.asarray(sizes, float) - whole.sum(axis=1)
    for column in np.argsort(-extra, kind="stable"):
        rows = np.lexsort((-fraction[:, column], -open_rows))[: extra[column]]
        whole[rows, column] += 1
        open_rows[rows] -= 1
    return whole


def shuffled(rows: npt.NDArray[np.int64], digests: Sequence[str], seed: int) -> npt.NDArray[np.int64]:
    """The rows in a seeded order that depends on contents alone."""
    by_content = np.asarray(sorted(rows.tolist(), key=lambda row: (digests[row], row)), np.int64)
    return by_content[np.random.default_rng([seed, _STREAM]).permutation(len(rows))]


def _groups(rows: npt.NDArray[np.int64], groups: Sequence[str], digests: Sequence[str], seed: int) -> list[npt.NDArray[np.int64]]:
    """The groups in a seeded order, largest first, so that small ones even out."""
    members: dict[str, list[int]] = defaultdict(list)
    for row in shuffled(rows, digests, seed):
        members[groups[row]].append(int(row))
    return sorted((np.asarray(group, np.int64) for group in members.values()), key=len, reverse=True)
