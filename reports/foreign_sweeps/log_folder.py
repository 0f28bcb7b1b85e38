"""A folder of logs with settings beside them: ``run3/history.csv`` and ``run3/config.yaml``, or ``run3.csv`` and ``run3.json``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from reports.errors import ReportInputError
from reports.foreign_sweeps.sweep import ForeignSweep, ForeignTrial, Place, flat
from reports.logs.read import read_log

if TYPE_CHECKING:
    from pathlib import Path

    from reports.records import ParameterValue

_SETTINGS: Final = (".json", ".yaml", ".yml")
_LOGS: Final = (".csv", ".tsv", ".log", ".txt", ".json", ".jsonl")
_LARGEST_SETTINGS: Final = 1 << 20
_FEWEST: Final = 2


def recognises(place: Place) -> bool:
    """Whether a folder holds at least two logs with settings of their own."""
    return place.path is not None and place.path.is_dir() and len(_pairs(place.path)) >= _FEWEST


def read(place: Place) -> ForeignSweep:
    """Read every log that has settings beside it; one that cannot be read is a failed trial, with the reason."""
    folder = place.path
    if folder is None:
        raise ValueError("logs with settings lie in a folder")
    trials = []
    for name, log, params in _pairs(folder):
        try:
            runs = read_log(log)
        except ReportInputError:
            runs = ()
        label = name if len(runs) < _FEWEST else f"{name}, "
        for run in runs or (None,):
            own = label if run is None or len(runs) < _FEWEST else f"{label}{run.name}"
            trials.append(ForeignTrial(own, params, run, "COMPLETE" if run is not None else "FAIL"))
    return ForeignSweep(folder.resolve().name, "logs with settings", place.text, tuple(trials))


def _pairs(folder: Path) -> list[tuple[str, Path, dict[str, ParameterValue]]]:
    """Name, log and settings of each training: a file and its settings of the same stem, or a folder with one of each."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            settings = [(file, params) for file in sorted(path.iterdir()) if (params := _settings(file)) is not None]
            logs = [file for file in sorted(path.iterdir()) if _may_be_log(file) and file not in {each for each, _ in settings}]
            if settings and len(logs) == 1:
                found.append((path.name, logs[0], {key: value for _, params in settings for key, value in params.items()}))
        elif _may_be_log(path):
            beside = [path.with_suffix(suffix) for suffix in _SETTINGS if path.with_suffix(suffix) != path]
            params = next((params for file in beside if (params := _settings(file)) is not None), None)
            if params is not None and _settings(path) is None:
                found.append((path.stem, path, params))
    return found


def _may_be_log(path: Path) -> bool:
    """Whether a file's name may be a log's; its content decides later."""
    return path.is_file() and (path.suffix.lower() in _LOGS or "tfevents" in path.name)


def _settings(path: Path) -> dict[str, ParameterValue] | None:
    """Settings in a JSON or YAML file: an object whose values are no columns of figures; None for another file."""
    if path.suffix.lower() not in _SETTINGS or not path.is_file() or path.stat().st_size > _LARGEST_SETTINGS:
        return None
    text = path.read_text(encoding="utf-8", errors="replace")
    value: object
    try:
        if path.suffix.lower() == ".json":
            value = json.loads(text)
        else:
            import yaml

            value = yaml.safe_load(text)
    except (ValueError, RecursionError):
        return None
    except Exception as error:  # YAML's own errors, e.g. a tag that would make an object: it is not made
        if type(error).__module__.partition(".")[0] != "yaml":
            raise
        return None
    if not isinstance(value, dict) or any(_is_column(item) for item in value.values()):
        return None
    return flat({str(key): item for key, item in value.items()})


def _is_column(item: object) -> bool:
    """Whether a value is a column of figures, as in ``history.history``."""
    return isinstance(item, list) and len(item) >= _FEWEST and all(isinstance(each, float) for each in item)
