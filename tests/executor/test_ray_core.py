"""Ray Core actors behind the protocol."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from contract import IsolatedExecutorContract, collect, task

from sweeps.executor.protocol import Cause, Ended, Started
from sweeps.executor.ray_core import RayCoreExecutor
from sweeps.executor.worker import WorkerSettings
from sweeps.sweep_file.settings import ResourceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweeps.executor.protocol import Executor
    from sweeps.executor.ray_session import RaySession

HERE = (str(Path(__file__).parent),)


@pytest.fixture(scope="class")
def executor(ray: RaySession) -> Iterator[Executor]:
    del ray
    executor = RayCoreExecutor(ResourceSettings(cpu=0.5, concurrent=2), worker=WorkerSettings(fresh_after_error=False, import_paths=HERE))
    yield executor
    executor.close(1.0)


@pytest.fixture
def fresh_executor(ray: RaySession) -> Iterator[Executor]:
    del ray
    executor = RayCoreExecutor(ResourceSettings(cpu=0.5, concurrent=1), worker=WorkerSettings(import_paths=HERE))
    yield executor
    executor.close(0.0)


class TestRayCore(IsolatedExecutorContract):
    """The contract."""

    def test_a_trial_goes_to_the_process_that_is_warm_for_it(self, executor: Executor, tmp_path: Path) -> None:
        def worker_of(trial: int, affinity: str) -> str:
            executor.submit(task(trial, "quick", tmp_path, affinity=affinity))
            return next(event.worker for event in collect(executor, [trial])[trial] if isinstance(event, Started))

        executor.submit(task(600, "patient", tmp_path, affinity="a"))
        executor.submit(task(601, "patient", tmp_path, affinity="b"))
        started: dict[int, str] = {}

        def both(events: list[object]) -> bool:
            started.update({event.trial: event.worker for event in events if isinstance(event, Started)})
            return len(started) == 2

        collect(executor, [], until=both)
        executor.stop(600)
        executor.stop(601)
        collect(executor, [600, 601])
        assert started[600] != started[601]
        assert [worker_of(602, "b"), worker_of(603, "a"), worker_of(604, "b")] == [started[601], started[600], started[601]]

    def test_a_process_is_replaced_after_its_share_of_trials(self, ray: RaySession, tmp_path: Path) -> None:
        del ray
        executor = RayCoreExecutor(ResourceSettings(cpu=0.5, concurrent=1), worker=WorkerSettings(max_trials=2, import_paths=HERE))
        workers = []
        for trial in range(3):
            executor.submit(task(trial, "quick", tmp_path))
            workers += [event.worker for event in collect(executor, [trial])[trial] if isinstance(event, Started)]
        executor.close(0.0)
        assert workers[0] == workers[1] != workers[2]

    def test_a_worker_with_slots_runs_trials_beside_each_other_and_takes_the_next_when_one_ends(
        self, ray: RaySession, tmp_path: Path
    ) -> None:
        del ray
        executor = RayCoreExecutor(ResourceSettings(cpu=0.5, concurrent=1), worker=WorkerSettings(import_paths=HERE))
        workers: dict[int, str] = {}

        def started(*trials: int) -> None:
            def seen(events: list[object]) -> bool:
                workers.update({event.trial: event.worker for event in events if isinstance(event, Started)})
                return workers.keys() >= set(trials)

            collect(executor, [], until=seen)

        def submit(trial: int, trainable: str = "patient", **config: object) -> None:
            executor.submit(replace(task(trial, trainable, tmp_path, affinity="a", **config), slots=3))

        assert executor.room() == 1, "no worker has told its slots yet"
        submit(1)
        assert executor.room() == 2
        submit(2)
        submit(3)
        assert executor.room() == 0
        started(1, 2, 3)
        assert len(set(workers.values())) == 1
        executor.submit(task(9, "quick", tmp_path, affinity="b"))  # another model waits for a process
        executor.stop(2)
        assert [type(event) for event in collect(executor, [2])[2]] == [Ended]
        submit(4)
        started(4)
        assert workers[4] == workers[1]
        submit(5, "killed")
        executor.stop(4)
        collect(executor, [4])
        ends = {trial: events[-1] for trial, events in collect(executor, [1, 3, 5, 9]).items()}
        causes = {trial: end.cause for trial, end in ends.items() if isinstance(end, Ended)}
        assert causes == {1: Cause.WORKER_DIED, 3: Cause.WORKER_DIED, 5: Cause.WORKER_DIED, 9: Cause.COMPLETED}
        executor.close(0.0)
