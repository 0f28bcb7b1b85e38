"""A sweep that ran: what each command says about it."""

from __future__ import annotations

import csv
import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from tests.cli.conftest import Shell

STORAGE = ("--storage", "sqlite:///tiny-digits.db")


def test_run_ends_with_leaders_and_the_report_path(swept: Shell) -> None:
    out = (swept.folder / "run.out").read_text()
    assert "leaders, with stable val_accuracy" in out
    report = Path(out.strip().splitlines()[-1])
    assert report == swept.folder / "tiny-digits.html"
    assert "tiny-digits" in report.read_text()
    err = (swept.folder / "run.err").read_text()
    assert "3/3 trials" in err
    assert err.splitlines()[-1] == "next: steadysweep export tiny-digits -o tiny-digits-model"


def test_status_counts_and_names_the_best(swept: Shell) -> None:
    done = swept.run("status", "tiny-digits", *STORAGE, "--format", "json")
    document = json.loads(done.stdout)
    assert document["schema"] == "steadysweep.status/1"
    (study,) = document["studies"]
    assert study["states"] == {"COMPLETE": 3, "PRUNED": 0, "FAIL": 0, "RUNNING": 0, "WAITING": 0}
    assert study["configurations"] == 3
    assert 0 <= study["best"]["stable"] <= study["best"]["level"] <= 1
    assert set(study["best"]["params"]) == {"learning_rate", "bn_momentum"}


def test_status_without_arguments_finds_the_only_storage(swept: Shell) -> None:
    done = swept.run("status")
    assert done.returncode == 0
    assert "tiny-digits" in done.stdout


def test_report_json_holds_ranking_and_whole_curves(swept: Shell) -> None:
    done = swept.run("report", "tiny-digits", *STORAGE, "--format", "json")
    document = json.loads(done.stdout)
    assert document["schema"] == "steadysweep.report/1"
    assert [entry["rank"] for entry in document["ranking"]] == [1, 2, 3]
    scores = [entry["stable"] for entry in document["ranking"]]
    assert scores == sorted(scores, reverse=True)
    for entry in document["ranking"]:
        (trial,) = entry["trials"]
        assert len(trial["curves"]["val_accuracy"]) == 6


def test_report_writes_every_format_beside_each_other(swept: Shell) -> None:
    done = swept.run("report", "tiny-digits", *STORAGE, "--format", "html,json,csv,md", "-o", "out/report.html")
    assert done.returncode == 0, done.stderr
    written = {path.name for path in (swept.folder / "out").iterdir()}
    assert written == {"report.html", "report.json", "report.csv", "report-epochs.csv", "report.md"}


def test_a_finished_study_is_not_trained_again(swept: Shell) -> None:
    before = swept.ask("report", "tiny-digits", *STORAGE, "--format", "json").stdout
    done = swept.ask("run", "sweep.yaml", "--executor", "inline")
    assert done.returncode == 0, done.stderr
    after = swept.ask("report", "tiny-digits", *STORAGE, "--format", "json").stdout
    ours, theirs = json.loads(before), json.loads(after)
    assert ours["ranking"] == theirs["ranking"]


def test_resume_needs_the_storage_alone_and_adds_trials(swept: Shell, tmp_path: Path) -> None:
    with sqlite3.connect(swept.folder / "tiny-digits.db") as source, sqlite3.connect(tmp_path / "moved.db") as copy:
        source.backup(copy)
    elsewhere = type(swept)(tmp_path)
    done = elsewhere.ask("resume", "tiny-digits", "--storage", "sqlite:///moved.db", "--trials", "+1", "--executor", "inline")
    assert done.returncode == 0, done.stderr
    status = json.loads(elsewhere.ask("status", "tiny-digits", "--storage", "sqlite:///moved.db", "--format", "json").stdout)
    assert status["studies"][0]["states"]["COMPLETE"] == 5, "its training carries the other momentum"


def test_train_runs_one_configuration_with_records_and_report(swept: Shell) -> None:
    done = swept.run(
        "train",
        "sweep.yaml",
        "--set",
        "learning_rate=0.01",
        "--set",
        "training.epochs=8",
        "--storage",
        "sqlite:///single.db",
    )
    assert done.returncode == 0, done.stderr
    assert "not fixed by --set, so with the file's own or default values: bn_momentum=default" in done.stderr
    status = json.loads(swept.ask("status", "--storage", "sqlite:///single.db", "--format", "json").stdout)
    (study,) = status["studies"]
    assert study["name"].startswith("tiny-digits-")
    assert study["states"]["COMPLETE"] == 1
    assert Path(done.stdout.strip().splitlines()[-1]).is_file()
    (swept.folder / "train.log").write_text(done.stderr)
    (read,) = json.loads(swept.ask("diagnose", "train.log", "--format", "json").stdout)["runs"]
    assert read["epochs"] == 8
    report = json.loads(swept.ask("report", study["name"], "--storage", "sqlite:///single.db", "--format", "json").stdout)
    (trial,) = report["ranking"][0]["trials"]
    assert max(read["curves"]["val_accuracy"]) == pytest.approx(max(trial["curves"]["val_accuracy"]), abs=5.1e-5)


def test_the_lines_of_a_run_are_read_back(swept: Shell) -> None:
    done = swept.run("diagnose", "run.err", "--format", "json")
    assert done.returncode == 0, done.stderr
    runs = json.loads(done.stdout)["runs"]
    assert [run["name"] for run in runs] == ["trial 0", "trial 1", "trial 2"]
    ranking = json.loads(swept.ask("report", "tiny-digits", *STORAGE, "--format", "json").stdout)["ranking"]
    trials = {trial["number"]: trial for entry in ranking for trial in entry["trials"]}
    for number, run in enumerate(runs):
        assert max(run["curves"]["val_accuracy"]) == pytest.approx(max(trials[number]["curves"]["val_accuracy"]), abs=5.1e-5)


def test_check_estimates_from_a_real_batch(swept: Shell) -> None:
    done = swept.run("check", "sweep.yaml", "--format", "json", "--set", "confirm={top: 2, seeds: 3}")
    document = json.loads(done.stdout)
    assert document["data"]["images"] == {"train": 60, "validation": 100, "test": 40}
    assert document["estimates"]["trial_seconds"] > 0
    assert (document["estimates"]["trainings"], document["estimates"]["confirmation"]["trainings"]) == (9, 6)
    assert document["model"]["parameters"] > 0
    assert not [finding for finding in document["findings"] if finding["severity"] == "error"]


def test_exported_model_reproduces_the_reported_accuracy_by_the_card_s_lines(swept: Shell) -> None:
    done = swept.run("export", "tiny-digits", *STORAGE, "--rank", "1", "-o", "exported")
    assert done.returncode == 0, done.stderr
    card = (swept.folder / "exported" / "README.md").read_text()
    code = card.split("```python\n")[1].split("```")[0]
    assert len(code.splitlines()) <= 5
    printed = subprocess.run([sys.executable, "-c", code], cwd=swept.folder / "exported", capture_output=True, text=True, check=True)
    reported = card.split("| validation accuracy of this file | ")[1].split(" ")[0]
    accuracy, unit = printed.stdout.split()[-2:]
    assert (accuracy, unit) == (reported, "%")
    first = json.loads(swept.ask("report", "tiny-digits", *STORAGE, "--format", "json").stdout)["ranking"][0]
    assert float(accuracy) == pytest.approx(100 * first["exported_val_accuracy"], abs=0.05), "the same of 100 images, not one more or less"
    assert json.loads((swept.folder / "exported" / "labels.json").read_text()) == ["0", "1", "2"]


def test_an_exported_model_predicts_image_files(swept: Shell) -> None:
    done = swept.run("export", "tiny-digits", *STORAGE, "--format", "tflite,savedmodel", "-o", "formats")
    assert done.returncode == 0, done.stderr
    folder = swept.folder / "formats"
    assert {"model.keras", "model.tflite", "model.savedmodel"} <= {path.name for path in folder.iterdir()}
    data = np.load(folder / "validation.npz")
    for number, image in enumerate(data["images"][:20]):
        Image.fromarray(image[..., 0]).resize((64, 64)).save(folder / f"{number:02d}.png")
    done = swept.run("predict", "formats", "formats", "--format", "csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert [Path(row["path"]).name for row in rows] == [f"{number:02d}.png" for number in range(20)]
    document = json.loads(swept.ask("predict", "formats/model.keras", "formats/00.png", "--format", "json").stdout)
    assert document["predictions"][0]["label"] == rows[0]["label"]
    assert swept.ask("export", "tiny-digits", *STORAGE, "--format", "onx", "-o", "none").returncode == 2


def test_export_measures_its_file_on_the_test_images_once_and_the_search_never(swept: Shell) -> None:
    ranking = json.loads(swept.ask("report", "tiny-digits", *STORAGE, "--format", "json").stdout)["ranking"]
    assert [entry["test_accuracy"] for entry in ranking] == [None] * 3
    assert swept.ask("export", "tiny-digits", *STORAGE, "--rank", "2", "-o", "second").returncode == 0
    card = (swept.folder / "second" / "README.md").read_text()
    told = float(card.split("| test accuracy of this file | ")[1].split(" ")[0])
    number = int(card.split("trial ")[1].split(",")[0])
    note = swept.folder / "runs" / "tiny-digits" / f"{number:05d}" / "test.json"
    assert json.loads(note.read_text())["figures"]["test_accuracy"] == pytest.approx(told / 100, abs=5.01e-4)
    note.write_text(
        note.read_text().replace(f'"test_accuracy": {json.loads(note.read_text())["figures"]["test_accuracy"]}', '"test_accuracy": 0.4321')
    )
    assert swept.ask("export", "tiny-digits", *STORAGE, "--rank", "2", "-o", "again").returncode == 0
    assert "| test accuracy of this file | 43.2 %" in (swept.folder / "again" / "README.md").read_text()


def test_export_takes_the_id_that_the_report_and_status_show(swept: Shell) -> None:
    table = swept.ask("report", "tiny-digits", *STORAGE, "--format", "csv", "-o", "ids.csv")
    assert table.returncode == 0, table.stderr
    rows = list(csv.DictReader((swept.folder / "ids.csv").read_text().splitlines()))
    second = rows[1]
    assert second["id"] in swept.ask("status", "tiny-digits", *STORAGE).stdout
    done = swept.ask("export", "tiny-digits", *STORAGE, "--configuration", second["id"], "-o", "by-id")
    assert done.returncode == 0, done.stderr
    assert f"# tiny-digits: configuration {second['configuration']}" in (swept.folder / "by-id" / "README.md").read_text()
    done = swept.ask("export", "tiny-digits", *STORAGE, "-o", "taken-for-now")
    assert f"# tiny-digits: configuration {rows[0]['configuration']}" in (swept.folder / "taken-for-now" / "README.md").read_text()
    done = swept.ask("export", "tiny-digits", *STORAGE, "--configuration", "zzz", "-o", "nothing")
    assert done.returncode == 2
    assert f"has no configuration 'zzz'; it has {', '.join(row['id'] for row in rows)}" in done.stderr


def test_export_never_overwrites_and_names_what_is_missing(swept: Shell) -> None:
    (swept.folder / "taken").mkdir()
    assert swept.ask("export", "tiny-digits", *STORAGE, "-o", "taken").returncode == 2
    done = swept.ask("export", "tiny-digits", *STORAGE, "--rank", "9", "-o", "none")
    assert done.returncode == 2
    assert "1 to 3" in done.stderr


def test_a_model_that_was_removed_is_offered_and_trained_again(swept: Shell) -> None:
    entry = json.loads(swept.ask("report", "tiny-digits", *STORAGE, "--format", "json").stdout)["ranking"][2]
    number = entry["trials"][0]["number"]
    model = swept.folder / "runs" / "tiny-digits" / f"{number:05d}" / "model.keras"
    for name in ("model.keras", "export.json", "test.json"):
        model.with_name(name).unlink(missing_ok=True)
    done = swept.run("export", "tiny-digits", *STORAGE, "--rank", "3", "-o", "third")
    assert done.returncode == 2
    assert "add --retrain, which trains it again with its recorded seed (at most 6 epochs, about" in done.stderr
    done = swept.run("export", "tiny-digits", *STORAGE, "--rank", "3", "--retrain", "-o", "third")
    assert done.returncode == 0, done.stderr
    first, *epochs, last, following = done.stderr.strip().splitlines()
    assert following.startswith("next: steadysweep predict third IMAGES...")
    assert f"training trial {number} again: at most 6 epochs" in first
    assert sum(line.startswith("epoch ") for line in epochs) == 6
    assert last.startswith(f"the model of trial {number} is back")
    assert last.endswith("as the removed one did")
    assert model.is_file()
    assert (swept.folder / "third" / "model.keras").is_file()
