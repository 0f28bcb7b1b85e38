"""Weights & Biases exports: a chart's CSV, a folder of runs' histories beside the table of runs, and JSON with configurations and histories."""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING, Any, Final

from reports.foreign_sweeps.sweep import ForeignSweep, ForeignTrial, Place, flat, run_of_rows, run_of_series
from reports.logs.fit import RawEpoch
from reports.logs.metric_names import is_known, parse_number
from reports.logs.trial_lines import as_setting

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reports.logs.run import LoggedRun
    from reports.records import ParameterValue

_STEPS: Final = frozenset({"step", "_step", "epoch", "trainer/global_step", "relative time (process)", "wall time"})
_OF_TABLE: Final = frozenset(
    {"name", "state", "notes", "user", "tags", "created", "runtime", "sweep", "id", "description", "commit", "hostname"}
)
_BAND = re.compile(r"__(?:MIN|MAX)$")


def recognises(place: Place) -> bool:
    """Whether a file or folder is an export of runs with histories."""
    path = place.path
    if path is None:
        return False
    if path.is_dir():
        return _runs_table(path) is not None and any(_chart_columns(file) or _is_history(file) for file in path.glob("*.csv"))
    return bool(_chart_columns(path)) or bool(_json_runs(path))


def read(place: Place) -> ForeignSweep:
    """Read an export."""
    path = place.path
    if path is None:
        raise ValueError("a W&B export is a file or folder")
    settings = _settings(path if path.is_dir() else path.parent)
    if path.is_dir():
        charts = [file for file in sorted(path.glob("*.csv")) if _chart_columns(file)]
        runs = _of_charts(charts) if charts else _of_histories(path, settings)
    else:
        exported = _json_runs(path)
        if exported:
            settings = {str(run.get("name") or run.get("id")): flat(run.get("config") or {}) for run in exported}
            runs = {str(run.get("name") or run.get("id")): _of_records(run["history"], path) for run in exported}
        else:
            runs = _of_charts([path])
    trials = tuple(ForeignTrial(name, settings.get(name, {}), run) for name, run in runs.items())
    facts = (
        {}
        if any(trial.params for trial in trials)
        else {"settings": "none are in this export; put the table of runs (CSV) into the same folder"}
    )
    return ForeignSweep(path.resolve().stem, "W&B", place.text, trials, facts=facts)


def _chart_columns(path: Path) -> dict[int, tuple[str, str]]:
    """Column to run and metric of a chart's export (``Step``, ``RUN - METRIC``, ``RUN - METRIC__MIN``, ...); empty for another file."""
    header = _header(path)
    if not header or header[0].strip().lower() not in _STEPS:
        return {}
    found: dict[int, tuple[str, str]] = {}
    for index, name in enumerate(header[1:], 1):
        run, dash, metric = name.rpartition(" - ")
        if dash and is_known(metric) and not _BAND.search(metric):
            found[index] = (run, metric)
    return found


def _of_charts(paths: list[Path]) -> dict[str, LoggedRun | None]:
    """Run to its curves over one or several charts."""
    series: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for path in paths:
        columns = _chart_columns(path)
        for row in _rows(path)[1:]:
            step = parse_number(row[0]) if row else None
            for index, (run, metric) in columns.items():
                number = parse_number(row[index]) if index < len(row) else None
                if step is not None and number is not None:
                    series.setdefault(run, {}).setdefault(metric, []).append((int(step[0]), number[0]))
    return {run: run_of_series(values, source=str(paths[0]), name=run, log_format="W&B chart") for run, values in series.items()}


def _of_histories(folder: Path, settings: Mapping[str, object]) -> dict[str, LoggedRun | None]:
    """Run to its curves from one file each, named after the run."""
    found: dict[str, LoggedRun | None] = {}
    for name in settings:
        path = folder / f"{name}.csv"
        if path.is_file() and _is_history(path):
            header, *rows = _rows(path)
            found[name] = _of_records([dict(zip(header, row, strict=False)) for row in rows], path)
    return found


def _of_records(records: object, path: Path) -> LoggedRun | None:
    """The curves of a history: one record a step, with whatever was logged at it."""
    rows: dict[int, dict[str, str]] = {}
    for number, record in enumerate(records if isinstance(records, list) else []):
        step = next(
            (parse_number(str(record[name])) for name in ("epoch", "_step", "Step", "step") if record.get(name) not in {None, ""}), None
        )
        place = number if step is None else int(step[0])
        values = {str(key): str(value) for key, value in record.items() if is_known(str(key)) and value not in {None, ""}}
        rows.setdefault(place, {}).update(values)
    kept = [RawEpoch(place, rows[place]) for place in sorted(rows) if rows[place]]
    return run_of_rows(kept, source=str(path), name=path.stem, log_format="W&B history")


def _is_history(path: Path) -> bool:
    """Whether a CSV file has a step or epoch and a known metric for each row."""
    header = [name.strip().lower() for name in _header(path)]
    return bool(_STEPS & set(header)) and "name" not in header and any(is_known(name) for name in header)


def _runs_table(folder: Path) -> Path | None:
    """The table of runs: a CSV with a column ``Name``."""
    return next((path for path in sorted(folder.glob("*.csv")) if any(name.strip() == "Name" for name in _header(path))), None)


def _settings(folder: Path) -> dict[str, dict[str, ParameterValue]]:
    """Run to its settings from the table of runs in a folder; final metrics are left out."""
    table = _runs_table(folder)
    if table is None:
        return {}
    header, *rows = _rows(table)
    found: dict[str, dict[str, ParameterValue]] = {}
    for row in rows:
        record = dict(zip(header, row, strict=False))
        found[record["Name"]] = {
            name: as_setting(value)
            for name, value in record.items()
            if value
            and name.strip().lower() not in _OF_TABLE | _STEPS
            and not name.startswith("_")
            and (not is_known(name) or _is_rate(name))
        }
    return found


def _is_rate(name: str) -> bool:
    """Whether a column is the learning rate, which in the table of runs is a setting."""
    return name.strip().lower() in {"lr", "learning_rate"}


def _json_runs(path: Path) -> list[dict[str, Any]]:
    """Runs of a JSON export: a list, or one object a line, each with ``history``; empty for another file."""
    if path.suffix.lower() not in {".json", ".jsonl"}:
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        value = json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return []
    runs = [run for run in value if isinstance(run, dict) and isinstance(run.get("history"), list)]
    return runs if runs and len(runs) == len(value) and all("config" in run or "name" in run for run in runs) else []


def _header(path: Path) -> list[str]:
    """First row of a CSV file; empty for another file."""
    if path.suffix.lower() != ".csv":
        return []
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return next(csv.reader(file), [])


def _rows(path: Path) -> list[list[str]]:
    """All rows of a CSV file."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return list(csv.reader(file))
