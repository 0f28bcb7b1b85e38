"""What the page's script works on: figures to sort and draw by as JSON, the text of each as Python wrote it, curves as base64 float32."""

from __future__ import annotations

import base64
import itertools
import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from reports import wording
from reports.page.cost_view import cost_plots
from reports.page.drawer_view import pack_details
from reports.page.drawing import STEPS, kept_epochs
from reports.page.parameters_view import axis_labels, held_axis, parameter_plots
from reports.page.ranking_view import STATE_WORDS, cell_note, cell_text, columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reports.ranking import RankedConfiguration
    from reports.records import ParameterRecord
    from reports.verdict import ReportData

CURVE_VALUES = 2_000_000
"""Values of the ranked metric and its training counterpart in one file: 8 MB, 10.7 MB as base64."""
EXTRA_VALUES = 700_000
"""Further metrics come along while all values stay below this."""
MOST_POINTS, FEWEST_POINTS = 500, 48
DEFAULT_SELECTION = 4
FINEST_DECADES = 9
"""Powers of ten below the largest value at which a curve can still be zoomed: single precision ends before."""
LOGARITHMIC = frozenset({"learning_rate", "gradient_norm", "loss", "val_loss"})
"""Metrics whose ratios count, on a logarithmic axis where they are positive and span a ratio of `WIDE`."""
WIDE = 10.0
ESCAPES = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})
"""With them strings can neither end the script element nor start a comment in it."""


def payload(data: ReportData, spark: tuple[float, float]) -> str:
    """JSON for the script, safe inside a script element; `spark` is the lower and the upper end of the sparklines' scale."""
    study = data.study
    document = {
        **wording.fields(study, "metric", "maximize"),
        "missing": wording.MISSING,
        "factor": wording.tick_format(1.0, study.metric)[0],
        "spark": spark,
        "columns": columns(data),
        "parameters": [_parameter(parameter, data.configurations) for parameter in data.parameters],
        "plots": parameter_plots(data) if study.kind == "study" and data.parameters else None,
        "rows": _rows(data),
        "selected": default_selection(data),
        "heldAxis": held_axis(data),
        "panels": _panels(study.metric),
        "costs": cost_plots(data),
        "details": pack_details(data),
        "curves": pack_curves(data),
    }
    return wording.json_text(document, compact=True).translate(ESCAPES)


def default_selection(data: ReportData) -> list[str]:
    """The leaders, what the best epoch would have picked, and the first that oscillates."""
    verdict = data.verdict
    wanted = [*verdict.leaders[:2], *([verdict.best_epoch_pick] if verdict.best_epoch_pick else []), *verdict.oscillating[:1]]
    wanted += [row.configuration for row in data.ranked[:3]]
    return list(dict.fromkeys(wanted))[:DEFAULT_SELECTION]


def _rows(data: ReportData) -> dict[str, object]:
    """One list a field, so that names are not repeated for each row. What to sort by goes apart from what to show."""
    rows, metric = data.configurations, data.study.metric
    flags = sorted({flag.name for row in rows for flag in row.flags})
    written = [column for column in columns(data) if column.kind not in {"name", "spark", "flags"}]
    labelled = {f"param:{parameter.name}" for parameter in data.parameters if parameter.labelled}
    return {
        "id": [row.configuration for row in rows],
        "short": [row.short for row in rows],
        "name": [row.name for row in rows],
        "state": [STATE_WORDS.get(row.state, row.state) for row in rows],
        "tied": [index for index, row in enumerate(rows) if row.configuration in data.tied],
        "oscillating": [index for index, row in enumerate(rows) if row.oscillates],
        "rank": [None if row.stable is None else row.rank for row in rows],
        **{key: [getattr(row, key) for row in rows] for key in ("epochs", "seeds")},
        **{key: [_short(getattr(row, key)) for row in rows] for key in ("stable", "level", "spread", "best", "last", "test")},
        "texts": {column.key: [cell_text(row, column, metric) for row in rows] for column in written if column.key not in labelled},
        "notes": {
            column.key: [cell_note(row, column, metric) for row in rows] for column in written if column.key in {"stable", "level", "best"}
        },
        "flag_names": flags,
        "flags": [
            [[flags.index(flag.name), flag.severity, _spans(flag.example.evidence.get("epochs"))] for flag in row.flags] for row in rows
        ],
        "params": {parameter.name: _values(parameter, rows) for parameter in data.parameters},
        "trials": [len(row.trials) for row in rows],
    }


def _panels(ranked: str) -> list[tuple[str, str]]:
    """Metrics that stand below each other on one epoch axis, with the panel's title; metrics of one title are two sides of the same."""
    titles = {"val_accuracy": "accuracy", "val_loss": "loss", "learning_rate": "learning rate", "gradient_norm": "gradient norm"}
    return [(ranked, titles.get(ranked, wording.words(ranked))), *((name, title) for name, title in titles.items() if name != ranked)]


def _spans(epochs: object) -> list[int]:
    """First and last epoch of a flag's evidence, or nothing."""
    return [int(epoch) for epoch in epochs] if isinstance(epochs, tuple) and len(epochs) == 2 else []  # noqa: PLR2004 - first and last


def _short(value: float | None) -> float | None:
    """Six significant digits: enough to sort and draw by."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def _parameter(parameter: ParameterRecord, rows: Sequence[RankedConfiguration]) -> dict[str, object]:
    """A parameter with its axis; of labels also those that the space no longer has."""
    return {
        **wording.fields(parameter, "name", "kind", "log", "low", "high"),
        "num_labels": len(parameter.labels),
        "labels": parameter.all_labels(row.params[parameter.name] for row in rows if parameter.name in row.params),
        "axis": axis_labels(parameter),
    }


def _values(parameter: ParameterRecord, rows: Sequence[RankedConfiguration]) -> list[float | int | None]:
    """Of each row the number, or the label's place among the parameter's labels; None where it is not active."""
    if parameter.labelled:
        texts = [str(row.params[parameter.name]) if parameter.name in row.params else None for row in rows]
        labels = parameter.all_labels(text for text in texts if text is not None)
        return [None if text is None else labels.index(text) for text in texts]
    values = (row.params.get(parameter.name) for row in rows)
    return [value if isinstance(value, int | float) and not isinstance(value, bool) else None for value in values]


def pack_curves(data: ReportData) -> dict[str, object]:
    """Curves of all trainings, in the order of rows and their trainings, thinned where they are many or long.

    Returns:
        ``metrics``: names, the ranked one first; ``lengths``: for each training and each metric in turn its points (0: absent); ``thinned``:
        places in `lengths` of curves that are thinned, or whose log does not number its epochs 1, 2, 3; ``epochs``: of these alone, base64
        uint32; ``values``: base64 little-endian float32; ``texts`` and ``axes``: by metric (see `value_texts` and `axis_steps`).
    """
    trainings = [trial for row in data.configurations for trial in row.trials]
    metrics = _metrics(data.configurations, data.study.metric)
    points = min(MOST_POINTS, max(FEWEST_POINTS, CURVE_VALUES // max(1, 2 * len(trainings))))
    curves = [np.asarray(trial.curves.get(metric, ()), dtype="<f4") for trial in trainings for metric in metrics]
    kept = [kept_epochs(curve, points) for curve in curves]
    numbering = [trial.numbering for trial in trainings for _ in metrics]
    written = [
        slot
        for slot, (curve, epochs) in enumerate(zip(curves, kept, strict=True))
        if len(epochs) < len(curve) or (len(curve) and numbering[slot] != (1, 1))
    ]
    values = [curve[epochs] for curve, epochs in zip(curves, kept, strict=True)]
    distinct = {metric: _distinct(values[place :: len(metrics)]) for place, metric in enumerate(metrics)}
    return {
        "metrics": metrics,
        "lengths": [len(epochs) for epochs in kept],
        "thinned": written,
        "epochs": _base64([kept[slot] * numbering[slot][1] + numbering[slot][0] for slot in written], "<u4"),
        "values": _base64(values, "<f4"),
        "texts": {metric: value_texts(values, metric) for metric, values in distinct.items()},
        "axes": {metric: axis_steps(values, metric) for metric, values in distinct.items()},
    }


def _distinct(curves: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The finite values of curves, each once, rising."""
    values: NDArray[np.float32] = np.unique(np.concatenate(curves)) if curves else np.empty(0, dtype="<f4")
    finite: NDArray[np.float32] = values[np.isfinite(values)]
    return finite


def value_texts(values: NDArray[np.float32], metric: str) -> dict[str, object]:
    """The text of every value of a metric that the page can show, as a table of few lines: values that read alike lie side by side.

    `values` are distinct and rising, ``(num_values,)``.

    Returns:
        ``starts``: the smallest value with each text, rising, base64 float32; ``texts``: the texts. A value has the text of the last start
        that is not above it.
    """
    starts: list[int] = []
    texts: list[str] = []

    def text(index: int) -> str:
        return wording.score(float(values[index]), metric, unit=False)

    spans = [(0, text(0), len(values) - 1, text(-1))] if len(values) else []
    while spans:
        first, low, last, high = spans.pop()
        if low != high:
            middle = (first + last) // 2
            spans += [(middle + 1, text(middle + 1), last, high), (first, low, middle, text(middle))]
        elif not texts or texts[-1] != low:
            starts.append(first)
            texts.append(low)
    return {"starts": _base64([values[starts]], "<f4"), "texts": texts}


def axis_steps(values: NDArray[np.float32], metric: str) -> dict[str, object]:
    """How a metric's axis is ticked at whatever zoom: the steps to choose from, each with the decimals that write its multiples exactly.

    Returns:
        ``factor``: what a value is multiplied by; ``steps``: step and decimals, rising (see `reports.wording.tick`); ``log``: whether it is drawn on a
        logarithmic axis; ``decades``: its ticks there, value and text.
    """
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    top = math.floor(math.log10(largest)) + 1
    steps = [float(f"{step}e{power}") for power in range(top - FINEST_DECADES, top + 1) for step in STEPS[:-1]]
    positive = values[values > 0]
    log = bool(metric in LOGARITHMIC and positive.size == values.size and values.size and values[-1] >= WIDE * values[0])
    powers = range(math.floor(math.log10(values[0])) - 1, math.ceil(math.log10(values[-1])) + 2) if log else range(0)
    decades = [(float(f"{step}e{power}"), wording.parameter(float(f"{step}e{power}"))) for power in powers for step in (1, 3)]
    return {
        "factor": wording.tick_format(1.0, metric)[0],
        "steps": [(step, wording.tick_format(step, metric)[1]) for step in steps],
        "log": log,
        "decades": decades,
    }


def _metrics(rows: Sequence[RankedConfiguration], ranked: str) -> tuple[str, ...]:
    """The ranked metric, its training counterpart, then others in a fixed order while they fit."""
    sizes: Counter[str] = Counter()
    for trial in (trial for row in rows for trial in row.trials):
        sizes.update({name: min(len(curve), MOST_POINTS) for name, curve in trial.curves.items()})
    preferred = [
        ranked,
        ranked.removeprefix("val_"),
        "val_accuracy",
        "accuracy",
        "val_loss",
        "loss",
        "learning_rate",
        "gradient_norm",
        "val_batch_accuracy",
    ]
    order = [name for name in dict.fromkeys([*preferred, *sorted(sizes)]) if name in sizes]
    totals = enumerate(itertools.accumulate(sizes[name] for name in order))
    return tuple(name for name, (index, total) in zip(order, totals, strict=True) if index < 2 or total <= EXTRA_VALUES)  # noqa: PLR2004 - validation and training


def _base64(arrays: Sequence[NDArray[np.generic]], dtype: str) -> str:
    joined = np.concatenate(arrays) if arrays else np.empty(0, dtype=dtype)
    return base64.b64encode(joined.astype(dtype, copy=False).tobytes()).decode()
