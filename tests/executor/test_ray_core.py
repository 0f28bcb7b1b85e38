"""Ray Core actors behind the protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from contract import IsolatedExecutorContract, collect, task

from sweeps.executor.protocol import Started
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
