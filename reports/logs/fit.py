"""Epochs as a log has them, before metric names, scales and gaps are settled: what every reader hands to `assemble`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class RawEpoch:
    """One epoch's figures.

    Attributes:
        epoch: its number in the log, or None when the log does not count.
        values: metric name as in the log to the figure's text.
    """

    epoch: int | None
    values: dict[str, str]


@dataclass
class RawFit:
    """One call of ``fit`` as found in a log.

    Attributes:
        rows: its epochs in order.
        label: name within the log, or empty: then fits are numbered.
        planned: epochs asked for, or None.
        num_train: training images that the log states, or None.
        num_val: validation images that the log states, or None.
        maybe_num_val: validation images that the log suggests (second ``Found n images``), believed only if the figures agree, or None.
        num_classes: classes that the log states, or None.
        whole_set: whether the log shows that every validation ran over the whole set (``fit`` on arrays).
        live: whether the log was written while epochs ran, so that its end may be the middle of one.
        notes: sentences on how it was read.
    """

    rows: list[RawEpoch] = field(default_factory=list)
    label: str = ""
    planned: int | None = None
    num_train: int | None = None
    num_val: int | None = None
    maybe_num_val: int | None = None
    num_classes: int | None = None
    whole_set: bool = False
    live: bool = False
    notes: list[str] = field(default_factory=list)


def split_fits(rows: Iterable[RawEpoch]) -> list[RawFit]:
    """Cut rows into fits: a new one begins where the epoch number does not rise."""
    fits: list[RawFit] = []
    last: int | None = None
    for row in rows:
        if not fits or (row.epoch is not None and last is not None and row.epoch <= last):
            fits.append(RawFit())
        fits[-1].rows.append(row)
        last = row.epoch if row.epoch is not None else last
    return join_single_epochs(fits)


def join_single_epochs(fits: list[RawFit]) -> list[RawFit]:
    """Join three or more consecutive fits of one epoch each into one: a training loop that calls ``fit(epochs=1)``."""
    joined: list[RawFit] = []
    group: list[RawFit] = []
    for fit in [*fits, None]:
        if (
            fit is not None
            and len(fit.rows) == 1
            and fit.planned in {None, 1}
            and not (group and group[0].rows[0].epoch != fit.rows[0].epoch)
        ):
            group.append(fit)
            continue
        joined.extend(_joined(group))
        group = []
        if fit is not None:
            joined.append(fit)
    return joined


def _joined(group: list[RawFit]) -> list[RawFit]:
    """One fit for a group of single epochs, or the group when it is too small to be a loop."""
    at_least = 3
    if len(group) < at_least or group[0].rows[0].epoch is None:
        return group
    first = group[0]
    rows = [RawEpoch(index + 1, fit.rows[0].values) for index, fit in enumerate(group)]
    note = f"{len(group)} fits of one epoch each were read as one training loop."
    return [replace(first, rows=rows, planned=None, notes=[*first.notes, note])]
