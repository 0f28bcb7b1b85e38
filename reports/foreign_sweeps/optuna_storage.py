"""Optuna's storages: a database of any version from 2 on, read with plain queries, and journal files, read by Optuna itself."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from reports.errors import ReportInputError
from reports.foreign_sweeps.database import Database, open_database
from reports.foreign_sweeps.sweep import ForeignSweep, ForeignTrial, Place, run_of_series
from reports.records import ParameterRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from reports.logs.run import LoggedRun
    from reports.records import ParameterValue, TrialState

_STATES: Final[dict[str, TrialState]] = {
    "COMPLETE": "COMPLETE",
    "PRUNED": "PRUNED",
    "FAIL": "FAIL",
    "RUNNING": "RUNNING",
    "WAITING": "WAITING",
}
_PERCENT: Final = 100.0


def recognises_database(place: Place) -> bool:
    """Whether an address is a database with Optuna's tables."""
    if place.url is None:
        return False
    with open_database(place.url) as database:
        return {"studies", "trials", "trial_params"} <= database.tables


def read_database(place: Place) -> ForeignSweep:
    """Read a study from a database.

    Raises:
        ReportInputError: several studies and none is named, or no values were reported while trainings ran.
    """
    with open_database(place.url or "") as database:
        studies = {str(row["study_name"]): row["study_id"] for row in database.rows("studies", "study_id", "study_name")}
        name = _chosen(place, sorted(studies))
        study = studies[name]
        directions = [str(row["direction"]) for row in database.rows("study_directions", "direction", study_id=study)]
        trials = database.rows("trials", "trial_id", "number", "state", study_id=study)
        of_trial = {row["trial_id"]: row for row in trials}
        params, distributions = _params(database, of_trial)
        reported: dict[int, list[tuple[int, float]]] = {}
        for row in database.rows("trial_intermediate_values", "trial_id", "step", "intermediate_value", "intermediate_value_type"):
            if row["trial_id"] in of_trial:
                value = _number(row["intermediate_value"], row.get("intermediate_value_type"))
                reported.setdefault(row["trial_id"], []).append((int(row["step"]), value))
        values = {row["trial_id"]: row["value"] for row in database.rows("trial_values", "trial_id", "value", objective=0)}
    maximize = bool(directions) and directions[0].upper().endswith("MAXIMIZE")
    curves = _curves(reported, maximize=maximize, place=place.text, numbers={key: row["number"] for key, row in of_trial.items()})
    found = tuple(
        ForeignTrial(
            name=f"trial {row['number']}",
            params=params.get(key, {}),
            run=curves.get(key),
            state=_STATES.get(str(row["state"]).rpartition(".")[2], "FAIL"),
            value=_scaled(values.get(key), reported),
        )
        for key, row in sorted(of_trial.items(), key=lambda item: int(item[1]["number"]))
    )
    return ForeignSweep(name, "Optuna", place.text, found, "its value", maximize, _parameters(distributions), _note(curves))


def recognises_journal(place: Place) -> bool:
    """Whether a file is a journal of Optuna's: JSON lines with an operation's code."""
    return place.path is not None and place.path.is_file() and _is_journal(place.path)


def read_journal(place: Place) -> ForeignSweep:
    """Read a study from a journal file.

    Raises:
        ReportInputError: several studies and none is named.
    """
    import optuna
    from optuna.storages.journal import JournalFileBackend

    storage = optuna.storages.JournalStorage(JournalFileBackend(str(place.path)))
    studies = {study.study_name: study for study in storage.get_all_studies()}
    name = _chosen(place, sorted(studies))
    study = studies[name]
    trials = storage.get_all_trials(study._study_id, deepcopy=False)  # noqa: SLF001  # the number that the storage's own interface asks for
    maximize = study.directions[0] == optuna.study.StudyDirection.MAXIMIZE
    reported = {trial.number: sorted(trial.intermediate_values.items()) for trial in trials if trial.intermediate_values}
    curves = _curves(reported, maximize=maximize, place=place.text, numbers={number: number for number in reported})
    distributions = {
        key: json.loads(optuna.distributions.distribution_to_json(item)) for trial in trials for key, item in trial.distributions.items()
    }
    found = tuple(
        ForeignTrial(
            name=f"trial {trial.number}",
            params={key: _setting(value) for key, value in trial.params.items()},
            run=curves.get(trial.number),
            state=_STATES.get(trial.state.name, "FAIL"),
            value=_scaled(trial.values[0] if trial.values else None, reported),
        )
        for trial in trials
    )
    return ForeignSweep(name, "Optuna", place.text, found, "its value", maximize, _parameters(distributions), _note(curves))


def _is_journal(path: Path) -> bool:
    """Whether a file's first line is an operation of Optuna's journal."""
    with path.open("rb") as file:
        line = file.readline(1 << 16)
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "op_code" in value and "worker_id" in value


def _chosen(place: Place, names: Sequence[str]) -> str:
    """The study that is meant."""
    if place.study in names:
        return str(place.study)
    if len(names) == 1 and place.study is None:
        return names[0]
    shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")  # noqa: PLR2004
    wanted = "one study" if place.study is None else f"study {place.study!r}"
    raise ReportInputError(
        f"{place.text}: expected {wanted}, found {len(names)}: {shown or 'none'}. Name one: steadysweep report STUDY --storage {place.url or place.text}"
    )


def _curves(
    reported: Mapping[int, Sequence[tuple[int, float]]], *, maximize: bool, place: str, numbers: Mapping[int, int]
) -> dict[int, LoggedRun]:
    """Trial to its run. Optuna keeps values without a name: maximised within [0, 1] or [0, 100] they are read as validation accuracy."""
    metric = "val_accuracy" if maximize else "val_loss"
    found: dict[int, LoggedRun] = {}
    largest = max((value for values in reported.values() for _, value in values if math.isfinite(value)), default=0.0)
    lowest = min((value for values in reported.values() for _, value in values if math.isfinite(value)), default=0.0)
    if maximize and not (lowest >= 0.0 and largest <= _PERCENT):
        raise ReportInputError(
            f"{place}: Optuna's reported values reach from {lowest:.4g} to {largest:.4g} and are maximised: no accuracy, as fraction or in percent, and "
            "no loss. Only accuracies and losses can be judged; report validation accuracy by trial.report."
        )
    scale = _scale(reported) if maximize else 1.0
    for key, values in reported.items():
        series = {metric: [(step, value * scale) for step, value in values]}
        run = run_of_series(series, source=place, name=f"trial {numbers[key]}", log_format="Optuna's intermediate values")
        if run is not None:
            found[key] = run
    return found


def _scale(reported: Mapping[int, Sequence[tuple[int, float]]]) -> float:
    """What brings reported accuracies to fractions."""
    largest = max((value for values in reported.values() for _, value in values if math.isfinite(value)), default=0.0)
    return 1.0 / _PERCENT if largest > 1.0 else 1.0


def _scaled(value: Any, reported: Mapping[int, Sequence[tuple[int, float]]]) -> float | None:  # noqa: ANN401  # a database's number
    """A trial's final value on the scale of its curve, or None."""
    if value is None:
        return None
    return float(value) * (_scale(reported) if float(value) > 1.0 else 1.0)


def _note(curves: Mapping[int, LoggedRun]) -> dict[str, str]:
    """What a reader should know about values without a name."""
    return {"curves": "the values that trials reported (trial.report), which Optuna keeps without a metric's name"} if curves else {}


def _number(value: Any, kind: Any) -> float:  # noqa: ANN401  # a database's cells
    """A reported value; Optuna writes what is no finite number as a word beside it."""
    word = str(kind or "").rpartition(".")[2].upper()
    return {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}.get(word, math.nan if value is None else float(value))


def _params(database: Database, trials: Mapping[int, object]) -> tuple[dict[int, dict[str, ParameterValue]], dict[str, dict[str, Any]]]:
    """Trial to its parameters, and parameter to the distribution it was drawn from."""
    params: dict[int, dict[str, ParameterValue]] = {}
    distributions: dict[str, dict[str, Any]] = {}
    for row in database.rows("trial_params", "trial_id", "param_name", "param_value", "distribution_json"):
        if row["trial_id"] not in trials:
            continue
        distribution = json.loads(row["distribution_json"])
        distributions[row["param_name"]] = distribution
        params.setdefault(row["trial_id"], {})[row["param_name"]] = _value(float(row["param_value"]), distribution)
    return params, distributions


def _value(stored: float, distribution: Mapping[str, Any]) -> ParameterValue:
    """A parameter's value from what Optuna stores: the index of a choice, or a number."""
    choices = distribution.get("attributes", {}).get("choices")
    if choices is not None:
        return _setting(choices[int(stored)])
    return int(stored) if str(distribution.get("name", "")).startswith("Int") else stored


def _setting(value: object) -> ParameterValue:
    """A parameter's value as a setting: what is neither number nor text becomes text."""
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)


def _parameters(distributions: Mapping[str, Mapping[str, Any]]) -> tuple[ParameterRecord, ...]:
    """The searched space as Optuna's distributions describe it."""
    found = []
    for name, distribution in distributions.items():
        kind, attributes = str(distribution.get("name", "")), distribution.get("attributes", {})
        if "choices" in attributes:
            found.append(ParameterRecord(name, "choice", labels=tuple(str(choice) for choice in attributes["choices"])))
        else:
            log = bool(attributes.get("log")) or "Log" in kind
            found.append(
                ParameterRecord(
                    name, "int" if kind.startswith("Int") else "float", log, float(attributes["low"]), float(attributes["high"])
                )
            )
    return tuple(found)
