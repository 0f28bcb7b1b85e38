"""MLflow's stores: the folder ``mlruns`` and its databases, read without MLflow."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from reports.errors import ReportInputError
from reports.foreign_sweeps.database import open_database
from reports.foreign_sweeps.sweep import ForeignSweep, ForeignTrial, Place, run_of_series
from reports.logs.trial_lines import as_setting

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reports.records import ParameterValue, TrialState

_STATES: Final[dict[str, TrialState]] = {
    "FINISHED": "COMPLETE", "3": "COMPLETE", "FAILED": "FAIL", "4": "FAIL", "KILLED": "PRUNED", "5": "PRUNED", "RUNNING": "RUNNING", "1": "RUNNING",
}  # fmt: skip
"""How a run ended, as databases and as ``meta.yaml`` spell it."""


def recognises_folder(place: Place) -> bool:
    """Whether a folder is MLflow's, or that of one experiment."""
    return place.path is not None and place.path.is_dir() and bool(_experiments(place.path))


def read_folder(place: Place) -> ForeignSweep:
    """Read an experiment from a folder.

    Raises:
        ReportInputError: several experiments and none is named.
    """
    if place.path is None:
        raise ValueError("an MLflow store is a folder")
    experiments = {_meta(folder).get("name", folder.name): folder for folder in _experiments(place.path)}
    name = _chosen(place, experiments)
    trials = []
    for folder in sorted(path.parent for path in experiments[name].glob("*/metrics") if path.is_dir()):
        meta = _meta(folder)
        if meta.get("lifecycle_stage", "active") != "active":
            continue
        series = {
            str(path.relative_to(folder / "metrics")): _series(path) for path in sorted((folder / "metrics").rglob("*")) if path.is_file()
        }
        params = {
            path.name: as_setting(path.read_text(encoding="utf-8")) for path in sorted((folder / "params").glob("*")) if path.is_file()
        }
        label = meta.get("run_name") or meta.get("name") or folder.name
        trials.append((int(meta.get("start_time") or 0), _trial(place, label, folder.name, params, series, meta.get("status", ""))))
    return _sweep(place, name, [trial for _, trial in sorted(trials, key=lambda item: item[0])])


def recognises_database(place: Place) -> bool:
    """Whether an address is a database with MLflow's tables."""
    if place.url is None:
        return False
    with open_database(place.url) as database:
        return {"runs", "metrics", "params", "experiments"} <= database.tables


def read_database(place: Place) -> ForeignSweep:
    """Read an experiment from a database.

    Raises:
        ReportInputError: several experiments have runs and none is named.
    """
    with open_database(place.url or "") as database:
        runs = database.rows("runs", "run_uuid", "name", "status", "start_time", "experiment_id", lifecycle_stage="active")
        with_runs = {run["experiment_id"] for run in runs}
        experiments = {
            str(row["name"]): row["experiment_id"]
            for row in database.rows("experiments", "experiment_id", "name")
            if row["experiment_id"] in with_runs
        }
        name = _chosen(place, experiments)
        series: dict[str, dict[str, list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
        for row in sorted(
            database.rows("metrics", "run_uuid", "key", "value", "step", "timestamp", "is_nan"), key=lambda row: row["timestamp"]
        ):
            series[row["run_uuid"]][row["key"]].append((int(row["step"]), math.nan if row.get("is_nan") else float(row["value"])))
        params: dict[str, dict[str, ParameterValue]] = defaultdict(dict)
        for row in database.rows("params", "run_uuid", "key", "value"):
            params[row["run_uuid"]][row["key"]] = as_setting(str(row["value"]))
    trials = [
        _trial(
            place,
            str(run["name"] or run["run_uuid"]),
            run["run_uuid"],
            params[run["run_uuid"]],
            series[run["run_uuid"]],
            str(run["status"]),
        )
        for run in sorted(runs, key=lambda run: run["start_time"] or 0)
        if run["experiment_id"] == experiments[name]
    ]
    return _sweep(place, name, trials)


def _chosen(place: Place, experiments: Mapping[str, object]) -> str:
    """The experiment that is meant."""
    if place.study is not None and place.study in experiments:
        return place.study
    if len(experiments) == 1 and place.study is None:
        return next(iter(experiments))
    wanted = "one experiment" if place.study is None else f"experiment {place.study!r}"
    raise ReportInputError(
        f"{place.text}: expected {wanted}, found {len(experiments)}: {', '.join(sorted(experiments)) or 'none'}. Name one: "
        f"steadysweep report EXPERIMENT --storage {place.text}"
    )


def _trial(
    place: Place,
    label: str,
    identifier: str,
    params: Mapping[str, ParameterValue],
    series: Mapping[str, list[tuple[int, float]]],
    status: str,
) -> ForeignTrial:
    """One run as a trial; its ID stands beside its name, which MLflow does not keep unique."""
    name = f"{label} ({identifier[:8]})" if label != identifier else identifier
    run = run_of_series(series, source=place.text, name=name, log_format="MLflow metrics")
    return ForeignTrial(name, params, run, _STATES.get(status, "COMPLETE"))


def _sweep(place: Place, name: str, trials: list[ForeignTrial]) -> ForeignSweep:
    """An experiment's runs as a sweep; a parent run that logged no metric is no trial."""
    return ForeignSweep(name, "MLflow", place.text, tuple(trial for trial in trials if trial.run is not None))


def _experiments(folder: Path) -> list[Path]:
    """Experiments in a folder that have runs: folders with ``meta.yaml`` and runs with ``metrics`` below."""
    candidates = [folder, *sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))]
    return [path for path in candidates if (path / "meta.yaml").is_file() and any(path.glob("*/metrics"))]


def _meta(folder: Path) -> dict[str, str]:
    """The plain entries of ``meta.yaml``, as texts."""
    path = folder / "meta.yaml"
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        key, colon, value = line.partition(":")
        if colon and not key.startswith((" ", "-")):
            found[key] = value.strip().strip("'\"")
    return found


def _series(path: Path) -> list[tuple[int, float]]:
    """Step and value of a metric's file: lines of ``timestamp value step``."""
    found: list[tuple[int, float]] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        parts = line.split()
        try:
            found.append((int(parts[2]) if len(parts) > 2 else len(found), float(parts[1])))  # noqa: PLR2004
        except (IndexError, ValueError):
            continue
    return found
