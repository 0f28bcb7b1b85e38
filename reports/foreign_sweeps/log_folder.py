"""A folder of logs with settings beside them: ``run3/history.csv`` and ``run3/config.yaml``, or ``run3.csv`` and ``run3.json``."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from reports.errors import ReportInputError
from reports.foreign_sweeps.sweep import ForeignSweep, ForeignTrial, Place, flat
from reports.logs.read import read_log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from reports.records import ParameterValue

_SETTINGS: Final = (".json", ".yaml", ".yml")
_LOGS: Final = (".csv", ".tsv", ".log", ".txt", ".json", ".jsonl")
_LARGEST_SETTINGS: Final = 1 << 20
_MOST_SETTINGS: Final = 10_000
"""Values of one settings file; YAML's aliases make ever more of a few lines."""
_FEWEST: Final = 2
_MOST_TRIED: Final = 20


def recognises(place: Place) -> bool:
    """Whether a folder holds at least two logs with settings of their own."""
    return place.path is not None and place.path.is_dir() and len(_pairs(place.path)) >= _FEWEST


def lie_in(folder: Path) -> bool:
    """Whether logs with settings beside them lie in a folder itself, not below it."""
    return any(log.parent == folder for _, log, _ in _pairs(folder))


def recognises_without_settings(place: Place) -> bool:
    """Whether a folder holds at least two logs, and no settings beside them."""
    return place.path is not None and place.path.is_dir() and len(_logs_alone(place.path, _FEWEST)) >= _FEWEST


def read(place: Place) -> ForeignSweep:
    """Read every log that has settings beside it; one that cannot be read is a failed trial, with the reason."""
    return _read(place, _pairs(_folder(place)), "logs with settings", {})


def read_without_settings(place: Place) -> ForeignSweep:
    """Read every log of a folder, named after its file: curves can be ranked without settings, but nothing can be said about what matters."""
    logs: list[tuple[str, Path, dict[str, ParameterValue]]] = [(path.stem, path, {}) for path in _logs_alone(_folder(place))]
    return _read(
        place, logs, "logs", {"settings": "none can be read beside the logs; RUN.json or RUN.yaml beside RUN.csv would say what differs"}
    )


def _folder(place: Place) -> Path:
    if place.path is None:
        raise ValueError("logs lie in a folder")
    return place.path


def _logs_alone(folder: Path, enough: int | None = None) -> list[Path]:
    """Files of a folder that hold trainings; at most `enough`, looked for among the first twenty."""
    found: list[Path] = []
    candidates = [path for path in sorted(folder.iterdir()) if _may_be_log(path) and "tfevents" not in path.name]
    for path in candidates if enough is None else candidates[:_MOST_TRIED]:
        if len(found) == enough:
            break
        with suppress(ReportInputError):
            if any(run.num_epochs > 1 for run in read_log(path)):
                found.append(path)
    return found


def _read(place: Place, logs: Sequence[tuple[str, Path, dict[str, ParameterValue]]], tool: str, facts: Mapping[str, str]) -> ForeignSweep:
    """A trial of every training in some logs."""
    trials = []
    for name, log, params in logs:
        try:
            runs = read_log(log)
        except ReportInputError:
            runs = ()
        label = name if len(runs) < _FEWEST else f"{name}, "
        for run in runs or (None,):
            own = label if run is None or len(runs) < _FEWEST else f"{label}{run.name}"
            trials.append(ForeignTrial(own, params, run, "COMPLETE" if run is not None else "FAIL"))
    return ForeignSweep(_folder(place).resolve().name, tool, place.text, tuple(trials), facts=facts)


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
    if not isinstance(value, dict) or any(_is_column(item) for item in value.values()) or not _is_small(value):
        return None
    return flat({str(key): item for key, item in value.items()})


def _is_small(value: object) -> bool:
    """Whether a value has no more parts than settings have; of a larger one no more than that are looked at."""
    parts, number = [value], 0
    while parts and number <= _MOST_SETTINGS:
        part = parts.pop()
        number += 1
        if isinstance(part, dict | list):
            parts.extend(itertools.islice(part.values() if isinstance(part, dict) else part, _MOST_SETTINGS + 1))
    return number <= _MOST_SETTINGS


def _is_column(item: object) -> bool:
    """Whether a value is a column of figures, as in ``history.history``."""
    return isinstance(item, list) and len(item) >= _FEWEST and all(isinstance(each, float) for each in item)
