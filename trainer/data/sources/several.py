"""Several sources as one set of images: ``data.source: [a, b]``."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from trainer.data.sources.collected import Collected
from trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence


def joined(sources: Sequence[str], sets: Sequence[Collected]) -> Collected:
    """The images of all sets, in their order; classes of one name are one class.

    A group stays the group of its source: two sources may have different patients of one name. Images without a group are groups of their own where others have one.

    Args:
        sources: names, for messages.
        sets: what was found in each.

    Raises:
        DataError: files and arrays cannot be joined, or some sources say which images train and others do not.
    """
    with_parts = [source for source, each in zip(sources, sets, strict=True) if each.parts is not None]
    if with_parts and len(with_parts) < len(sets):
        other = next(source for source in sources if source not in with_parts)
        raise DataError(
            f"data.source: {with_parts[0]} says which images train and validate, and {other} does not; give all of them parts "
            "(folders train and validation), or none"
        )
    names = _class_names(sets)
    number = {name: index for index, name in enumerate(names)}
    labels = np.concatenate([np.asarray([number[name] for name in each.class_names], np.int32)[each.labels] for each in sets])
    groups = None
    if any(each.groups is not None for each in sets):
        groups = tuple(
            f"{place} {'group ' + each.groups[row] if each.groups is not None else row}"
            for place, each in enumerate(sets)
            for row in range(len(each))
        )
    parts = tuple(chain.from_iterable(each.parts or () for each in sets)) if with_parts else None
    files = [each.content for each in sets if isinstance(each.content, tuple)]
    if len(files) == len(sets):
        return Collected(tuple(chain.from_iterable(files)), labels, names, parts, groups)
    arrays = [each.content for each in sets if not isinstance(each.content, tuple)]
    kinds = {(each.shape[1:], each.dtype) for each in arrays}
    if files or len(kinds) > 1:
        what = (
            "files and others arrays"
            if files
            else f"arrays of different form ({' and '.join(str(shape) for shape, _ in sorted(kinds, key=str))})"
        )
        raise DataError(f"data.source: some of {', '.join(sources)} are {what}, which are not joined; bring them to one form")
    return Collected(np.concatenate(arrays), labels, names, parts, groups)


def _class_names(sets: Sequence[Collected]) -> tuple[str, ...]:
    """All classes: in the order of the sets where all have the same, else numbers as numbers and names alphabetically."""
    if len({each.class_names for each in sets}) == 1:
        return sets[0].class_names
    every = {name for each in sets for name in each.class_names}
    return tuple(sorted(every, key=int) if all(name.lstrip("-").isdigit() for name in every) else sorted(every))
