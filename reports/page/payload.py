"""What the page's script works on: columns of figures as JSON, curves as base64 float32."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports.page.drawing import kept_epochs
from reports.page.ranking_view import columns
from reports.wording import is_fraction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reports.verdict import ReportData
    from reports.verdict.report_data import Configuration


CURVE_VALUES = 2_000_000
"""Values of the ranked metric and its training counterpart in one file: 8 MB, 10.7 MB as base64."""
EXTRA_VALUES = 700_000
"""Further metrics come along while all values stay below this."""
MOST_POINTS, FEWEST_POINTS = 500, 48
DEFAULT_SELECTION = 4
ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


@dataclass(frozen=True)
class PackedCurves:
    """Curves one after the other.

    Attributes:
        metrics: names, the ranked one first.
        lengths: for each training and each metric in turn: points (0: absent).
        epochs: base64 uint32 epochs counted from 1, for the thinned curves alone, in order.
        thinned: positions in `lengths` of thinned curves.
        values: base64 little-endian float32.
    """

    metrics: tuple[str, ...]
    lengths: tuple[int, ...]
    thinned: tuple[int, ...]
    epochs: str
    values: str


def payload(data: ReportData, glance: tuple[float, float]) -> str:
    """JSON for the script, safe inside a script element.

    Args:
        data: the report.
        glance: lower and upper end of the sparklines' scale.
    """
    study = data.study
    document = {
        "metric": study.metric,
        "maximize": study.maximize,
        "fraction": is_fraction(study.metric),
        "kind": study.kind,
        "spark": glance,
        "columns": [asdict(column) for column in columns(data)],
        "parameters": [
            {"name": p.name, "kind": p.kind, "log": p.log, "low": p.low, "high": p.high, "labels": p.labels} for p in data.parameters
        ],
        "rows": _rows(data),
        "leaders": data.verdict.leaders if data.verdict.kind == "tied" else (),
        "selected": default_selection(data),
        "curves": asdict(pack_curves(data)),
    }
    return script_safe(json.dumps(_finite(document), ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def script_safe(text: str) -> str:
    """JSON whose strings can neither end the script element nor start a comment in it."""
    for character, escape in ESCAPES.items():
        text = text.replace(character, escape)
    return text


def default_selection(data: ReportData) -> list[str]:
    """The leaders, what the best epoch would have picked, and the first that oscillates."""
    verdict = data.verdict
    wanted = [*verdict.leaders[:2], *([verdict.best_epoch_pick] if verdict.best_epoch_pick else []), *verdict.oscillating[:1]]
    wanted += [row.id for row in data.configurations if row.rank is not None][:3]
    return list(dict.fromkeys(wanted))[:DEFAULT_SELECTION]


def _rows(data: ReportData) -> dict[str, object]:
    """One list a field: names are not repeated for each row."""
    rows = data.configurations
    flags = sorted({flag.name for row in rows for flag in row.flags})
    return {
        **{
            key: [getattr(row, key) for row in rows] for key in ("id", "short", "rank", "state", "best_epoch", "epochs", "planned", "seeds")
        },
        **{key: [_short(getattr(row, key)) for row in rows] for key in ("stable", "level", "spread", "best", "last", "test")},
        "interval": [None if row.interval is None else [_short(bound) for bound in row.interval] for row in rows],
        "provisional": [row.provisional for row in rows],
        "flag_names": flags,
        "flags": [[[flags.index(flag.name), flag.severity, _spans(flag.evidence.get("epochs"))] for flag in row.flags] for row in rows],
        "params": {p.name: [row.params.get(p.name) for row in rows] for p in data.parameters},
        "trials": [[[trial.number, trial.seed, trial.role, trial.state] for trial in row.trials] for row in rows],
    }


def _spans(epochs: object) -> list[int]:
    """First and last epoch of a flag's evidence, or nothing."""
    return [int(epoch) for epoch in epochs] if isinstance(epochs, tuple) and len(epochs) == 2 else []  # noqa: PLR2004 - first and last


def _short(value: float | None) -> float | None:
    """Six significant digits: what a table shows and sorts by."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def _finite(value: object) -> object:
    """The same with None for NaN and infinities, which JSON does not know."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def pack_curves(data: ReportData) -> PackedCurves:
    """Curves of all trainings, in the order of rows and their trainings, thinned where they are many or long."""
    trainings = [trial for row in data.configurations for trial in row.trials]
    metrics = _metrics(data.configurations, data.study.metric)
    points = min(MOST_POINTS, max(FEWEST_POINTS, CURVE_VALUES // max(1, 2 * len(trainings))))
    lengths: list[int] = []
    thinned: list[int] = []
    epochs: list[NDArray[np.uint32]] = []
    values: list[NDArray[np.float32]] = []
    for trial in trainings:
        for metric in metrics:
            curve = trial.curves.get(metric)
            if curve is None or not len(curve):
                lengths.append(0)
                continue
            kept = kept_epochs(curve, points)
            if len(kept) < len(curve):
                thinned.append(len(lengths))
                epochs.append((kept + 1).astype("<u4"))
            lengths.append(len(kept))
            values.append(np.asarray(curve, dtype="<f4")[kept])
    return PackedCurves(metrics, tuple(lengths), tuple(thinned), _base64(epochs, "<u4"), _base64(values, "<f4"))


def _metrics(rows: Sequence[Configuration], ranked: str) -> tuple[str, ...]:
    """The ranked metric, its training counterpart, then others in a fixed order while they fit."""
    sizes: dict[str, int] = {}
    for row in rows:
        for trial in row.trials:
            for name, curve in trial.curves.items():
                sizes[name] = sizes.get(name, 0) + min(len(curve), MOST_POINTS)
    preferred = [ranked, ranked.removeprefix("val_"), "val_accuracy", "accuracy", "val_loss", "loss", "val_batch_accuracy", "learning_rate"]
    order = [name for name in dict.fromkeys([*preferred, *sorted(sizes)]) if name in sizes]
    taken, total = [], 0
    for index, name in enumerate(order):
        total += sizes[name]
        if index < 2 or total <= EXTRA_VALUES:  # noqa: PLR2004 - validation and training
            taken.append(name)
    return tuple(taken)


def _base64(arrays: Sequence[NDArray[np.generic]], dtype: str) -> str:
    joined = np.concatenate(arrays) if arrays else np.empty(0, dtype=dtype)
    return base64.b64encode(joined.astype(dtype, copy=False).tobytes()).decode()
