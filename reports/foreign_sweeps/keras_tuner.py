"""KerasTuner's project: settings and scores in ``trial_*/trial.json``, curves in the logs that its TensorBoard or CSV callbacks wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from reports.errors import ReportInputError
from reports.foreign_sweeps.shared_log import BestEpoch, trainings_in
from reports.foreign_sweeps.sweep import ForeignSweep, ForeignTrial, Place, flat, run_of_rows
from reports.logs.read import read_log
from reports.records import ParameterRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from reports.logs.run import LoggedRun
    from reports.records import ParameterValue, TrialState

_STATES: Final[dict[str, TrialState]] = {
    "COMPLETED": "COMPLETE",
    "FAILED": "FAIL",
    "INVALID": "FAIL",
    "RUNNING": "RUNNING",
    "STOPPED": "PRUNED",
}
_LOGS: Final = ("*tfevents*", "*.csv", "*.json", "*.log")
_OWN_FILES: Final = frozenset({"trial.json", "oracle.json", "build_config.json"})


def recognises(place: Place) -> bool:
    """Whether a folder is a project of KerasTuner, or holds one one folder below."""
    return place.path is not None and place.path.is_dir() and _project(place.path) is not None


def read(place: Place) -> ForeignSweep:
    """Read a project.

    Raises:
        ReportInputError: no trial has a log beside its score.
    """
    folder = place.path
    project = None if folder is None else _project(folder)
    if folder is None or project is None:
        raise ValueError("a KerasTuner project is a folder with oracle.json")
    oracle = _json(project / "oracle.json")
    found = [_trial(path, _logs_of(path.parent, folder)) for path in _in_order(project, oracle)]
    trials = tuple(trial for trial, _ in found)
    if not any(trial.run is not None for trial in trials):
        trials = _from_shared_log(trials, project, oracle, folder) or trials
    if not any(trial.run is not None for trial in trials):
        raise ReportInputError(f"{place.text}: {_no_curves(folder)}")
    directions = [direction for _, direction in found if direction]
    return ForeignSweep(
        name=project.resolve().name,
        tool="KerasTuner",
        place=place.text,
        trials=trials,
        rule="its best epoch",
        maximize=directions[0] == "max" if directions else None,
        parameters=_space(oracle.get("hyperparameters")),
    )


def _project(folder: Path) -> Path | None:
    """The project's folder: this one, or the only one below that has an oracle."""
    if (folder / "oracle.json").is_file():
        return folder
    below = sorted(path.parent for path in folder.glob("*/oracle.json"))
    return below[0] if len(below) == 1 else None


def _in_order(project: Path, oracle: Mapping[str, Any]) -> list[Path]:
    """Files of the trials in the order in which they began, as far as the oracle knows it."""
    order = [str(identifier) for identifier in oracle.get("start_order") or ()]
    files = {path.parent.name.removeprefix("trial_"): path for path in sorted(project.glob("trial_*/trial.json"))}
    return [files.pop(identifier) for identifier in order if identifier in files] + list(files.values())


def _no_curves(folder: Path) -> str:
    """Why a project has no curves, and what would have."""
    tables = ", ".join(sorted(path.name for path in folder.rglob("*.csv"))[:3])
    shared = (
        f" {tables} has no curves that can be given to the trials: a CSVLogger without append=True begins its file anew with each trial, and the "
        "lines of parallel trials cannot be told apart."
        if tables
        else ""
    )
    return (
        "KerasTuner keeps the best epoch of each trial alone, which is no learning curve, and no logs of its trials lie in or below this folder."
        f"{shared} Search with callbacks=[keras.callbacks.TensorBoard('{folder}/logs')], or CSVLogger('{folder}/log.csv', append=True) with one trial "
        "at a time, and give the folder that holds both; or give the console's output."
    )


def _from_shared_log(
    trials: Sequence[ForeignTrial], project: Path, oracle: Mapping[str, Any], folder: Path
) -> tuple[ForeignTrial, ...] | None:
    """The trials with the curves of a table that all of them wrote to; each execution is a training of its own. None where none has half of them."""
    kept = [_best_epoch(_json(path)) for path in _in_order(project, oracle)]
    known = [best for best in kept if best is not None]
    for file in sorted(folder.rglob("*.csv")):
        found = iter(trainings_in(file, known))
        of_trials = [next(found) if best is not None else [] for best in kept]
        if not known or sum(map(bool, of_trials)) < len(known) / 2:
            continue
        return tuple(
            replace(trial, name=trial.name + (f", execution {number}" if number > 1 else ""), run=run_of_rows(
                stretch, source=str(file), name=trial.name, log_format="a CSVLogger shared by all trials"
            ) if stretch else None)
            for trial, stretches in zip(trials, of_trials, strict=True)
            for number, stretch in enumerate(stretches or [[]], 1)
        )  # fmt: skip
    return None


def _best_epoch(content: Mapping[str, Any]) -> BestEpoch | None:
    """What a trial's file says of its best epoch; None for a trial without a score."""
    score, metrics = content.get("score"), content.get("metrics")
    of_names = metrics.get("metrics", {}) if isinstance(metrics, dict) else {}
    figures = {
        name: float(observed[0]["value"][0])
        for name, metric in of_names.items()
        if (observed := metric.get("observations")) and observed[0].get("value")
    }
    objective = next((name for name in sorted(figures, key=lambda name: not name.startswith("val_")) if figures[name] == score), None)
    if objective is None:
        return None
    settings = content.get("hyperparameters")
    values = settings.get("values", {}) if isinstance(settings, dict) else {}
    return BestEpoch(
        figures,
        objective,
        of_names[objective].get("direction") != "min",
        int(values.get("tuner/initial_epoch") or 0),
        int(values["tuner/epochs"]) if values.get("tuner/epochs") else None,
    )


def _trial(path: Path, run: LoggedRun | None) -> tuple[ForeignTrial, str]:
    """One trial, and the direction of its objective."""
    content = _json(path)
    settings = content.get("hyperparameters")
    values = settings.get("values", {}) if isinstance(settings, dict) else {}
    params: dict[str, ParameterValue] = {name: value for name, value in flat(values).items() if not name.startswith("tuner/")}
    score = content.get("score")
    name = f"trial {content.get('trial_id', path.parent.name.removeprefix('trial_'))}"
    state = _STATES.get(str(content.get("status")), "FAIL")
    value = float(score) if isinstance(score, int | float) else None
    return ForeignTrial(name, params, run, state, value), _direction(content, value)


def _direction(content: dict[str, Any], score: float | None) -> str:
    """Direction of the metric whose best observation is the score, or an empty text."""
    metrics = content.get("metrics")
    of_names = metrics.get("metrics", {}) if isinstance(metrics, dict) else {}
    validated = sorted(of_names.items(), key=lambda item: not item[0].startswith("val_"))
    for _, metric in validated:
        seen = [value for each in metric.get("observations", ()) for value in each.get("value", ())]
        if score is not None and score in seen:
            return str(metric.get("direction", ""))
    return ""


def _logs_of(trial: Path, folder: Path) -> LoggedRun | None:
    """The first log in which the trial's ID is a folder's or file's name: callbacks write to ``LOGS/TRIAL_ID/execution0``."""
    identifier = trial.name.removeprefix("trial_")
    names = {identifier, trial.name}
    logs = [
        path
        for pattern in _LOGS
        for path in sorted(folder.rglob(pattern))
        if path.name not in _OWN_FILES and names & {*path.relative_to(folder).parts, path.stem}
    ]
    for path in logs:
        place = path.parent.parent if "tfevents" in path.name and path.parent.name in {"train", "validation"} else path
        try:
            runs = read_log(place)
        except ReportInputError:
            continue
        if any(name.startswith("val_") for run in runs for name in run.curves):
            return next(run for run in runs if any(name.startswith("val_") for name in run.curves))
    return None


def _space(hyperparameters: object) -> tuple[ParameterRecord, ...]:
    """The searched space as KerasTuner's oracle describes it."""
    space = hyperparameters.get("space", []) if isinstance(hyperparameters, dict) else []
    found = []
    for entry in space:
        kind, config = str(entry.get("class_name", "")), entry.get("config", {})
        name = str(config.get("name", ""))
        if kind in {"Int", "Float"} and config.get("min_value") is not None and config.get("max_value") is not None:
            low, high = float(config["min_value"]), float(config["max_value"])
            found.append(ParameterRecord(name, "int" if kind == "Int" else "float", config.get("sampling") == "log", low, high))
        elif kind in {"Choice", "Boolean"}:
            values = config.get("values") or [False, True]
            found.append(ParameterRecord(name, "ordinal" if config.get("ordered") else "choice", labels=tuple(map(str, values))))
    return tuple(found)


def _json(path: Path) -> dict[str, Any]:
    """A JSON file's object; empty when it is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
