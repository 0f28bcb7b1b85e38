"""A worker process's inside, in this process: what it tells, when it says that the process should go."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from contract import task

from sweeps.executor.protocol import Cause, Ended, EpochEnded, Started
from sweeps.executor.worker import Worker, WorkerSettings, driver_settings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from sweeps.executor.protocol import Event, TrialTask


def run(worker: Worker, given: TrialTask) -> tuple[list[Event], str | None]:
    """All events of an attempt, and why to retire."""
    worker.begin(given)
    events: list[Event] = []
    while True:
        batch = worker.next_events()
        events += batch.events
        if batch.ended:
            return events, batch.retire
        assert batch.retire is None


def test_an_attempt_is_told_from_start_to_end(tmp_path: Path) -> None:
    events, retire = run(Worker(WorkerSettings()), task(1, "quick", tmp_path, epochs=2))
    assert [type(event) for event in events] == [Started, EpochEnded, EpochEnded, Ended]
    assert isinstance(events[0], Started)
    assert events[0].worker.endswith(f":{os.getpid()}")
    assert retire is None


def test_a_process_goes_after_its_share_of_attempts(tmp_path: Path) -> None:
    worker = Worker(WorkerSettings(max_trials=2))
    assert run(worker, task(1, "no_op", tmp_path))[1] is None
    assert run(worker, task(2, "no_op", tmp_path))[1] == "it has run 2 attempts"


def test_a_process_goes_after_an_error_but_not_after_a_nan(tmp_path: Path) -> None:
    worker = Worker(WorkerSettings())
    assert run(worker, task(1, "non_finite", tmp_path))[1] is None
    assert run(worker, task(2, "raising", tmp_path))[1] == "an attempt ended with: exception"
    assert run(Worker(WorkerSettings(fresh_after_error=False)), task(2, "raising", tmp_path))[1] is None


def test_a_process_goes_when_its_memory_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = iter([700.0, 900.0, 1301.0])
    monkeypatch.setattr("sweeps.executor.worker._resident_mb", lambda: next(sizes))
    worker = Worker(WorkerSettings(max_growth_mb=600.0))
    assert run(worker, task(1, "no_op", tmp_path))[1] is None
    assert run(worker, task(2, "no_op", tmp_path))[1] is None
    assert run(worker, task(3, "no_op", tmp_path))[1] == "memory grew from 700 to 1301 MB"


def test_a_stop_meant_for_an_earlier_attempt_does_not_reach_the_next(tmp_path: Path) -> None:
    worker = Worker(WorkerSettings())
    worker.begin(task(7, "patient", tmp_path, attempt=1, epochs=3))
    worker.stop(7, 0)
    worker.stop(6, 1)
    events: list[Event] = []
    while not (events and isinstance(events[-1], Ended)):
        events += worker.next_events().events
    assert isinstance(events[-1], Ended)
    assert events[-1].cause is Cause.COMPLETED


def test_attempts_run_beside_each_other_and_end_by_themselves(tmp_path: Path) -> None:
    worker = Worker(WorkerSettings())
    for trial, trainable in ((1, "patient"), (2, "patient"), (3, "raising")):
        worker.begin(task(trial, trainable, tmp_path))
    told: dict[int, list[Event]] = {1: [], 2: [], 3: []}

    def until(trials: set[int]) -> str | None:
        while not all(told[trial] and isinstance(told[trial][-1], Ended) for trial in trials):
            batch = worker.next_events()
            for event in batch.events:
                told[event.trial].append(event)
        return batch.retire

    assert until({3}) == "an attempt ended with: exception"
    worker.stop(1, 0)
    assert until({1}) == "an attempt ended with: exception", "so also when the others end"
    worker.stop(2, 0)
    until({2})
    causes = {trial: events[-1].cause for trial, events in told.items() if isinstance(events[-1], Ended)}
    assert causes == {1: Cause.STOPPED, 2: Cause.STOPPED, 3: Cause.EXCEPTION}
    for trial in (1, 2):
        assert isinstance(told[trial][0], Started)
        epochs = [event.epoch for event in told[trial] if isinstance(event, EpochEnded)]
        assert epochs == list(range(1, len(epochs) + 1))


def test_workers_import_what_the_driver_can(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = driver_settings()
    assert settings.import_paths[0] == str(tmp_path)
    assert set(settings.import_paths) <= {str(tmp_path), *sys.path}


def test_variables_are_set_in_the_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLANTED", "before")
    worker = Worker(WorkerSettings(environment=(("PLANTED", "after"),)))
    events, _ = run(worker, task(1, "environment", tmp_path))
    assert isinstance(events[-1], Ended)
    assert events[-1].outcome is not None
    assert events[-1].outcome.facts["PLANTED"] == "after"
