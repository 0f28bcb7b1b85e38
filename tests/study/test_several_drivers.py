"""Drivers in processes of their own on one study in PostgreSQL: together they do what one would have done, whatever becomes of one of them."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, text
from test_killed_drivers import computed_twice

from sweeps.cli.status import status
from sweeps.errors import SweepInputError
from sweeps.executor.inline import InlineExecutor
from sweeps.record import read_study
from sweeps.record.errors import StorageTimes
from sweeps.record.study_record import read_stored_study, study_exists
from sweeps.study.running import run_study
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from conftest import PostgresServer

    from reports.records import StudyRecord, TrialRecord

PATIENCE = 240.0  # of a test on a busy machine


@dataclass
class Drivers:
    """Drivers of one study."""

    text: str
    storage: str
    study: str
    folder: Path
    password: str
    launch: Callable[..., BaseProcess]
    processes: list[BaseProcess]

    def start(self, seconds: float = 0.0, lease: float = 60.0, **how: Any) -> BaseProcess:  # noqa: ANN401 - arguments of `start_driver`
        """One more, whose epochs take so long."""
        environment = {"SWEEP_TEST_PASSWORD": self.password, "FAST_TRAINING_SECONDS": str(seconds)}
        self.processes.append(self.launch(self.text, environment=environment, times=StorageTimes(lease=lease), **how))
        return self.processes[-1]

    def record(self) -> StudyRecord:
        return read_study(self.storage, self.study)

    def wait_for(self, condition: Callable[[StudyRecord], bool]) -> StudyRecord:
        """Wait until the record is as expected."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if study_exists(self.storage, self.study) and condition(record := self.record()):
                return record
            time.sleep(0.1)
        pytest.fail(f"not within {PATIENCE} s: {[(trial.number, trial.state, trial.num_epochs) for trial in self.record().trials]}")


@pytest.fixture
def drivers(
    request: pytest.FixtureRequest,
    postgres: PostgresServer,
    sweep_text: Callable[..., str],
    start_driver: Callable[..., BaseProcess],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Callable[..., Drivers]]:
    monkeypatch.setenv("SWEEP_TEST_PASSWORD", postgres.password)
    storage = postgres.url.replace(postgres.password, "${SWEEP_TEST_PASSWORD}")
    processes: list[BaseProcess] = []

    def of_study(**keys: str) -> Drivers:
        study = request.node.name.replace("_", "-")
        text = sweep_text(storage=storage, study=study, **keys)
        return Drivers(text, storage, study, tmp_path, postgres.password, start_driver, processes)

    yield of_study
    for process in processes:
        if process.is_alive():
            os.kill(process.pid or 0, signal.SIGCONT)
            process.kill()
        process.join()


def ended_well(process: BaseProcess) -> bool:
    process.join(PATIENCE)
    return process.exitcode == 0


def contents(study: StudyRecord) -> list[Any]:
    """What is on record of every trial."""
    return [(trial.state, trial.attempts, dict(trial.figures), list(trial.curves["val_accuracy"])) for trial in study.trials]


def drivers_of(study: StudyRecord) -> set[str]:
    return {attempt.driver for trial in study.trials for attempt in trial.attempts}


def is_under_way(trial: TrialRecord, driver: BaseProcess) -> bool:
    """Whether a driver has a trial of some epochs that will not end at once."""
    return trial.state == "RUNNING" and 1 <= trial.num_epochs <= 3 and trial.attempts[-1].driver.endswith(f":{driver.pid}")


def test_three_drivers_do_together_what_one_would_have_done(drivers: Callable[..., Drivers]) -> None:
    together = drivers(
        search="{trials: 20, sampler_options: {n_startup_trials: 4}, pruner: asha, pruner_options: {grace: 2, reduction: 2}}",
        confirm="{top: 2, seeds: 2}",
    )
    for _ in range(3):  # at once, on a database that has neither tables nor study
        together.start(seconds=0.1, lease=12.0)
    assert all(ended_well(process) for process in together.processes)
    study = together.record()
    search = [trial for trial in study.trials if trial.role == "search"]
    assert len(search) == len({trial.configuration for trial in search}) == 20
    assert {trial.state for trial in study.trials} == {"COMPLETE", "PRUNED"}
    assert all(len(trial.attempts) == 1 for trial in study.trials)
    assert computed_twice(together.folder) == {}
    assert len(drivers_of(study)) == 3
    fresh = [trial for trial in study.trials if trial.role == "confirmation"]
    assert len({(trial.configuration, trial.seed) for trial in fresh}) == len(fresh) == 4
    assert len({trial.configuration for trial in fresh}) == 2
    assert [trial.number for trial in study.trials] == list(range(24))


def test_the_trials_of_a_killed_driver_are_taken_over_with_their_checkpoints(drivers: Callable[..., Drivers]) -> None:
    both = drivers(search="{trials: 6, pruner: none}")
    victim = both.start(seconds=0.4)
    both.wait_for(lambda study: any(trial.num_epochs >= 2 for trial in study.trials))
    heir = both.start(seconds=0.05)
    both.wait_for(lambda study: len(drivers_of(study)) == 2 and any(is_under_way(trial, victim) for trial in study.trials))
    victim.kill()
    assert ended_well(heir)
    study = both.record()
    assert [trial.state for trial in study.trials] == ["COMPLETE"] * 6
    (taken,) = [trial for trial in study.trials if len(trial.attempts) == 2]
    first, second = taken.attempts
    assert (first.cause, second.cause) == ("interrupted", "completed")
    assert first.driver != second.driver
    assert second.from_epoch >= 1
    assert sum(computed_twice(both.folder).values()) <= 1


def test_a_killed_drivers_training_is_taken_over_with_all_that_it_carries(drivers: Callable[..., Drivers]) -> None:
    both = drivers(
        space="{learning_rate: {float: [1.0e-5, 1.0e-1], log: true}, bn_momentum: {choice: [0.5, 0.9, 0.99]}}",
        search="{trials: 6, pruner: none}",
    )
    victim = both.start(seconds=0.4)
    both.wait_for(lambda study: any(trial.num_epochs >= 2 for trial in study.trials))
    heir = both.start(seconds=0.05)
    both.wait_for(
        lambda study: (
            len(drivers_of(study)) == 2
            and any(is_under_way(trial, victim) for trial in study.trials if trial.role == "search" and trial.attempts)
        )
    )
    victim.kill()
    assert ended_well(heir)
    study = both.record()
    assert Counter((trial.role, trial.state) for trial in study.trials) == {("search", "COMPLETE"): 6, ("sibling", "COMPLETE"): 12}
    assert Counter(trial.carrier for trial in study.trials if trial.role == "sibling") == {
        trial.number: 2 for trial in study.trials if trial.role == "search"
    }
    (taken,) = [trial for trial in study.trials if len(trial.attempts) == 2]
    assert taken.attempts[1].from_epoch >= 1
    assert sum(computed_twice(both.folder).values()) <= 1


def test_a_driver_restarted_on_another_machine_goes_on_as_if_nothing_had_happened(
    drivers: Callable[..., Drivers], run: Callable[..., object], postgres: PostgresServer, tmp_path: Path
) -> None:
    search = "{trials: 5, sampler_options: {n_startup_trials: 2}, pruner: none}"
    run(search=search)
    alone = drivers(search=search, storage_path=str(tmp_path / "restarted"))
    first = alone.start(lease=5.0, kill_at="epoch-written:13")
    first.join(PATIENCE)
    assert first.exitcode == -signal.SIGKILL
    engine = create_engine(postgres.url)
    with engine.begin() as connection:  # what a machine that cannot look for its process sees
        assert (
            connection.execute(text("UPDATE steadysweep_leases SET process = '' WHERE owner LIKE :it"), {"it": f"%:{first.pid}#%"}).rowcount
            == 1
        )
    engine.dispose()
    assert ended_well(alone.start(lease=5.0))
    study, uninterrupted = alone.record(), read_study(f"sqlite:///{tmp_path}/fast.db", "fast")
    assert [dict(trial.params) for trial in study.trials] == [dict(trial.params) for trial in uninterrupted.trials]
    assert [list(trial.curves["val_accuracy"]) for trial in study.trials] == [
        list(trial.curves["val_accuracy"]) for trial in uninterrupted.trials
    ]
    assert [len(trial.attempts) for trial in study.trials] == [1, 1, 2, 1, 1]


def test_a_driver_that_slept_through_its_lease_is_refused_and_stops_its_worker(drivers: Callable[..., Drivers]) -> None:
    both = drivers(search="{trials: 2, pruner: none}", training="{epochs: 12}")
    sleeper = both.start(seconds=0.5, lease=2.0)
    both.wait_for(lambda study: any(trial.num_epochs >= 2 for trial in study.trials))
    os.kill(sleeper.pid or 0, signal.SIGSTOP)
    asleep = both.record()
    living = both.start(lease=2.0)
    assert ended_well(living)
    done = both.record()
    assert [trial.state for trial in done.trials] == ["COMPLETE"] * 2
    running = next(trial.number for trial in asleep.trials if trial.state == "RUNNING")
    assert [attempt.cause for attempt in done.trials[running].attempts] == ["interrupted", "completed"]
    assert done.trials[running].attempts[1].from_epoch == asleep.trials[running].num_epochs
    os.kill(sleeper.pid or 0, signal.SIGCONT)
    assert ended_well(sleeper)
    assert contents(both.record()) == contents(done)
    assert sum(computed_twice(both.folder).values()) <= 2  # the epoch it was in when it was stopped, and one on its way to the record


@pytest.mark.slow
def test_the_ray_worker_of_a_driver_that_slept_is_stopped_once_the_driver_wakes(drivers: Callable[..., Drivers]) -> None:
    epochs = 120
    both = drivers(search="{trials: 1, pruner: none}", training=f"{{epochs: {epochs}}}", resources="{cpu: 1, concurrent: 1}")
    sleeper = both.start(seconds=1.0, lease=3.0, executor="ray-core")
    both.wait_for(lambda study: any(trial.num_epochs >= 2 for trial in study.trials))
    os.kill(sleeper.pid or 0, signal.SIGSTOP)  # its worker goes on
    assert ended_well(both.start(lease=3.0))
    done = both.record()
    (trial,) = done.trials
    assert (trial.state, trial.num_epochs, len(trial.attempts)) == ("COMPLETE", epochs, 2)
    assert trial.attempts[1].driver != trial.attempts[0].driver
    computed = both.folder / "runs/00000/computed.txt"
    before = len(computed.read_text().split())
    both.wait_for(lambda _: len(computed.read_text().split()) > before)  # nobody has told the worker yet
    os.kill(sleeper.pid or 0, signal.SIGCONT)
    assert ended_well(sleeper)
    stopped = len(computed.read_text().split())
    assert stopped < 2 * epochs - 4  # it would have trained all of them
    time.sleep(2.5)
    assert len(computed.read_text().split()) == stopped
    assert contents(both.record()) == contents(done)


@pytest.mark.slow
def test_a_server_that_is_away_for_thirty_seconds_costs_nothing_but_time(drivers: Callable[..., Drivers], postgres: PostgresServer) -> None:
    both = drivers(search="{trials: 8, pruner: none}")
    both.start(seconds=0.3, lease=5.0)  # shorter than the outage: a server that comes back gives every owner time to renew
    both.start(seconds=0.3, lease=5.0)
    both.wait_for(lambda study: len(drivers_of(study)) == 2 and len(study.trials) >= 3)
    postgres.stop()
    time.sleep(30)
    postgres.start()
    assert all(ended_well(process) for process in both.processes)
    study = both.record()
    assert [trial.state for trial in study.trials] == ["COMPLETE"] * 8
    assert len({trial.configuration for trial in study.trials}) == 8
    assert Counter(len(trial.attempts) for trial in study.trials) == {1: 8}
    assert [trial.num_epochs for trial in study.trials] == [5] * 8
    assert computed_twice(both.folder) == {}


def test_the_history_of_a_new_study_is_imported_by_one_of_its_drivers(
    drivers: Callable[..., Drivers], run: Callable[..., object], tmp_path: Path
) -> None:
    run(search="{trials: 6, pruner: none}")
    both = drivers(search="{trials: 4, pruner: none}", storage_path=str(tmp_path / "new"))
    for _ in range(2):
        both.start(seconds=0.1, lease=12.0, source=("fast", f"sqlite:///{tmp_path}/fast.db"))
    assert all(ended_well(process) for process in both.processes)
    facts, trials = read_stored_study(both.storage, both.study)
    assert facts.history is not None
    assert (facts.history.complete, facts.history.imported) == (True, 6)
    assert [trial.role for trial in trials] == ["history"] * 6 + ["search"] * 4
    assert [trial.num_epochs for trial in trials] == [5] * 10


def test_while_a_driver_runs_status_names_it_and_nobody_narrows_its_space(
    drivers: Callable[..., Drivers], capsys: pytest.CaptureFixture[str]
) -> None:
    both = drivers(search="{trials: 30, pruner: none}")
    driver = both.start(seconds=1.0)
    both.wait_for(lambda study: any(trial.num_epochs for trial in study.trials))

    def running() -> dict[str, Any]:
        status(both.study, storage=both.storage, output_format="json")
        (study,) = json.loads(capsys.readouterr().out)["studies"]
        (trial,) = study["running"]
        return dict(trial)

    trial = running()
    assert trial["driver"] == trial["worker"] == f"{socket.gethostname()}:{driver.pid}"
    assert trial["free"] is False
    assert 0 < trial["lease_seconds"] <= 60
    narrowed = both.text.replace("{float: [1.0e-5, 1.0e-1], log: true}", "{float: [1.0e-4, 1.0e-1], log: true}")
    with pytest.raises(SweepInputError, match=r"space: narrowed while \S+:\d+ is running study .* Stop the study there first"):
        run_study(sweep_from_text(narrowed), InlineExecutor(), trainable="fast_training:train")
    driver.kill()
    driver.join()
    assert running()["free"] is True
    status(both.study, storage=both.storage, output_format="table")
    assert f"{socket.gethostname()}:{driver.pid}" in (shown := capsys.readouterr().out)
    assert "stopped: the next run continues it" in shown


def test_two_drivers_refuse_and_search_a_frontier_together(drivers: Callable[..., Drivers]) -> None:
    both = drivers(
        space="{dense: {choice: {small: [32], middle: [128], large: [512]}}, learning_rate: {float: [1.0e-5, 1.0e-1], log: true}}",
        search="{trials: 8, cost: latency_ms, limits: {parameters: 2.0e+6}, sampler_options: {n_startup_trials: 3}}",
    )
    for _ in range(2):
        both.start(seconds=0.05, lease=12.0, trainable="costly_training:train")
    assert all(ended_well(process) for process in both.processes)
    study = both.record()
    assert len(study.trials) == 8
    assert {trial.params["dense"] for trial in study.trials if trial.infeasible} == {"large"}
    assert {trial.state for trial in study.trials if not trial.infeasible} == {"COMPLETE"}
    assert sum(bool(trial.infeasible) for trial in study.trials) <= 2  # one for each driver that had not heard of it
