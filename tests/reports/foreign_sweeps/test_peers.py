"""Sweeps of the real tools: every curve and setting, the tool's winner and what it keeps, refusals of what has no curves."""

from __future__ import annotations

import pickle
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from peers import EPOCHS, RATES, accuracy

from reports.errors import ReportInputError
from reports.foreign_sweeps import read_foreign_sweep, study_record
from reports.foreign_sweeps.shared_log import BestEpoch, trainings_in
from reports.verdict import build_report_data

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reports.records import StudyRecord
    from tests.conftest import PostgresServer

SWINGS = RATES[2]


def record(place: Path | str, study: str | None = None) -> StudyRecord:
    sweep = read_foreign_sweep(str(place), study=study)
    assert sweep is not None
    return study_record(sweep)


def curve(rate: float, epochs: int = EPOCHS) -> list[float]:
    return [pytest.approx(accuracy(rate, epoch)) for epoch in range(epochs)]


def test_ray_tune(peer: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = peer("ray") / "experiment"
    monkeypatch.setattr(pickle, "load", None)
    monkeypatch.setattr(pickle, "loads", None)

    study = record(folder)

    by_rate = {trial.params["lr"]: trial for trial in study.trials}
    assert {rate: trial.curves["val_accuracy"].tolist() for rate, trial in by_rate.items()} == {
        RATES[0]: curve(RATES[0], 5),
        RATES[1]: curve(RATES[1]),
        RATES[2]: curve(RATES[2]),
    }
    assert {rate: trial.state for rate, trial in by_rate.items()} == {RATES[0]: "FAIL", RATES[1]: "COMPLETE", RATES[2]: "COMPLETE"}
    assert study.facts["the same in every trial"] == "model.units: 8"
    data = build_report_data(study)
    assert data.configurations[0].params["lr"] == RATES[1]
    assert data.verdict.best_epoch.startswith(f"Ray Tune chooses {by_rate[RATES[1]].configuration} by its last value")


def test_ray_tunes_csv_and_event_files_serve_as_well(peer: Callable[[str], Path], tmp_path: Path) -> None:
    import shutil

    for kept in ("progress.csv", "events"):
        folder = tmp_path / kept
        shutil.copytree(peer("ray") / "experiment", folder)
        for path in folder.glob("*/*"):
            if path.is_file() and path.name != "params.json" and not path.name.startswith(kept):
                path.unlink()

        curves = {trial.params["lr"]: trial.curves["val_accuracy"].tolist() for trial in record(folder).trials}

        assert curves[SWINGS] == curve(SWINGS), kept


@pytest.mark.parametrize("file", ["optuna.db", "optuna.journal"])
def test_optuna(file: str, peer: Callable[[str], Path]) -> None:
    before = (peer("optuna") / file).read_bytes()

    study = record(peer("optuna") / file)

    assert (study.name, study.metric) == ("cnn", "val_accuracy")
    assert [trial.params["lr"] for trial in study.trials] == [*RATES, 0.003]
    assert [trial.state for trial in study.trials] == ["COMPLETE", "COMPLETE", "PRUNED", "COMPLETE"]
    assert study.trials[1].curves["val_accuracy"].tolist() == curve(RATES[1])
    assert [(p.name, p.kind, p.log, p.low, p.high, p.labels) for p in study.parameters] == [
        ("lr", "float", True, 1e-4, 1e-1, ()),
        ("optimizer", "choice", False, None, None, ("adam", "sgd")),
    ]
    assert study.peer_winner.trial == "trial 1"
    assert (peer("optuna") / file).read_bytes() == before, "nothing is written"


def test_optuna_in_postgresql(postgres: PostgresServer) -> None:
    import optuna

    study = optuna.create_study(study_name="shared", storage=postgres.url, direction="minimize")
    losses = [0.9, 0.5, 0.4, 0.6, 0.3]
    for rate in RATES:
        distributions = {"lr": optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True)}
        reported = {epoch: loss + rate for epoch, loss in enumerate(losses)}
        study.add_trial(
            optuna.trial.create_trial(params={"lr": rate}, distributions=distributions, value=0.3, intermediate_values=reported)
        )

    record_of_it = record(postgres.url, "shared")

    assert (record_of_it.metric, record_of_it.maximize) == ("val_loss", False)
    assert record_of_it.trials[2].curves["val_loss"].tolist() == [pytest.approx(loss + RATES[2]) for loss in losses]
    assert postgres.url not in str(record_of_it.facts), "the password stays out of the report"


def test_an_optuna_study_with_final_values_alone_is_refused(peer: Callable[[str], Path]) -> None:
    with pytest.raises(ReportInputError, match=r"no learning curve.*trial\.report"):
        record(peer("optuna") / "final.db")


def test_an_unknown_study_is_named_with_those_there_are(peer: Callable[[str], Path]) -> None:
    with pytest.raises(ReportInputError, match=r"expected study 'dnn', found 1: cnn"):
        record(peer("optuna") / "optuna.db", "dnn")


@pytest.mark.parametrize("place", ["mlruns", "mlflow.db"])
def test_mlflow(place: str, peer: Callable[[str], Path]) -> None:
    study = record(peer("mlflow") / place)

    assert study.name == "cnn"
    assert [trial.params for trial in study.trials] == [{"lr": rate} for rate in RATES]
    assert [trial.curves["val_accuracy"].tolist() for trial in study.trials] == [curve(rate) for rate in RATES]
    assert study.peer_winner.tool == ""


def test_keras_tuner(peer: Callable[[str], Path]) -> None:
    study = record(peer("keras_tuner") / "logged")

    assert [len(trial.curves["val_accuracy"]) for trial in study.trials] == [6, 6]
    assert [p.name for p in study.parameters] == ["units", "lr"]
    assert study.parameters[1].log
    best = max(study.trials, key=lambda trial: np.nanmax(trial.curves["val_accuracy"]))
    assert study.peer_winner.configuration == best.configuration
    assert study.peer_winner.rule == "its best epoch"


def test_keras_tuners_console_output(peer: Callable[[str], Path]) -> None:
    logged, printed = record(peer("keras_tuner") / "logged"), record(peer("keras_tuner") / "console.txt")

    assert [list(trial.params) for trial in printed.trials] == [["units", "lr"]] * 2
    for trial, twin in zip(logged.trials, printed.trials, strict=True):
        assert twin.curves["val_accuracy"].tolist() == pytest.approx(trial.curves["val_accuracy"].tolist(), abs=1e-4)


def test_a_keras_tuner_project_without_logs_is_refused(peer: Callable[[str], Path]) -> None:
    with pytest.raises(ReportInputError, match=r"best epoch.*TensorBoard"):
        record(peer("keras_tuner") / "logged" / "project")


def test_a_log_that_all_trials_of_keras_tuner_share(peer: Callable[[str], Path], tmp_path: Path) -> None:
    folder = peer("keras_tuner")
    shutil.copytree(folder / "logged" / "project", tmp_path / "project")
    shutil.copy(folder / "log.csv", tmp_path)
    split, own = record(tmp_path), record(folder / "logged")
    assert [trial.params for trial in split.trials] == [trial.params for trial in own.trials]
    for shared, single in zip(split.trials, own.trials, strict=True):
        assert shared.curves["val_accuracy"] == pytest.approx(single.curves["val_accuracy"])
    header, *rows = (tmp_path / "log.csv").read_text().splitlines()
    (tmp_path / "log.csv").write_text("\n".join([header, "0,0.1,2,0.1,2", "1,0.2,2,0.2,2", *rows]))
    assert len(record(tmp_path).trials[0].curves["val_accuracy"]) == 6, "rows of another search before it are passed over"
    (tmp_path / "log.csv").write_text("\n".join([header, *(row.replace("0.", "0.0") for row in rows)]))
    with pytest.raises(ReportInputError, match="append=True"):
        record(tmp_path)


def test_a_shared_log_of_trials_trained_twice_and_of_hyperband(tmp_path: Path) -> None:
    """Each execution is a training of its own; Hyperband goes on where the checkpoint ended."""

    def rows(values: list[float], first: int = 0) -> str:
        return "".join(f"{first + number},{value},{1 - value}\n" for number, value in enumerate(values))

    def best(value: float, **settings: int) -> BestEpoch:
        return BestEpoch({"val_accuracy": value, "val_loss": 1 - value}, "val_accuracy", maximize=True, **settings)

    log = tmp_path / "log.csv"
    log.write_text("epoch,val_accuracy,val_loss\n" + rows([0.5, 0.7]) + rows([0.6, 0.8]) + rows([0.4, 0.3]) + rows([0.2, 0.6]))
    twice = trainings_in(log, [best(0.75), best(0.5)])
    assert [[len(stretch) for stretch in of_trial] for of_trial in twice] == [[2, 2], [2, 2]]
    log.write_text("epoch,val_accuracy,val_loss\n" + rows([0.5, 0.7]) + rows([0.6, 0.8]) + rows([0.85, 0.9], 2))
    found = trainings_in(log, [best(0.7, stop=2), best(0.8, stop=2), best(0.9, first=2, stop=4)])
    assert [[row.epoch for row in stretch] for of_trial in found for stretch in of_trial] == [[0, 1], [0, 1], [2, 3]]
