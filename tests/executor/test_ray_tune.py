"""Ray Tune behind the protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from contract import IsolatedExecutorContract

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
