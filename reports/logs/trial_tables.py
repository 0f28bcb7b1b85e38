"""Tables that hold several trials: told apart by a column that names them; a table with one row a trial has no curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports.logs.metric_names import is_learning_rate, normalise, parse_number
from reports.logs.trial_lines import as_setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reports.records import ParameterValue

_TRIAL_NAMES: Final = (
    "trial_id", "trial id", "trial", "trial_name", "trial_number", "run_id", "run id", "run_name", "run name", "run", "run_uuid", "name",
    "experiment_tag", "experiment", "logdir", "model",
)  # fmt: skip
_SETTING_PREFIXES: Final = ("config/", "config.", "params_", "params.", "hparams/", "hp/")
_SETTING_NAMES: Final = frozenset(
    {
        "batch_size",
        "batchsize",
        "dropout",
        "units",
        "optimizer",
        "num_layers",
        "layers",
        "weight_decay",
        "momentum",
        "seed",
        "hidden_size",
        "filters",
    }
)
_EPOCHS: Final = frozenset({"training_iteration", "epoch", "epochs", "step", "_step", "global_step"})


def trials_in(header: Sequence[str], rows: Sequence[list[str]]) -> Iterator[tuple[str, dict[str, ParameterValue], list[list[str]]]]:
    """Name, settings and rows of each trial; one without a name where no column names them.

    Args:
        header: column names.
        rows: cells of each row.
    """
    column = _trial_column(header)
    names = [] if column is None else list(dict.fromkeys(_cell(row, column) for row in rows))
    if len(names) < 2:  # noqa: PLR2004
        yield "", _settings(header, rows), list(rows)
        return
    for name in names:
        own = [row for row in rows if _cell(row, column) == name]
        yield f"{header[column or 0]} {name}" if parse_number(name) else name, _settings(header, own), own


def problem_of_trials(header: Sequence[str], rows: Sequence[list[str]]) -> str:
    """Why a table is no learning curve: one row for each trial, or settings that differ from row to row; empty where it is one."""
    column = _trial_column(header)
    if column is not None:
        names = [_cell(row, column) for row in rows]
        if len(rows) > 1 and len(set(names)) > len(rows) / 2:
            return _problem(len(set(names)), header[column])
        if len(set(names)) > 1:
            return ""
    if any(name.strip().lower() in _EPOCHS for name in header):
        return ""
    for index, name in enumerate(header):
        varies = len({_cell(row, index) for row in rows}) > 1
        if (
            varies
            and not is_learning_rate(normalise(name))
            and (name.lower().startswith(_SETTING_PREFIXES) or normalise(name) in _SETTING_NAMES)
        ):
            return _problem(len(rows), name)
    return ""


def _problem(num_trials: int, column: str) -> str:
    """What to say about a table of final values."""
    return (
        f"is a table of {num_trials} trials with one row each (column {column!r}): final values, no learning curves. Give the folder with "
        "progress.csv (Ray Tune), the study's storage (Optuna), the project's folder (KerasTuner), the runs' histories (W&B) or mlruns (MLflow): "
        "steadysweep report FOLDER."
    )


def _trial_column(header: Sequence[str]) -> int | None:
    """Index of the column that names the trial, or None."""
    lower = [name.strip().lower() for name in header]
    return next((lower.index(name) for name in _TRIAL_NAMES if name in lower), None)


def _cell(row: Sequence[str], index: int | None) -> str:
    """A row's cell, empty where the row is shorter."""
    return row[index] if index is not None and index < len(row) else ""


def _settings(header: Sequence[str], rows: Sequence[list[str]]) -> dict[str, ParameterValue]:
    """Settings that a trial's rows repeat in columns such as ``config/lr``."""
    settings: dict[str, ParameterValue] = {}
    for index, name in enumerate(header):
        prefix = next((prefix for prefix in _SETTING_PREFIXES if name.lower().startswith(prefix)), None)
        values = {_cell(row, index) for row in rows}
        if prefix is not None and len(values) == 1:
            settings[name[len(prefix) :]] = as_setting(values.pop())
    return settings
