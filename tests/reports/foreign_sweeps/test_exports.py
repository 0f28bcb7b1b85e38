"""Sweeps as files: W&B's exports, folders of logs with settings, and what the command does with them."""

from __future__ import annotations

import json
import math
import sqlite3
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from peers import EPOCHS, RATES, accuracy

from reports.errors import ReportInputError
from reports.foreign_sweeps import read_foreign_sweep, study_record
from sweeps.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from reports.records import StudyRecord

NAMES = ("brisk-sun-1", "calm-sea-2", "wild-fire-3")


def record(place: Path) -> StudyRecord:
    sweep = read_foreign_sweep(str(place))
    assert sweep is not None
    return study_record(sweep)


def expect_curves(study: StudyRecord) -> None:
    assert len(study.trials) == len(RATES)
    for trial, rate in zip(study.trials, RATES, strict=True):
        assert trial.curves["val_accuracy"].tolist() == [pytest.approx(accuracy(rate, epoch)) for epoch in range(EPOCHS)]


def history(rate: float) -> str:
    return "epoch,loss,val_accuracy\n" + "".join(f"{k},{1 - accuracy(rate, k)},{accuracy(rate, k)}\n" for k in range(EPOCHS))


def runs_table(folder: Path) -> None:
    rows = "".join(f'"{name}","finished","{rate}","0.9"\n' for name, rate in zip(NAMES, RATES, strict=True))
    (folder / "runs.csv").write_text('"Name","State","learning_rate","val_accuracy"\n' + rows)


def test_a_chart_of_wandb_with_and_without_the_table_of_runs(tmp_path: Path) -> None:
    header = ",".join(f'"{name} - val_accuracy","{name} - val_accuracy__MIN","{name} - val_accuracy__MAX"' for name in NAMES)
    rows = "".join(f"{k}," + ",".join(f'"{accuracy(rate, k)}","0","1"' for rate in RATES) + "\n" for k in range(EPOCHS))
    chart = tmp_path / "chart.csv"
    chart.write_text(f'"Step",{header}\n{rows}')

    alone = record(chart)
    runs_table(tmp_path)
    together = record(tmp_path)

    expect_curves(alone)
    expect_curves(together)
    assert "table of runs" in alone.facts["settings"]
    assert [trial.params for trial in together.trials] == [{"learning_rate": rate} for rate in RATES]


def test_histories_of_wandb_beside_the_table_of_runs(tmp_path: Path) -> None:
    runs_table(tmp_path)
    for name, rate in zip(NAMES, RATES, strict=True):
        (tmp_path / f"{name}.csv").write_text(history(rate).replace("epoch,", "_step,"))

    study = record(tmp_path)

    expect_curves(study)
    assert [trial.configuration for trial in study.trials] == list(NAMES)


def test_json_with_configurations_and_histories(tmp_path: Path) -> None:
    runs = [
        {
            "name": name,
            "config": {"optimizer": {"lr": rate}},
            "history": [{"_step": k, "val_accuracy": accuracy(rate, k)} for k in range(EPOCHS)],
        }
        for name, rate in zip(NAMES, RATES, strict=True)
    ]
    (tmp_path / "runs.json").write_text(json.dumps(runs))

    study = record(tmp_path / "runs.json")

    expect_curves(study)
    assert study.trials[0].params == {"optimizer.lr": RATES[0]}


@pytest.mark.parametrize("layout", ["folders with YAML", "files with JSON"])
def test_logs_with_settings_beside_them(layout: str, tmp_path: Path) -> None:
    for name, rate in zip(NAMES, RATES, strict=True):
        if "YAML" in layout:
            (tmp_path / name).mkdir()
            (tmp_path / name / "metrics.csv").write_text(history(rate))
            (tmp_path / name / "hparams.yaml").write_text(f"optimizer:\n  lr: {rate}\nepochs: 12\n")
        else:
            (tmp_path / f"{name}.csv").write_text(history(rate))
            (tmp_path / f"{name}.json").write_text(json.dumps({"optimizer": {"lr": rate}, "epochs": 12}))

    study = record(tmp_path)

    expect_curves(study)
    assert [trial.params for trial in study.trials] == [{"optimizer.lr": rate} for rate in RATES]
    assert study.facts["the same in every trial"] == "epochs: 12"


def test_yaml_that_would_make_objects_makes_none(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / f"{name}.csv").write_text(history(RATES[0]))
        (tmp_path / f"{name}.yaml").write_text(f"!!python/object/apply:os.system ['touch {tmp_path}/made']\n")

    study = record(tmp_path)
    assert [trial.params for trial in study.trials] == [{}] * len(NAMES)
    assert "none can be read" in study.facts["settings"]
    assert not (tmp_path / "made").exists()


def test_yaml_that_grows_without_end_is_no_settings(tmp_path: Path) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x]"] + [
        f"{after}: &{after} [{', '.join([f'*{name}'] * 8)}]" for name, after in pairwise("abcdefghijk")
    ]
    for name in NAMES:
        (tmp_path / f"{name}.csv").write_text(history(RATES[0]))
        (tmp_path / f"{name}.yaml").write_text("\n".join(lines))
    assert [trial.params for trial in record(tmp_path).trials] == [{}] * len(NAMES)


def test_a_folder_of_logs_without_settings_is_ranked_by_its_files(tmp_path: Path) -> None:
    for name, rate in zip(NAMES, RATES, strict=True):
        (tmp_path / f"{name}.csv").write_text(history(rate))
    (tmp_path / "notes.txt").write_text("hello")
    study = record(tmp_path)
    expect_curves(study)
    assert [trial.configuration for trial in study.trials] == list(NAMES)


def ray_trials(folder: Path, accuracies: dict[str, list[str]]) -> None:
    for name, values in accuracies.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "params.json").write_text(json.dumps({"lr": name}))
        rows = "".join(f"{k},{value},ab_{name}\n" for k, value in enumerate(values, 1))
        (folder / name / "progress.csv").write_text("training_iteration,val_accuracy,trial_id\n" + rows)


def test_a_folder_with_one_sweep_below_is_that_sweep_and_of_several_one_is_named(tmp_path: Path) -> None:
    ray_trials(tmp_path / "first", {"1": ["0.5", "0.6", "0.7"], "2": ["0.4", "0.5", "0.6"]})
    assert record(tmp_path).name == "first"
    ray_trials(tmp_path / "second", {"1": ["0.5", "0.6", "0.7"]})
    with pytest.raises(ReportInputError, match=r"2 sweeps.*steadysweep report .*first"):
        read_foreign_sweep(str(tmp_path))


def test_what_lies_beside_a_sweep_is_named_and_not_read(tmp_path: Path) -> None:
    ray_trials(tmp_path, {"1": ["0.5", "0.6", "0.7"], "2": ["0.4", "0.5", "0.6"]})
    assert "also there, not read" not in record(tmp_path).facts
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(history(RATES[0]))
        (tmp_path / f"{name}.json").write_text('{"lr": 1}')
    study = record(tmp_path)
    assert len(study.trials) == 2
    assert "logs with settings" in study.facts["also there, not read"]


def test_an_accuracy_that_was_not_measured_is_a_gap_and_one_that_stays_nan_a_failure(tmp_path: Path) -> None:
    ray_trials(tmp_path, {"1": ["0.5", "nan", "0.6", "0.7"], "2": ["0.5", "0.6", "nan", "nan"]})
    measured, failed = (trial.curves["val_accuracy"].tolist() for trial in record(tmp_path).trials)
    assert math.isnan(measured[1])
    assert failed[2:] == [math.inf, math.inf]


def test_final_values_are_refused_by_diagnose_as_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ray_trials(tmp_path, {"1": ["0.5"], "2": ["0.4"]})
    assert main(["diagnose", str(tmp_path)]) == 2
    assert "progress.csv" in capsys.readouterr().err
    ray_trials(tmp_path / "empty", {"1": [], "2": []})
    assert main(["diagnose", str(tmp_path / "empty")]) == 2
    assert "no learning curve" in capsys.readouterr().err


def test_names_cannot_steer_a_terminal(tmp_path: Path) -> None:
    ray_trials(tmp_path, {"1": ["0.5", "0.6"], "2": ["0.4", "0.5"]})
    (tmp_path / "1" / "params.json").write_text(json.dumps({"lr\x1b[2J": "\x1b]0;owned\x07"}))
    params = record(tmp_path).trials[0].params
    assert all(text.isprintable() for item in params.items() for text in map(str, item))


def test_what_is_no_sweep_is_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with sqlite3.connect(tmp_path / "other.db") as database:
        database.execute("create table things (name text)")
    for name, words in {"deep.json": "no training found", "other.db": "an SQLite database, in which neither"}.items():
        assert main(["report", str(tmp_path / name)]) == 2
        assert words in capsys.readouterr().err
    assert main(["diagnose", f"sqlite:///{tmp_path}/other.db"]) == 2
    assert "no sweep found" in capsys.readouterr().err
    assert main(["diagnose", "mysql://u@localhost/x"]) == 2
    assert "only SQLite and PostgreSQL are read" in capsys.readouterr().err


def test_the_same_settings_twice_are_one_configuration(tmp_path: Path) -> None:
    for number, rate in enumerate((RATES[0], RATES[0], RATES[1])):
        (tmp_path / f"r{number}.csv").write_text(history(rate))
        (tmp_path / f"r{number}.json").write_text(json.dumps({"lr": rate}))

    study = record(tmp_path)

    assert [trial.configuration for trial in study.trials] == ["r0", "r0", "r2"]
    assert [trial.seed for trial in study.trials] == [0, 1, 0]


def test_a_study_comes_before_a_folder_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep, images = tmp_path / "sweep", tmp_path / "flowers"
    for folder in (sweep, images):
        folder.mkdir()
    for number, rate in enumerate(RATES):
        (sweep / f"r{number}.csv").write_text(history(rate))
        (sweep / f"r{number}.json").write_text(json.dumps({"lr": rate}))
    own = replace(record(sweep), name="flowers", facts={"host": "here"})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEADYSWEEP_STORAGE", "sqlite:///elsewhere.db")
    monkeypatch.setattr("sweeps.record.read_study", lambda _url, name: own if name == "flowers" else None)

    assert main(["report", "flowers", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["study"]["facts"] == {"host": "here"}


def test_the_command_writes_the_report_and_names_what_would_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, rate in enumerate(RATES):
        (tmp_path / f"r{number}.csv").write_text(history(rate))
        (tmp_path / f"r{number}.json").write_text(json.dumps({"lr": rate}))
    page = tmp_path / "report.html"

    assert main(["report", str(tmp_path), "-o", str(page)]) == 0
    assert "logs with settings" in page.read_text()
    assert main(["report", str(tmp_path), "--format", "json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["ranking"][0]["params"] == {"lr": RATES[1]}
    assert main(["diagnose", str(tmp_path)]) == 0
    assert f"steadysweep report {tmp_path}" in capsys.readouterr().err
    table = tmp_path / "table.txt"
    table.write_text("val_accuracy,trial_id,config/lr\n" + "".join(f"0.{k},t{k},0.{k}\n" for k in range(10, 16)))
    assert main(["report", str(table)]) == 2
    assert "progress.csv" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "r0.csv")]) == 2
    assert "steadysweep diagnose" in capsys.readouterr().err
