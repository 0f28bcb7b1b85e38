"""Rows that other software writes into a study, before a run and while one goes on: trained where they are points, else left alone with a message."""

from __future__ import annotations

import io
import json
import logging
import shutil
import sqlite3
import threading
from typing import TYPE_CHECKING
from wsgiref.util import setup_testing_defaults

import optuna
import pytest
from optuna.trial import TrialState, create_trial
from sqlalchemy.engine import make_url

from sweeps.cli.main import main
from sweeps.errors import SweepError
from sweeps.executor.inline import InlineExecutor
from sweeps.record import read_study
from sweeps.study.running import look_at_study, run_study
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from conftest import PostgresServer

    from reports.records import StudyRecord
    from sweeps.observer import StudyOutcome

SEARCH = "{trials: %d, pruner: none, sampler: random}"


def theirs(tmp_path: Path) -> optuna.study.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.load_study(study_name="fast", storage=f"sqlite:///{tmp_path}/fast.db")


def test_an_enqueued_point_is_trained_next_and_counts_as_one_of_the_search(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord], tmp_path: Path
) -> None:
    run(search=SEARCH % 2)
    theirs(tmp_path).enqueue_trial({"learning_rate": 0.002, "dropout": 0.3})
    run(search=SEARCH % 4)
    trials = record().trials
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert trials[2].params["learning_rate"] == pytest.approx(0.002)
    assert trials[2].params["dropout"] == pytest.approx(0.3)
    assert (trials[2].role, trials[2].state) == ("search", "COMPLETE")
    assert trials[2].seed not in (0, trials[0].seed)
    assert theirs(tmp_path).trials[2].params == dict(trials[2].params)


def test_a_finished_study_trains_an_enqueued_point_when_it_is_run_again(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord], sweep_text: Callable[..., str], tmp_path: Path
) -> None:
    run(search=SEARCH % 2)
    theirs(tmp_path).enqueue_trial({"learning_rate": 0.002})
    there = look_at_study(sweep_from_text(sweep_text(search=SEARCH % 2)))
    assert there is not None
    assert there.over is None
    run(search=SEARCH % 2)
    assert record().trials[2].params["learning_rate"] == pytest.approx(0.002)
    assert len(record().trials) == 3


def test_points_that_cannot_be_trained_are_refused_with_the_reason(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(search=SEARCH % 2)
    tried = dict(record().trials[0].params)
    study = theirs(tmp_path)
    for point in ({"learning_rate": 5.0}, {"learning_rat": 0.01}, tried):
        study.enqueue_trial(point)
    with caplog.at_level(logging.WARNING):
        run(search=SEARCH % 3)
    assert len(record().trials) == 3
    rows = theirs(tmp_path).trials
    assert [row.state for row in rows[2:5]] == [TrialState.FAIL] * 3
    reasons = [row.user_attrs["refused"] for row in rows[2:5]]
    assert "learning_rate: expected" in reasons[0]
    assert "did you mean 'learning_rate'" in reasons[1]
    assert "has been trained already" in reasons[2]
    assert "steadysweep confirm fast --configuration" in reasons[2]
    assert all(reason in caplog.text for reason in reasons)


def test_rows_of_other_software_are_left_alone_with_one_message(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(search=SEARCH % 2)
    study = theirs(tmp_path)
    study.add_trial(create_trial(params={}, distributions={}, value=0.99))
    study.ask()
    with caplog.at_level(logging.WARNING):
        run(search=SEARCH % 4)
    trials = record().trials
    assert [trial.number for trial in trials] == [0, 1, 4, 5]
    assert caplog.text.count("neither ranked nor counted") == 1
    assert "2 rows were added by other software (trial 2 (COMPLETE), 3 (RUNNING))" in caplog.text
    assert record().facts["rows of other software"].startswith("2 (COMPLETE), 3 (RUNNING)")
    assert [row.state for row in theirs(tmp_path).trials[2:4]] == [TrialState.COMPLETE, TrialState.RUNNING]


def test_a_row_that_was_deleted_by_hand_leaves_a_gap_and_nothing_else(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord], tmp_path: Path
) -> None:
    run(search=SEARCH % 3)
    with sqlite3.connect(tmp_path / "fast.db") as database:
        database.execute("DELETE FROM trials WHERE number = 1")
    theirs(tmp_path).enqueue_trial({"learning_rate": 0.002})  # Optuna counts rows: it numbers this one 2 once more
    outcome = run(search=SEARCH % 4)
    assert outcome.reason == "done"
    numbers = [trial.number for trial in record().trials]
    assert len(numbers) == len(set(numbers)) == 4
    assert {0, 2} < set(numbers)


class Meddling:
    """Changes the storage from another thread while a study runs, as another process would."""

    def __init__(self, change: Callable[[], object]) -> None:
        self._change = change
        self.done = threading.Event()

    def on_epoch(self, trial: object, _figures: object) -> None:
        if not self.done.is_set() and getattr(trial, "number", 0) == 1:
            self._change()
            self.done.set()

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("on_"):
            return lambda *_: None
        raise AttributeError(name)


def run_meddling(text: str, change: Callable[[], object]) -> StudyOutcome:
    meddling = Meddling(change)
    outcome = run_study(sweep_from_text(text), InlineExecutor(), trainable="fast_training:train", observers=[meddling])  # type: ignore[list-item]
    assert meddling.done.is_set()
    return outcome


@pytest.mark.timeout(120)
def test_a_running_study_takes_a_point_from_another_shell(
    sweep_text: Callable[..., str], record: Callable[[], StudyRecord], tmp_path: Path
) -> None:
    def add() -> None:
        assert main(["add", "fast", "--set", "learning_rate=0.002", "--storage", str(tmp_path / "fast.db")]) == 0

    outcome = run_meddling(sweep_text(search=SEARCH % 4), add)
    trials = record().trials
    assert outcome.reason == "done"
    assert len(trials) == 4
    assert trials[2].params["learning_rate"] == pytest.approx(0.002)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("statement", "state"),
    [
        ("UPDATE trials SET state = 'FAIL' WHERE number = 1", "FAIL"),
        ("UPDATE trials SET state = 'COMPLETE' WHERE number = 1", "FAIL"),
        ("DELETE FROM trials WHERE number = 1", None),
    ],
)
def test_a_running_trial_that_is_ended_or_deleted_by_hand_is_left_so(
    sweep_text: Callable[..., str],
    record: Callable[[], StudyRecord],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    statement: str,
    state: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAST_TRAINING_SECONDS", "0.5")

    def change() -> None:
        with sqlite3.connect(tmp_path / "fast.db", timeout=30) as database:
            database.execute(statement)

    with caplog.at_level(logging.WARNING):
        outcome = run_meddling(sweep_text(search=SEARCH % 3), change)
    states = {trial.number: trial.state for trial in record().trials}
    assert outcome.reason == "done"
    assert states.get(1) == state
    assert len(states) == 3
    assert "in the storage by other software; it is left so" in caplog.text
    assert run_study(sweep_from_text(sweep_text(search=SEARCH % 3)), InlineExecutor(), trainable="fast_training:train").reason == "done"


class Dashboard:
    """Optuna Dashboard's own server, asked without a socket."""

    def __init__(self, folder: Path) -> None:
        create_app = pytest.importorskip("optuna_dashboard._app").create_app
        self.storage = optuna.storages.RDBStorage(f"sqlite:///{folder}/fast.db")
        self._app = create_app(self.storage)
        self.study = self.storage.get_study_id_from_name("fast")

    def trial(self, number: int) -> int:
        return self.storage.get_trial_id_from_study_id_trial_number(self.study, number)

    def ask(self, method: str, path: str, **content: object) -> int:
        """The status of the answer."""
        body = json.dumps(content).encode()
        environment = {"REQUEST_METHOD": method, "PATH_INFO": path, "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/json"}
        setup_testing_defaults(environment)
        environment["wsgi.input"] = io.BytesIO(body)  # type: ignore[assignment]
        statuses: list[str] = []
        list(self._app.wsgi(environment, lambda status, *_: statuses.append(status)))
        return int(statuses[0].split()[0])


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("told", "state"), [({"state": "Complete", "values": [0.99]}, "FAIL"), ({"state": "Fail"}, "FAIL")])
def test_a_trial_that_the_dashboard_ends_while_it_runs_is_left_so(
    sweep_text: Callable[..., str],
    record: Callable[[], StudyRecord],
    tmp_path: Path,
    told: dict[str, object],
    state: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAST_TRAINING_SECONDS", "0.3")

    def tell() -> None:
        dashboard = Dashboard(tmp_path)
        assert dashboard.ask("POST", f"/api/trials/{dashboard.trial(1)}/tell", **told) == 204

    outcome = run_meddling(sweep_text(search=SEARCH % 3), tell)
    assert outcome.reason == "done"
    assert [trial.state for trial in record().trials] == ["COMPLETE", state, "COMPLETE"]
    assert outcome.snapshot.leaders[0].trials[0] != 1, "a value that no training reached leads nothing"


@pytest.mark.timeout(120)
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_notes_attributes_and_studies_of_a_dashboard_change_no_result(
    run: Callable[..., StudyOutcome], sweep_text: Callable[..., str], record: Callable[[], StudyRecord], tmp_path: Path
) -> None:
    def essence() -> list[tuple[object, ...]]:
        return [
            (each.number, each.state, each.configuration, dict(each.params), each.seed, list(each.curves["val_accuracy"]))
            for each in record().trials
        ]

    def write() -> None:
        dashboard = Dashboard(tmp_path)
        study = f"/api/studies/{dashboard.study}"
        mine = {"my mark": "*", "seen": [1, {"by": "me"}]}
        assert dashboard.ask("POST", f"/api/trials/{dashboard.trial(1)}/user-attrs", user_attrs=mine) == 204
        for trial in map(dashboard.trial, (0, 1)):
            assert dashboard.ask("PUT", f"{study}/{trial}/note", body="<b>look</b>", version=1) == 204
        assert dashboard.ask("PUT", f"{study}/note", body="a note", version=1) == 204
        assert dashboard.ask("POST", "/api/studies", study_name="another", directions=["maximize"]) == 201
        theirs(tmp_path).set_user_attr("owner", "me")
        theirs(tmp_path).set_metric_names(["another name"])

    outcome = run_meddling(sweep_text(search=SEARCH % 4), write)
    assert outcome.reason == "done"
    disturbed = essence()
    assert theirs(tmp_path).trials[1].user_attrs["my mark"] == "*"
    (tmp_path / "fast.db").unlink()
    shutil.rmtree(tmp_path / "runs")
    run(search=SEARCH % 4)
    assert disturbed == essence()


@pytest.mark.timeout(120)
def test_an_attribute_of_ours_that_a_dashboard_overwrites_is_named(
    sweep_text: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def overwrite() -> None:
        dashboard = Dashboard(tmp_path)
        attributes = {"figures": 7, "score": "best", "configuration": {"x": 1}}
        assert dashboard.ask("POST", f"/api/trials/{dashboard.trial(1)}/user-attrs", user_attrs=attributes) == 204

    assert run_meddling(sweep_text(search=SEARCH % 3), overwrite).reason == "done"
    assert main(["status", "--storage", f"sqlite:///{tmp_path}/fast.db"]) == 1
    said = capsys.readouterr().err
    assert "attribute 'configuration' of trial 1 is dict in JSON, expected str" in said, (
        "what the driver writes at the end is its own again"
    )


@pytest.mark.timeout(120)
@pytest.mark.parametrize("operation", ["delete", "rename"])
def test_a_study_that_the_dashboard_removes_while_it_runs_ends_its_driver_with_the_reason(
    sweep_text: Callable[..., str], tmp_path: Path, operation: str
) -> None:
    def remove() -> None:
        dashboard = Dashboard(tmp_path)
        study = f"/api/studies/{dashboard.study}"
        status = dashboard.ask("DELETE", study) if operation == "delete" else dashboard.ask("POST", f"{study}/rename", study_name="other")
        assert status in (201, 204)

    with pytest.raises(SweepError, match="the study was deleted in its storage by other software"):
        run_meddling(sweep_text(search=SEARCH % 4), remove)


def test_two_drivers_train_an_enqueued_point_once(
    postgres: PostgresServer, start_driver: Callable[..., BaseProcess], monkeypatch: pytest.MonkeyPatch, sweep_text: Callable[..., str]
) -> None:
    password = str(make_url(postgres.url).password)
    monkeypatch.setenv("SWEEP_TEST_PASSWORD", password)
    url = postgres.url.replace(f":{password}@", ":${SWEEP_TEST_PASSWORD}@")
    first = sweep_from_text(sweep_text(study="enqueued-once", storage=url, search=SEARCH % 2))
    run_study(first, InlineExecutor(), trainable="fast_training:train")
    optuna.load_study(study_name="enqueued-once", storage=postgres.url).enqueue_trial({"learning_rate": 0.002})
    text = sweep_text(study="enqueued-once", storage=url, search=SEARCH % 8)
    environment = {"SWEEP_TEST_PASSWORD": password, "FAST_TRAINING_SECONDS": "0.1"}
    drivers = [start_driver(text, environment=environment) for _ in range(2)]
    for driver in drivers:
        driver.join(120)
        assert driver.exitcode == 0
    trials = read_study(url, "enqueued-once").trials
    asked = [trial for trial in trials if trial.params["learning_rate"] == pytest.approx(0.002)]
    assert len(asked) == 1
    assert asked[0].state == "COMPLETE"
    assert len(trials) == 8


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["learning_rat=1e-3"], "did you mean 'learning_rate'"),
        (["learning_rate=7"], "learning_rate: expected"),
        (["learning_rate"], "expected KEY=VALUE"),
        ([], "at least one --set"),
    ],
)
def test_add_refuses_what_is_not_of_the_space(
    run: Callable[..., StudyOutcome], tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: list[str], said: str
) -> None:
    run(search=SEARCH % 1)
    options = [part for setting in settings for part in ("--set", setting)]
    assert main(["add", "fast", *options, "--storage", f"sqlite:///{tmp_path}/fast.db"]) == 2
    assert said in capsys.readouterr().err
    assert len(theirs(tmp_path).trials) == 1
