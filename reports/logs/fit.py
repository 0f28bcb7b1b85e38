"""Epochs as a log has them, before metric names, scales and gaps are settled: what every reader hands to `assemble`.

The figures of a raw fit as one column of texts per metric, epochs in their places.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from reports.logs.metric_names import base_of, is_accuracy, is_known, normalise, parse_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reports.records import ParameterValue

_STEPS_PER_VALIDATION: Final = 20
"""Training figures written so many times as often as validation figures are a batch's."""


@dataclass(frozen=True)
class RawEpoch:
    """One epoch's figures.

    Attributes:
        epoch: its number in the log, or None when the log does not count.
        values: metric name as in the log to the figure's text.
        seconds: how long it took, or None when the log does not say.
        step: training steps since the start at which it was written, or None when the log does not count them.
    """

    epoch: int | None
    values: dict[str, str]
    seconds: float | None = None
    step: int | None = None


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
        trial: the tuner's number of the trial that it belongs to, or None.
        settings: what the log says about its settings, by name.
        out_of_data: whether Keras warned that its input ran out of data.
        problem: why its log cannot be read, or empty.
    """

    rows: list[RawEpoch] = field(default_factory=list)
    label: str = ""
    trial: str | None = None
    settings: dict[str, ParameterValue] = field(default_factory=dict)
    out_of_data: bool = False
    problem: str = ""
    planned: int | None = None
    num_train: int | None = None
    num_val: int | None = None
    maybe_num_val: int | None = None
    num_classes: int | None = None
    whole_set: bool = False
    live: bool = False
    notes: list[str] = field(default_factory=list)


def at_validations(rows: list[RawEpoch]) -> list[RawEpoch]:
    """Rows at the steps that have validation figures, numbered from 1, where training figures are written far more often (every batch); else `rows`."""

    def validates(row: RawEpoch) -> bool:
        return any(normalise(name).startswith("val_") for name in row.values)

    validated = sum(validates(row) for row in rows)
    if not validated or len(rows) < _STEPS_PER_VALIDATION * validated:
        return rows
    latest: dict[str, str] = {}
    kept: list[RawEpoch] = []
    for row in rows:
        latest.update(row.values)
        if validates(row):
            kept.append(RawEpoch(len(kept) + 1, dict(latest)))
    return kept


def split_fits(rows: Iterable[RawEpoch]) -> list[RawFit]:
    """Cut rows into fits (see `cut_into_fits`) and join those of a training loop that calls ``fit(epochs=1)``."""
    return join_single_epochs(cut_into_fits(rows))


def cut_into_fits(rows: Iterable[RawEpoch]) -> list[RawFit]:
    """Cut rows into fits: a new one begins where the epoch number does not rise. Rows that are parts of one epoch are merged."""
    fits: list[RawFit] = []
    last: int | None = None
    for row in rows:
        if fits and row.epoch is not None and row.epoch == last and _belongs(fits[-1].rows[-1], row):
            before = fits[-1].rows[-1]
            values = before.values | {name: text for name, text in row.values.items() if parse_number(text) is not None}
            fits[-1].rows[-1] = replace(before, values=values, step=row.step)
            continue
        if not fits or (row.epoch is not None and last is not None and row.epoch <= last):
            fits.append(RawFit())
        fits[-1].rows.append(row)
        last = row.epoch if row.epoch is not None else last
    return fits


def _belongs(before: RawEpoch, row: RawEpoch) -> bool:
    """Whether a row is a later part of an epoch: its steps went on (PyTorch Lightning logs every 50), or no loss or accuracy is in both."""
    if before.step is not None and row.step is not None:
        return row.step >= before.step
    filled = {name for name, text in before.values.items() if is_known(name) and parse_number(text) is not None}
    return not any(name in filled and parse_number(text) is not None for name, text in row.values.items())


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
    rows = [RawEpoch(index + 1, fit.rows[0].values, fit.rows[0].seconds) for index, fit in enumerate(group)]
    note = f"{len(group)} fits of one epoch each were read as one training loop."
    return [replace(first, rows=rows, planned=None, notes=[*first.notes, note])]


_NO_METRIC: Final = frozenset(
    {"", "epoch", "epochs", "step", "steps", "global_step", "time", "timestamp", "seconds", "duration", "unnamed:_0", "index", "wall_time"}
)
_LONGEST_STRETCH: Final = 4
_FEWEST_FOR_A_STRIDE: Final = 3


@dataclass(frozen=True)
class Columns:
    """A fit's figures by metric.

    Attributes:
        texts: normalised metric name to texts, each of length ``num_epochs``, ``""`` where missing.
        spelling: normalised metric name to the name in the log.
        stride: epochs from one place to the next, as the log numbers them.
        counted: whether the log numbers its epochs.
        seconds: duration of each place's epoch, ``(num_epochs,)``, None where unknown.
        notes: sentences on what was done.
    """

    texts: dict[str, tuple[str, ...]]
    spelling: dict[str, str]
    stride: int
    counted: bool
    seconds: tuple[float | None, ...]
    notes: tuple[str, ...]


def columns_of(fit: RawFit) -> Columns:
    """Columns of a fit; an interrupted last epoch is left out, skipped epochs become gaps, a test split stands in for validation."""
    places, stride, notes = _places([row.epoch for row in fit.rows])
    texts: dict[str, list[str]] = {}
    spelling: dict[str, str] = {}
    columns: dict[str, list[str]] = {}  # by the name in the log; of two spellings of one metric the first counts
    for place, row in zip(places, fit.rows, strict=True):
        for name, text in row.values.items():
            column = columns.get(name)
            if column is None:
                key = normalise(name)
                column = columns[name] = [""] * (places[-1] + 1)
                if key not in _NO_METRIC and spelling.setdefault(key, name) == name:
                    texts[key] = column
            column[place] = text
    texts = {key: [text if parse_number(text) is not None else "" for text in column] for key, column in texts.items()}
    tested = [key for key in texts if _is_test(key)]
    closing = {key for key in tested if sum(map(bool, texts[key])) == 1 < len(fit.rows) and texts[key][-1]}
    if closing:
        notes += [f"{spelling[key]} {texts[key][-1]} is printed once, at the end: it is no epoch's." for key in sorted(closing)]
        texts = {key: column for key, column in texts.items() if key not in closing}
    if not any(key.startswith("val_") for key in texts) and len(closing) < len(tested):
        texts = {("val_" + base_of(key) if _is_test(key) else key): column for key, column in texts.items()}
        spelling = {("val_" + base_of(key) if _is_test(key) else key): name for key, name in spelling.items()}
        notes.append("The log has no validation figures; those of its test set are read in their place.")
    if fit.live and _last_is_cut(texts):
        texts = {key: column[:-1] for key, column in texts.items()}
        notes.append("The last epoch has no validation figures although all others have: it was interrupted and is left out.")
    seconds: list[float | None] = [None] * (places[-1] + 1)
    for place, row in zip(places, fit.rows, strict=True):
        seconds[place] = row.seconds
    kept = {key: tuple(column) for key, column in texts.items() if any(column)}
    return Columns(kept, spelling, stride or 1, bool(stride), tuple(seconds), tuple(notes))


def _is_test(key: str) -> bool:
    """Whether a normalised name is a test set's loss or accuracy."""
    return key.startswith("test_") and (base_of(key) == "loss" or is_accuracy(key))


def _places(epochs: Sequence[int | None]) -> tuple[list[int], int, list[str]]:
    """Index of each row's epoch, counted from 0, the log's stride (0 where its numbers are not used), and notes.

    A regular stride over three epochs or more counts as consecutive, huge gaps too.
    """
    numbers = [epoch for epoch in epochs if epoch is not None]
    if len(numbers) < len(epochs):
        return list(range(len(epochs))), 0, []
    stride = math.gcd(*(number - numbers[0] for number in numbers)) or 1
    if len(numbers) < _FEWEST_FOR_A_STRIDE:
        stride = 1
    places = [(number - numbers[0]) // stride for number in numbers]
    if places[-1] + 1 > _LONGEST_STRETCH * len(places) + _LONGEST_STRETCH:
        return (
            list(range(len(epochs))),
            0,
            [f"Epoch numbers jump (up to {numbers[-1]}); epochs are read as consecutive and counted from 1."],
        )
    shown = ", ".join(map(str, numbers[:3]))
    return places, stride, [f"The log has every {_ordinal(stride)} epoch: {shown}, ..."] if stride > 1 else []


def _ordinal(number: int) -> str:
    """2nd, 3rd, 4th, 11th, 22nd, ..."""
    teens = number // 10 % 10 == 1
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _last_is_cut(texts: dict[str, list[str]]) -> bool:
    """Whether the last epoch alone lacks validation figures."""
    validation = [column for key, column in texts.items() if key.startswith("val_")]
    validated = [any(epoch) for epoch in zip(*validation, strict=True)]
    return len(validated) > 1 and all(validated[:-1]) and not validated[-1]
