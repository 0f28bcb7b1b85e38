"""A study that is stopped, paused and deleted from another shell, through its storage alone."""

from __future__ import annotations

import logging
import os
import pty
import re
import shutil
import sqlite3
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from recorder import Recorder
from sqlalchemy.engine import make_url

from sweeps.cli.main import main
from sweeps.executor.inline import InlineExecutor
from sweeps.record import list_studies, read_study
from sweeps.record.errors import SchemaError, StudyNotFoundError
from sweeps.study.running import run_study
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from conftest import PostgresServer

    from reports.records import StudyRecord, TrialRecord
    from sweeps.observer import StudyOutcome, StudySnapshot

SEARCH = "{trials: %d, pruner: none, sampler: random}"
MOMENTA = "{learning_rate: {float: [1.0e-5, 1.0e-1], log: true}, bn_momentum: {choice: [0.5, 0.9, 0.99]}}"


class OtherShell(Recorder):
    """Types one command while a trial is in an epoch, as a person in another shell would.

    Args:
        words: the command.
        trial: number.
        epoch: after which it is typed.
    """

    def __init__(self, *words: str, trial: int = 1, epoch: int = 1) -> None:
        super().__init__()
        self._words, self._when = words, (trial, epoch)
        self.typed = False

    def on_epoch(self, trial: TrialRecord, figures: Mapping[str, float]) -> None:
        super().on_epoch(trial, figures)
        if not self.typed and (trial.number, trial.num_epochs) == self._when:
            self.typed = True
            assert main([*self._words]) == 0


@pytest.fixture
def steered(sweep_text: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., StudyOutcome]:
    """Run a sweep whose epochs take long enough to be interfered with, beside another shell in the same folder."""
    monkeypatch.setenv("FAST_TRAINING_SECONDS", "0.15")
    monkeypatch.setattr("sweeps.study.driver.TICK_SECONDS", 0.1)
    monkeypatch.chdir(tmp_path)

    def run(observer: Recorder, **keys: str) -> StudyOutcome:
        sweep = sweep_from_text(sweep_text(**{"search": SEARCH % 3, **keys}))
        return run_study(sweep, InlineExecutor(), trainable="fast_training:train", observers=[observer])

    return run


def test_a_stop_saves_and_ends_this_run_and_no_later_one(
    steered: Callable[..., StudyOutcome],
    record: Callable[[], StudyRecord],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shell = OtherShell("stop", "fast")
    outcome = steered(shell)
    assert (outcome.reason, outcome.unfinished, outcome.note) == ("interrupted", (1,), "asked for by `steadysweep stop`")
    assert "go on with: steadysweep resume fast" in capsys.readouterr().out
    epochs = record().trials[1].num_epochs
    assert 1 <= epochs < 5
    monkeypatch.setenv("FAST_TRAINING_SECONDS", "0")
    again = Recorder()
    assert steered(again).reason == "done"
    assert min(epoch for number, epoch in again.epochs if number == 1) == epochs + 1
    assert [trial.state for trial in record().trials] == ["COMPLETE"] * 3
    assert main(["stop", "fast", "--wait"]) == 0
    assert "no driver is known to run fast" in capsys.readouterr().err


def test_a_trial_ends_where_it_stands_and_the_study_goes_on(
    steered: Callable[..., StudyOutcome],
    record: Callable[[], StudyRecord],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with caplog.at_level(logging.WARNING):
        assert steered(OtherShell("stop", "fast", "--trial", "1")).reason == "done"
    ended = record().trials[1]
    assert (ended.state, ended.cause) == ("PRUNED", "stopped by hand")
    assert 1 <= ended.num_epochs < 5
    assert [trial.state for trial in record().trials] == ["COMPLETE", "PRUNED", "COMPLETE"]
    assert "trial 1 ends after epoch" in caplog.text
    assert "asked to end where it stands, as pruned; its driver ends it" in capsys.readouterr().out
    assert main(["stop", "fast", "--trial", "1"]) == 2
    assert "trial 1 is over (PRUNED); expected one that is not over: none" in capsys.readouterr().err
    assert main(["stop", "fast", "--trial", "9"]) == 2
    assert "has no such trial" in capsys.readouterr().err


@pytest.mark.parametrize("number", [3, 4])
def test_of_a_training_that_carries_others_one_trial_ends_and_the_others_are_as_alone(
    steered: Callable[..., StudyOutcome], record: Callable[[], StudyRecord], capsys: pytest.CaptureFixture[str], number: int
) -> None:
    shell = OtherShell("stop", "fast", "--trial", str(number), trial=3, epoch=1)  # 3 carries 4 and 5
    assert steered(shell, space=MOMENTA, search=SEARCH % 2).reason == "done"
    trials = {trial.number: trial for trial in record().trials}
    assert {other: trial.state for other, trial in trials.items()} == {
        each: "PRUNED" if each == number else "COMPLETE" for each in range(6)
    }
    assert trials[number].cause == "stopped by hand"
    assert trials[number].num_epochs < 5
    assert {trial.num_epochs for other, trial in trials.items() if other != number} == {5}
    said = capsys.readouterr().out
    assert ("end these too: steadysweep stop fast --trial 4 5" if number == 3 else "Its training is that of trial 3, which goes on") in said


def test_a_whole_family_ends_with_its_training(steered: Callable[..., StudyOutcome], record: Callable[[], StudyRecord]) -> None:
    shell = OtherShell("stop", "fast", "--trial", "3", "4", "5", trial=3, epoch=1)
    assert steered(shell, space=MOMENTA, search=SEARCH % 2).reason == "done"
    family = record().trials[3:]
    assert [(trial.state, trial.cause) for trial in family] == [("PRUNED", "stopped by hand")] * 3
    assert max(trial.num_epochs for trial in family) < 5


def test_what_no_driver_runs_ends_with_the_next_run_and_a_waiting_point_at_once(
    steered: Callable[..., StudyOutcome], record: Callable[[], StudyRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    assert steered(OtherShell("stop", "fast")).reason == "interrupted"
    assert main(["add", "fast", "--set", "learning_rate=0.002"]) == 0
    assert main(["stop", "fast", "--trial", "1", "2"]) == 0
    said = capsys.readouterr().out
    assert "trial 1: asked to end where it stands, as pruned; no driver runs it; the next run ends it" in said
    assert "trial 2: had not begun and is withdrawn" in said
    recorder = Recorder()
    assert steered(recorder).reason == "done"
    assert not [epoch for number, epoch in recorder.epochs if number == 1]
    assert {trial.number: trial.state for trial in record().trials} == {0: "COMPLETE", 1: "PRUNED", 3: "COMPLETE"}


class Waiting(OtherShell):
    """Pauses in the first trial; lets go on in another shell once nothing runs."""

    def __init__(self) -> None:
        super().__init__("pause", "fast", trial=0)
        self.while_paused: list[int] = []

    def on_tick(self, snapshot: StudySnapshot) -> None:
        super().on_tick(snapshot)
        if snapshot.paused and not snapshot.running:
            self.while_paused.append(snapshot.complete)
            if len(self.while_paused) == 2:
                assert main(["pause", "fast", "--off"]) == 0


def test_a_paused_study_ends_what_runs_and_waits_until_it_may_go_on(
    steered: Callable[..., StudyOutcome],
    record: Callable[[], StudyRecord],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    waiting = Waiting()
    with caplog.at_level(logging.WARNING):
        assert steered(waiting, search=SEARCH % 2).reason == "done"
    assert waiting.while_paused[:2] == [1, 1]
    assert [trial.state for trial in record().trials] == ["COMPLETE"] * 2
    assert "no new trial begins; `steadysweep pause fast --off` goes on" in caplog.text
    assert "no longer paused" in caplog.text
    assert "running trials go on, no new one begins" in capsys.readouterr().out
    assert main(["pause", "fast"]) == 0
    assert record().facts["paused"].startswith("since ")
    capsys.readouterr()
    assert main(["pause", "fast"]) == 0
    assert "is paused already" in capsys.readouterr().out
    assert steered(Recorder(), search=SEARCH % 2).reason == "done", "a paused study with nothing left to do is over"


@pytest.fixture
def two_studies(run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Studies ``fast`` and ``kept`` in one file, each with its checkpoints below the current folder."""
    monkeypatch.chdir(tmp_path)
    run(search=SEARCH % 2)
    run(study="kept", storage_path=f"{tmp_path}/runs-kept", search=SEARCH % 2)
    return tmp_path


def rows(folder: Path) -> dict[str, int]:
    with sqlite3.connect(folder / "fast.db") as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}  # noqa: S608 - names of the schema


def test_delete_removes_rows_and_files_of_the_study_and_nothing_else(two_studies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (two_studies / "runs/my-notes.txt").write_text("mine")
    outside = two_studies / "outside"
    outside.mkdir()
    (outside / "photo.jpg").write_text("mine too")
    (two_studies / "runs/00007").symlink_to(outside)
    before = rows(two_studies)
    kept = read_study(f"sqlite:///{two_studies}/fast.db", "kept").trials
    assert main(["delete", "fast", "--storage", "fast.db"]) == 2, "nobody is there to be asked"
    said = capsys.readouterr().err
    assert "goes: 2 trials (2 complete)" in said
    assert f"stays: my-notes.txt in {two_studies}/runs" in said
    assert rows(two_studies) == before
    assert main(["delete", "fast", "--storage", "fast.db", "--yes"]) == 0
    assert list_studies(f"sqlite:///{two_studies}/fast.db") == ("kept",)
    after = read_study(f"sqlite:///{two_studies}/fast.db", "kept").trials
    assert [dict(trial.params) for trial in after] == [dict(trial.params) for trial in kept]
    assert all(
        2 * number == before[name]
        for name, number in rows(two_studies).items()
        if number and name.startswith(("steadysweep_f", "trial", "stud"))
    )
    assert sorted(path.name for path in (two_studies / "runs").iterdir()) == ["00007", "my-notes.txt"]
    assert (outside / "photo.jpg").read_text() == "mine too"
    assert (two_studies / "runs-kept/study.json").is_file()
    assert main(["delete", "fast", "--storage", "fast.db", "--yes"]) == 2


def test_delete_asks_at_a_terminal(two_studies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def __init__(self, answer: str) -> None:
            self._answer = answer

        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return self._answer

    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert main(["delete", "fast", "--storage", "fast.db"]) == 1
    assert list_studies(f"sqlite:///{two_studies}/fast.db") == ("fast", "kept")
    monkeypatch.setattr("sys.stdin", Terminal("fast\n"))
    assert main(["delete", "fast", "--storage", "fast.db"]) == 0
    assert list_studies(f"sqlite:///{two_studies}/fast.db") == ("kept",)


def test_delete_refuses_while_a_driver_lives(
    steered: Callable[..., StudyOutcome], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Deleting(Recorder):
        def on_started(self, _trial: TrialRecord) -> None:
            assert main(["delete", "fast", "--yes"]) == 1

    assert steered(Deleting(), search=SEARCH % 1).reason == "done"
    assert "Stop it first: steadysweep stop fast --wait" in capsys.readouterr().err
    assert (tmp_path / "runs/00000").is_dir()


def test_a_storage_cannot_make_delete_remove_what_is_not_its_studys(
    two_studies: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(two_studies / "state"))
    elsewhere = two_studies / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(two_studies / "fast.db", elsewhere / "fast.db")
    monkeypatch.chdir(elsewhere)
    files = sorted(str(path) for path in two_studies.rglob("*") if "elsewhere" not in path.parts)
    assert main(["delete", "fast", "--yes"]) == 2
    assert "outside this folder, and you have not run its sweep file on this machine" in capsys.readouterr().err
    with sqlite3.connect(elsewhere / "fast.db") as database:  # now it claims the other study's folder
        database.execute(
            "UPDATE steadysweep_study_facts SET value_json = replace(value_json, '/runs\\n', '/runs-kept\\n') WHERE key = 'sweep_file'"
        )
    database.close()
    assert main(["delete", "fast", "--yes", "--trust"]) == 0
    assert "does not carry the mark of this study" in capsys.readouterr().err
    assert sorted(str(path) for path in two_studies.rglob("*") if "elsewhere" not in path.parts) == files


def test_watching_tells_each_change_once_and_ends_with_the_study(
    driver_started: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweeps.cli.watch.LOOK_SECONDS", 0.2)
    assert main(["status", "fast", "--watch", "--storage", f"{driver_started}/fast.db"]) == 0
    *changes, last = capsys.readouterr().out.splitlines()
    said = [line.partition("fast: ")[2] for line in changes]
    assert len(said) == len(set(said)) >= 2
    assert "running" in said[0]
    assert said[-1].startswith("3 of 3 tried, 3 complete, 0 pruned, 0 failed, 0 running, best ")
    assert last == "no driver runs fast, and its search is over; its report: steadysweep report fast"


@pytest.fixture
def driver_started(start_driver: Callable[..., BaseProcess], sweep_text: Callable[..., str], tmp_path: Path) -> Path:
    """A folder in which a driver has begun a study of three trials."""
    start_driver(sweep_text(search=SEARCH % 3), environment={"FAST_TRAINING_SECONDS": "0.2"})
    wait_until(lambda: "fast" in studies(f"sqlite:///{tmp_path}/fast.db"))
    return tmp_path


def test_what_is_watched_fits_80_columns_on_a_terminal(two_studies: Path) -> None:
    number, terminal = pty.fork()
    if number == 0:
        os.environ |= {"COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
        os.execv(sys.executable, [sys.executable, "-m", "sweeps.cli", "status", "fast", "--watch", "--storage", "fast.db"])  # noqa: S606 - a child of our own
    shown = b""
    with suppress(OSError):  # what a terminal answers once nobody is at its other end
        while read := os.read(terminal, 65536):
            shown += read
    assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 0
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).splitlines()
    assert any(line.startswith("2 of 2 tried, 2 complete") for line in lines)
    assert any(line.startswith("leaders by stable val_accuracy") for line in lines)
    assert max(len(line.rstrip()) for line in lines[:-1]) <= 80
    assert two_studies.is_dir()


def test_several_drivers_on_a_server_are_paused_stopped_and_deleted(
    postgres: PostgresServer,
    start_driver: Callable[..., BaseProcess],
    monkeypatch: pytest.MonkeyPatch,
    sweep_text: Callable[..., str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    password = str(make_url(postgres.url).password)
    monkeypatch.setenv("SWEEP_TEST_PASSWORD", password)
    monkeypatch.chdir(tmp_path)
    url = postgres.url.replace(f":{password}@", ":${SWEEP_TEST_PASSWORD}@")
    text = sweep_text(study="steered", storage=url, search=SEARCH % 200)
    environment = {"SWEEP_TEST_PASSWORD": password, "FAST_TRAINING_SECONDS": "0.4"}
    drivers = [start_driver(text, environment=environment) for _ in range(2)]

    def trials() -> list[TrialRecord]:
        return list(read_study(url, "steered").trials) if "steered" in studies(url) else []

    wait_until(lambda: len({each.attempts[-1].driver for each in trials() if each.state == "RUNNING" and each.attempts}) == 2)
    assert main(["delete", "steered", "--storage", url, "--yes"]) == 1
    assert main(["pause", "steered", "--storage", url]) == 0
    wait_until(lambda: not any(each.state == "RUNNING" for each in trials()))
    begun = len(trials())
    assert main(["pause", "steered", "--off", "--storage", url]) == 0
    wait_until(lambda: len(trials()) > begun + 2)

    def one_is_ended() -> bool:
        newest = max((each.number for each in trials() if each.state == "RUNNING"), default=0)
        main(["stop", "steered", "--trial", str(newest), "--storage", url])  # which may be over a moment before
        return any(each.state == "PRUNED" for each in trials())

    wait_until(one_is_ended)
    assert {each.cause for each in trials() if each.state == "PRUNED"} == {"stopped by hand"}

    def all_have_ended() -> bool:  # these drivers run the study twice, one run after the other
        assert main(["stop", "steered", "--storage", url]) == 0
        return not any(driver.is_alive() for driver in drivers)

    wait_until(all_have_ended)
    assert [driver.exitcode for driver in drivers] == [0, 0]
    assert not any(each.state == "FAIL" for each in trials())
    capsys.readouterr()
    assert main(["delete", "steered", "--storage", url, "--yes"]) == 0
    assert "steered" not in studies(url)
    assert password not in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def studies(url: str) -> tuple[str, ...]:
    try:
        return list_studies(url)
    except (SchemaError, StudyNotFoundError):  # no driver has made the tables yet
        return ()


def wait_until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.1)
