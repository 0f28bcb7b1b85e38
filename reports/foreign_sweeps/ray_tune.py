"""Ray Tune's experiment folder: a folder a trial, with ``result.json`` or ``progress.csv``, ``params.json`` and event files."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reports.foreign_sweeps.sweep import ForeignSweep, ForeignTrial, Place, flat, run_of_rows
from reports.logs.event_folder import read_event_folder
from reports.logs.fit import RawEpoch
from reports.logs.history import parse_json_lines, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from reports.records import ParameterValue, TrialState

_RESULTS: Final = ("result.json", "progress.csv", "params.json")
_STATES: Final[dict[str, TrialState]] = {"ERROR": "FAIL", "RUNNING": "RUNNING", "PENDING": "WAITING", "PAUSED": "WAITING"}
_NO_METRICS: Final = (
    "config",
    "trial_id",
    "date",
    "done",
    "hostname",
    "node_ip",
    "pid",
    "timestamp",
    "checkpoint_dir_name",
    "experiment_id",
)


def recognises(place: Place) -> bool:
    """Whether a folder holds trials of Ray Tune."""
    return place.path is not None and place.path.is_dir() and bool(_trial_folders(place.path))


def read(place: Place) -> ForeignSweep:
    """Read an experiment. ``params.pkl`` and ``tuner.pkl`` are never opened: loading a pickle runs code."""
    folder = place.path
    if folder is None:
        raise ValueError("a Ray Tune experiment is a folder")
    folders = _trial_folders(folder)
    states = _states(folder)
    trials = _short_names(tuple(_trial(each, states) for each in folders))
    longest = max((trial.run.num_epochs for trial in trials if trial.run is not None), default=0)
    return ForeignSweep(
        name=folder.resolve().name,
        tool="Ray Tune",
        place=place.text,
        trials=tuple(_as_pruned(trial, longest) for trial in trials),
        rule="its last value",
    )


def _short_names(trials: tuple[ForeignTrial, ...]) -> tuple[ForeignTrial, ...]:
    """Trials with the number that ends Ray Tune's IDs (``6636a_00012``, trial 12) as name, where those differ."""
    numbers = [trial.name.rpartition("_")[2] for trial in trials]
    if not all(number.isdigit() for number in numbers) or len(set(numbers)) < len(numbers):
        return trials
    return tuple(replace(trial, name=f"trial {int(number)}") for trial, number in zip(trials, numbers, strict=True))


def _as_pruned(trial: ForeignTrial, longest: int) -> ForeignTrial:
    """A trial that ended before the longest one as pruned: Ray Tune does not record which trials its scheduler stopped."""
    if trial.state != "COMPLETE" or trial.run is None or trial.run.num_epochs >= longest:
        return trial
    return replace(trial, state="PRUNED")


def _trial_folders(folder: Path) -> list[Path]:
    """Folders of trials in an experiment's folder, or the folder itself when it is one trial's."""
    return sorted(path.parent for path in {*folder.glob("params.json"), *folder.glob("*/params.json")} if _has_results(path.parent))


def _has_results(folder: Path) -> bool:
    """Whether a folder has what a trial of Ray Tune reports."""
    return any((folder / name).is_file() for name in _RESULTS[:2]) or any(folder.glob("events.out.tfevents*"))


def _trial(folder: Path, states: dict[str, TrialState]) -> ForeignTrial:
    """One trial from its folder."""
    rows, identifier = _rows(folder)
    name = identifier or folder.name
    run = run_of_rows(rows, source=str(folder), name=name, log_format="Ray Tune results")
    state = "FAIL" if (folder / "error.txt").is_file() else states.get(name, "COMPLETE")
    return ForeignTrial(name, _params(folder), run, state)


def _rows(folder: Path) -> tuple[list[RawEpoch], str]:
    """Reports of a trial, one an iteration, and its ID; from the first of its files that has any."""
    records = _result_lines(folder / "result.json")
    if records:
        rows = [
            RawEpoch(
                int(str(record.get("training_iteration", number))),
                {key: str(value) for key, value in record.items() if key not in _NO_METRICS and isinstance(value, str | int | float)},
            )
            for number, record in enumerate(records, 1)
        ]
        return _latest(rows), str(records[-1].get("trial_id", ""))
    progress = folder / "progress.csv"
    if progress.is_file():
        fits = read_table(progress.read_text(encoding="utf-8", errors="replace"), ",")
        rows = [row for fit in fits for row in fit.rows]
        return _latest(rows), next((row.values["trial_id"] for row in rows if "trial_id" in row.values), "")
    fits = read_event_folder(folder)
    return (fits[0].rows if fits else []), ""


def _latest(rows: list[RawEpoch]) -> list[RawEpoch]:
    """One row an iteration: of a trial that was restored from a checkpoint the later one counts."""
    by_number = {row.epoch: row for row in rows}
    return [by_number[number] for number in sorted(by_number, key=lambda number: number or 0)]


def _result_lines(path: Path) -> list[dict[str, object]]:
    """Records of ``result.json``, one JSON object a line; a last line that is cut is left out."""
    if not path.is_file():
        return []
    values = parse_json_lines(path.read_text(encoding="utf-8", errors="replace"))
    return [value for value in values or [] if isinstance(value, dict)]


def _params(folder: Path) -> dict[str, ParameterValue]:
    """A trial's settings, flattened."""
    try:
        value = json.loads((folder / "params.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return flat(value) if isinstance(value, dict) else {}


def _states(folder: Path) -> dict[str, TrialState]:
    """Trial ID to how it ended, from the newest ``experiment_state-*.json``; trials that terminated are left out."""
    files = sorted(folder.glob("experiment_state-*.json"))
    try:
        content = json.loads(files[-1].read_text(encoding="utf-8")) if files else {}
    except (OSError, ValueError, RecursionError):
        return {}
    found: dict[str, TrialState] = {}
    entries = content.get("trial_data", []) if isinstance(content, dict) else []
    for entry in entries:
        first = entry[0] if isinstance(entry, list) and entry else entry
        try:
            trial = json.loads(first) if isinstance(first, str) else first
        except (ValueError, RecursionError):
            continue
        if isinstance(trial, dict) and trial.get("status") in _STATES:
            found[str(trial.get("trial_id"))] = _STATES[str(trial["status"])]
    return found
