"""From a raw fit to runs: names, scales, sizes and outputs settled.

How many images a log says it trains and validates on.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

import numpy as np

from reports.logs.fit import columns_of
from reports.logs.leftover_epochs import find_leftover_epochs, without_leftover_epochs
from reports.logs.metric_names import (
    base_of,
    custom_accuracy,
    decimals_of,
    is_accuracy,
    is_learning_rate,
    output_accuracy,
    outputs_of,
    parse_number,
    plain_accuracy,
)
from reports.logs.run import LoggedRun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from reports.logs.fit import Columns, RawFit


_PERCENT: Final = 100.0
_ABOVE_ONE: Final = 1.01
_FLOAT32_ROUNDING: Final = 1e-6
_MOST_ACCURACIES: Final = ("accuracy", "val_accuracy")


def assemble(fit: RawFit, *, source: str, name: str, log_format: str) -> tuple[LoggedRun, ...]:
    """Runs of one fit: one, or one for each output of a multi-output model; none when it has neither loss nor accuracy.

    Args:
        fit: epochs as the log has them.
        source: the log as the user named it.
        name: the fit within its log.
        log_format: what the log was read as.
    """
    columns = columns_of(fit)
    names = frozenset(columns.texts)
    if not any(base_of(key) == "loss" or base_of(key).endswith(("_loss", "_acc", "_accuracy")) or is_accuracy(key) for key in names):
        return ()
    accuracy = plain_accuracy(names)
    outputs = outputs_of(names) if accuracy is None else ()
    if outputs:
        keys_of = {f"{name}, output {output}": _keys(columns, output_accuracy(names, output), output) for output in outputs}
    else:
        keys_of = {name: _keys(columns, accuracy or custom_accuracy(names), None)}
    return tuple(_run(fit, columns, keys, source=source, name=label, log_format=log_format) for label, keys in keys_of.items())


def _keys(columns: Columns, accuracy: str | None, output: str | None) -> dict[str, str]:
    """Our metric name to the column that holds it.

    Args:
        columns: the fit's columns.
        accuracy: column of the training accuracy, or None.
        output: output of a multi-output model whose columns are meant, or None for all.
    """
    loss = "loss" if output is None else f"{output}_loss"
    wanted = {accuracy: "accuracy", loss: "loss"}
    keys: dict[str, str] = {}
    for key in columns.texts:
        base = base_of(key)
        split = key[: len(key) - len(base)]
        if is_learning_rate(key):
            keys["learning_rate"] = key
        elif base in wanted:
            keys[split + wanted[base]] = key
    for key in columns.texts:
        belongs = output is None or base_of(key).startswith(f"{output}_")
        if belongs and key not in keys.values() and key not in keys:
            keys[key] = key
    return keys


def _run(fit: RawFit, columns: Columns, keys: Mapping[str, str], *, source: str, name: str, log_format: str) -> LoggedRun:
    """One run from the columns that belong to it."""
    texts = {key: columns.texts[column] for key, column in keys.items()}
    curves = {key: _curve(column) for key, column in texts.items()}
    for key, loss in (("accuracy", "loss"), ("val_accuracy", "val_loss")):
        if key in curves:
            curves[key] = _without_unmeasured(curves[key], curves.get(loss))
    notes = [*fit.notes, *columns.notes]
    scaled = _percentages(texts, curves)
    for key in scaled:
        curves[key] = curves[key] / _PERCENT
    if scaled:
        fractions = [key for key in _MOST_ACCURACIES if key in curves and key not in scaled]
        of = {"accuracy": "Training", "val_accuracy": "Validation"}
        notes.append(
            f"{of[scaled[0]]} accuracy is in percent in the log, {of[fractions[0]].lower()} accuracy a fraction; both are read as fractions."
            if fractions
            else "Accuracies are percentages in the log."
        )
    percent = "val_accuracy" in scaled
    leftover = find_leftover_epochs(curves, texts, columns.seconds, percent=percent)
    if leftover is not None:
        curves = without_leftover_epochs(curves, leftover)
        if leftover.num_val is not None:
            texts = {
                key: tuple("" if key.startswith("val_") and place in leftover.at else text for place, text in enumerate(column))
                for key, column in texts.items()
            }
    num_epochs = max(len(curve) for curve in curves.values())
    num_val = fit.num_val
    if (
        num_val is None
        and fit.maybe_num_val is not None
        and _agrees(curves.get("val_accuracy"), texts.get("val_accuracy"), fit.maybe_num_val, percent=percent)
    ):
        num_val = fit.maybe_num_val
        notes.append(f"The second 'Found ... images' line is taken for the validation set: {num_val} images; the figures agree with it.")
    rate = curves.get("learning_rate")
    return LoggedRun(
        source=source,
        name=name,
        format=log_format,
        curves=curves,
        printed={key: tuple(_bare(text) for text in column) for key, column in texts.items()},
        names={key: columns.spelling.get(column, column) for key, column in keys.items()},
        planned_epochs=max(fit.planned, num_epochs) if fit.planned else None,
        first_epoch=fit.rows[0].epoch if columns.counted else None,
        epoch_stride=columns.stride,
        num_train=fit.num_train,
        num_val=num_val,
        num_classes=fit.num_classes,
        whole_set=fit.whole_set,
        percent=percent,
        leftover=leftover,
        out_of_data=fit.out_of_data,
        parameters=fit.settings or ({"learning_rate": float(rate[0])} if rate is not None and math.isfinite(rate[0]) else {}),
        notes=tuple(notes),
    )


def _curve(column: tuple[str, ...]) -> NDArray[np.float64]:
    """Values of a column, shape ``(num_epochs,)``: NaN where missing, infinite where the log prints nan or inf."""
    numbers = [parse_number(text) for text in column]
    return np.array(
        [math.nan if number is None else math.inf if math.isnan(number[0]) else number[0] for number in numbers], dtype=np.float64
    )


def _without_unmeasured(accuracy: NDArray[np.float64], loss: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """An accuracy ``(num_epochs,)`` with a gap where the log prints nan for an epoch that was not measured, not for one that failed.

    Weights that are no numbers never become numbers again: a nan that a figure follows, or beside a loss that is a number, is no failure.
    """
    present = np.flatnonzero(np.isfinite(accuracy))
    before_last = np.arange(accuracy.size) < (present[-1] if present.size else 0)
    if loss is not None:
        measured = np.zeros(accuracy.size, dtype=bool)
        measured[: loss.size] = np.isfinite(loss[: accuracy.size])
        before_last = before_last | measured
    return np.where(np.isinf(accuracy) & before_last, np.nan, accuracy)


def _bare(text: str) -> str:
    """A figure's text without unit and wrapping."""
    number = parse_number(text)
    return "" if number is None else number[1]


def _percentages(texts: Mapping[str, tuple[str, ...]], curves: Mapping[str, NDArray[np.float64]]) -> tuple[str, ...]:
    """Accuracies that are percentages: marked so, or above 1 and at most 100. Each is judged alone; logs mix both."""
    return tuple(key for key in _MOST_ACCURACIES if key in curves and _is_percent(texts[key], curves[key]))


def _is_percent(texts: tuple[str, ...], curve: NDArray[np.float64]) -> bool:
    """Whether a curve ``(num_epochs,)`` is in percent."""
    if any(text.rstrip().endswith("%") for text in texts):
        return True
    finite = curve[np.isfinite(curve)]
    return finite.size > 0 and bool(_ABOVE_ONE < finite.max() <= _PERCENT) and bool(finite.min() >= 0)


def _agrees(curve: NDArray[np.float64] | None, texts: tuple[str, ...] | None, images: int, *, percent: bool) -> bool:
    """Whether every value of a curve ``(num_epochs,)`` is a count out of ``images``, within its printed rounding."""
    if curve is None or texts is None or images < 1:
        return False
    decimals = max((decimals_of(_bare(text)) for text in texts), default=0) + (2 if percent else 0)
    half_unit = max(0.5 * 10.0**-decimals, _FLOAT32_ROUNDING)
    values = curve[np.isfinite(curve)]
    return values.size > 0 and bool(np.all(np.abs(np.round(values * images) / images - values) <= half_unit * (1 + _FLOAT32_ROUNDING)))


_TRAIN_ON = re.compile(r"Train on (\d{1,12}) (?:samples|steps)(?:, validate on (\d{1,12}) (samples|steps))?")
_FOUND = re.compile(r"Found (\d{1,12}) (?:validated |non-validated )?(?:images|image filenames|image|files)\b(?:.*? (\d{1,6}) classes)?")
_USING = re.compile(r"Using (\d{1,12}) files for (training|validation)")


class DataSizes:
    """Collects the lines in which Keras states sizes, and gives what it knows to each fit that follows."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._stated: tuple[int | None, int | None] | None = None
        self._using: dict[str, int] = {}
        self._found: list[int] = []
        self._classes: int | None = None

    def feed(self, line: str) -> None:
        """Look at one line."""
        text = line.lstrip()
        if not text.startswith(("Train on", "Found ", "Using ")):
            return
        train_on, found, using = _TRAIN_ON.match(text), _FOUND.match(text), _USING.match(text)
        if train_on:
            samples = " samples" in train_on[0].partition(",")[0]
            validated = int(train_on[2]) if train_on[2] and train_on[3] == "samples" else None
            self._stated = (int(train_on[1]) if samples else None, validated)
        elif found:
            self._classes = int(found[2]) if found[2] else self._classes
            if " files" not in text:  # image_dataset_from_directory splits them afterwards: "Using n files for validation"
                self._found.append(int(found[1]))
        elif using:
            self._using[using[2]] = int(using[1])

    def describe(self, fit: RawFit) -> None:
        """Give a fit the sizes known so far; ``Train on n samples`` speaks of one fit alone, the others of all that follow."""
        stated = self._stated or (None, None)
        self._stated = None
        fit.num_train = stated[0] or self._using.get("training")
        fit.num_classes = self._classes
        fit.whole_set = stated[1] is not None
        fit.num_val = stated[1] or self._using.get("validation")
        if fit.num_val is None and len(self._found) > 1:
            fit.maybe_num_val = self._found[1] or None
