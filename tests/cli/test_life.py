"""What a finished study does when it is run again, changed, moved or followed by a new one."""

from __future__ import annotations

import json
import os
import re
import shlex
import sqlite3
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sweeps.cli import main
from tests.cli.conftest import SWEEP, Shell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STORAGE = ("--storage", "sqlite:///tiny-digits.db")
INLINE = ("--executor", "inline")
SEVEN_EPOCHS = ("--set", "training.epochs=7")


@pytest.fixture
def study(swept: Shell, tmp_path: Path) -> Shell:
    """A folder of its own with a copy of the finished study, and no sweep file."""
    with sqlite3.connect(swept.folder / "tiny-digits.db") as source, sqlite3.connect(tmp_path / "tiny-digits.db") as copy:
        source.backup(copy)
    return Shell(tmp_path)


@pytest.fixture
def without_frameworks(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands break where they import TensorFlow, Keras or Ray."""
    folder = tmp_path_factory.mktemp("poison")
    for name in ("tensorflow", "keras", "ray"):
        (folder / f"{name}.py").write_text(f"raise SystemExit('{name} was imported')\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))


@pytest.fixture
def here(study: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run a command in this process, in the study's folder; returns exit code and stderr."""
    monkeypatch.chdir(study.folder)

    def run(*words: str) -> tuple[int, str]:
        code = main(words)
        return code, capsys.readouterr().err

    return run


def trials(shell: Shell, name: str = "tiny-digits") -> dict[str, int]:
    (study,) = json.loads(shell.ask("status", name, *STORAGE, "--format", "json").stdout)["studies"]
    states: dict[str, int] = study["states"]
    return states


@pytest.mark.usefixtures("without_frameworks")
@pytest.mark.parametrize("command", ["run", "resume"])
def test_a_finished_study_is_only_reported(command: str, study: Shell) -> None:
    (study.folder / "sweep.yaml").write_text(SWEEP)
    began = time.monotonic()
    done = study.run(*(("run", "sweep.yaml") if command == "run" else ("resume", "tiny-digits")))
    print(f"{command} of a finished study: {time.monotonic() - began:.1f} s")
    assert done.returncode == 0, done.stderr
    assert "nothing to do (done): 3/3 trials" in done.stderr
    assert "steadysweep resume tiny-digits --storage 'sqlite:///" in done.stderr
    assert "--trials +" in done.stderr
    assert "leaders, with stable val_accuracy" in done.stdout
    assert "tiny-digits" in (study.folder / "tiny-digits.html").read_text()


@pytest.mark.usefixtures("without_frameworks")
def test_a_file_that_did_not_follow_resume_trials_still_runs(study: Shell) -> None:
    (study.folder / "older.yaml").write_text(SWEEP.replace("trials: 3", "trials: 2"))
    before = _changes(study.folder / "tiny-digits.db")
    done = study.run("run", "older.yaml")
    assert done.returncode == 0, done.stderr
    assert "the study asks for 3 trials already, more than search.trials: 2; they stay" in done.stderr
    assert "nothing to do (done): 3/3 trials" in done.stderr
    assert _changes(study.folder / "tiny-digits.db") == before


@pytest.mark.usefixtures("without_frameworks")
def test_changes_of_a_finished_study_are_recorded_without_running(study: Shell) -> None:
    narrower = "space.learning_rate={float: [1.0e-3, 1.0e-2], log: true}"
    done = study.run(
        "resume", "tiny-digits", "--set", "resources.cpu=2", "--set", narrower, "--set", "report.path=other.html", "--time", "1h"
    )
    assert done.returncode == 0, done.stderr
    assert (study.folder / "other.html").is_file()
    changes = _changes(study.folder / "tiny-digits.db")
    assert "resources.cpu: 1.0 -> 2.0" in changes
    assert "space (narrowed)" in changes
    assert "budget.time: None -> 3600.0" in changes


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("data.classes=['0','1']", "the data is part of what the study is"),
        ("data.split.seed=5", "the data is part of what the study is"),
        ("search.metric=val_loss", "trials were judged and pruned by another metric"),
        ("model.options={filters: [8, 8]}", "the model is part of what the study is"),
    ],
)
def test_another_study_is_refused_with_the_reason_and_no_way_round(setting: str, reason: str, here: Callable[..., tuple[int, str]]) -> None:
    code, said = here("resume", "tiny-digits", "--set", setting)
    assert code == 2
    assert reason in said
    assert "--from" not in said


@pytest.mark.parametrize("setting", ["training.epochs=7", "space.learning_rate={float: [1.0e-4, 1.0], log: true}", "search.sampler=random"])
def test_more_epochs_or_a_wider_space_are_refused_with_the_command_for_a_new_study(
    setting: str, here: Callable[..., tuple[int, str]]
) -> None:
    code, said = here("resume", "tiny-digits", "--set", setting)
    assert code == 2
    line = said.strip().splitlines()[-1]
    assert line.startswith("  steadysweep run --from tiny-digits --from-storage sqlite:///tiny-digits.db --set study=tiny-digits-2 --set ")


def test_the_command_for_a_new_study_works_as_printed(study: Shell) -> None:
    refused = study.run("resume", "tiny-digits", *SEVEN_EPOCHS)
    words = shlex.split(refused.stderr.strip().splitlines()[-1])[1:]
    done = study.ask(*words, "--set", "search.trials=1", *INLINE)
    assert done.returncode == 0, done.stderr
    assert trials(study, "tiny-digits-2")["COMPLETE"] == 2, "its training carries the other momentum"
    document = json.loads(study.ask("report", "tiny-digits-2", *STORAGE, "--format", "json").stdout)
    assert len(document["history"]) == 3
    assert document["ranking"][0]["trials"][0]["epochs"] == 7
    page = (study.folder / "tiny-digits-2.html").read_text()
    assert "This study began with 3 trials of tiny-digits" in page


def test_a_sweep_file_that_changed_is_refused_with_its_own_command(study: Shell, here: Callable[..., tuple[int, str]]) -> None:
    (study.folder / "wider.yaml").write_text(SWEEP.replace("1.0e-1]", "1.0]"))
    code, said = here("run", "wider.yaml")
    assert code == 2
    assert re.search(r"steadysweep run wider\.yaml --from tiny-digits --from-storage \S+ --set study=tiny-digits-2$", said.strip())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run",), "expected SWEEP.yaml"),
        (("run", "--from", "tiny-digits"), "add --set study=NAME"),
        (("run", "--from", "nobody", "--set", "study=x"), "no study 'nobody'"),
        (("run", "--from-storage", "sqlite:///tiny-digits.db"), "add --from STUDY"),
        (("resume", "tiny-digits", "--set", "study=other"), "--set study=other"),
    ],
)
def test_words_that_make_no_sense_together(words: tuple[str, ...], message: str, here: Callable[..., tuple[int, str]]) -> None:
    code, said = here(*words)
    assert code == 2
    assert message in said


def test_moved_data_is_accepted_and_other_data_refused(shell: Shell) -> None:
    folder = shell.folder
    _write_digits(folder / "here.npz", first=0)
    text = SWEEP.replace("source: digits", "source: here.npz").replace("trials: 3", "trials: 1") + "allow: [bn_updates]\n"
    (folder / "sweep.yaml").write_text(text.replace('  classes: ["0", "1", "2"]\n', ""))
    assert shell.ask("run", "sweep.yaml", *INLINE).returncode == 0
    (folder / "here.npz").rename(folder / "there.npz")
    _write_digits(folder / "other.npz", first=1)
    refused = shell.run("resume", "tiny-digits", "--set", "data.source=other.npz")
    assert refused.returncode == 2
    assert "the data is not the study's" in refused.stderr
    assert "1 image is missing: 1 of 0. 1 image is new: 1 of " in refused.stderr
    done = shell.run("resume", "tiny-digits", "--set", "data.source=there.npz")
    assert done.returncode == 0, done.stderr
    assert "data.source: 'here.npz' -> 'there.npz'" in _changes(folder / "tiny-digits.db")


def _write_digits(path: Path, first: int) -> None:
    """Some 300 images of three digits, from image number `first` on."""
    digits = load_digits()
    chosen = np.flatnonzero(digits.target < 3)[first : first + 300]
    np.savez(path, x=digits.images[chosen].astype(np.uint8), y=digits.target[chosen])


def _changes(database: Path) -> str:
    with sqlite3.connect(database) as connection:
        (text,) = connection.execute("select value_json from steadysweep_study_facts where key = 'changes'").fetchone()
    return "\n".join(json.loads(text))
