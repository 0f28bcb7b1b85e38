"""Ray Tune behind the protocol."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from contract import PATIENCE, IsolatedExecutorContract, task

from sweeps.executor.protocol import Started
from sweeps.executor.ray_tune import RayTuneExecutor
from sweeps.executor.worker import WorkerSettings
from sweeps.sweep_file.settings import ResourceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweeps.executor import Executor
    from sweeps.executor.ray_session import RaySession

HERE = (str(Path(__file__).parent),)


@pytest.fixture(scope="class")
def executor(ray: RaySession) -> Iterator[Executor]:
    del ray
    executor = RayTuneExecutor(ResourceSettings(cpu=0.5, concurrent=2), worker=WorkerSettings(fresh_after_error=False, import_paths=HERE))
    yield executor
    executor.close(1.0)


@pytest.fixture
def fresh_executor(ray: RaySession) -> Iterator[Executor]:
    del ray
    executor = RayTuneExecutor(ResourceSettings(cpu=0.5, concurrent=1), worker=WorkerSettings(import_paths=HERE))
    yield executor
    executor.close(0.0)


class TestRayTune(IsolatedExecutorContract):
    """The contract."""


def test_a_process_that_tune_drops_before_its_first_step_takes_no_task(ray: RaySession, tmp_path: Path) -> None:
    """Tune starts a process for a trial, then gives the trial to one that has become free: the task must still be there."""
    import ray as ray_library

    from sweeps.executor.tune_worker import BATCH, Board, TaskTrainable

    del ray
    board = ray_library.remote(Board).options(name="board-dropped", num_cpus=0).remote(WorkerSettings(import_paths=HERE))
    ray_library.get(board.post.remote(0, task(1, "quick", tmp_path)), timeout=PATIENCE)

    def process() -> Any:  # noqa: ANN401 - an actor handle
        return ray_library.remote(TaskTrainable).options(num_cpus=0).remote({"board": "board-dropped", "key": 0})

    dropped, kept = process(), process()
    ray_library.get(dropped.__ray_ready__.remote(), timeout=PATIENCE)
    result = ray_library.get(kept.train.remote(), timeout=PATIENCE)
    assert isinstance(pickle.loads(result[BATCH]).events[0], Started)  # noqa: S301 - made by our own worker
    for actor in (dropped, kept, board):
        ray_library.kill(actor)
